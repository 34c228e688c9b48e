"""The compose files: what they start, on which folders, and who can reach it."""

import re
from pathlib import Path

import pytest
import yaml

from lorabench.comfy.client.transport import HOW_TO_START
from lorabench.train.kohya import docker

ROOT = Path(__file__).parents[2]
FILES = {"comfyui": "comfy-docker/docker-compose.yml", "kohya": "kohya-docker/docker-compose.yml"}
TOP = {"name", "services", "configs", "volumes"}
SERVICE = {
    "image", "init", "restart", "ports", "environment", "configs", "volumes", "deploy", "tmpfs",
    "shm_size", "healthcheck", "user", "command", "working_dir",
}  # fmt: skip
# start_interval would need Docker Engine 25.
HEALTHCHECK = {"test", "interval", "timeout", "retries", "start_period"}
DURATION = re.compile(r"\d+(s|m|h)")


def read(name):
    return yaml.safe_load((ROOT / FILES[name]).read_text())


@pytest.fixture(params=FILES)
def service(request):
    content = read(request.param)
    assert content.keys() <= TOP
    (found,) = content["services"].items()
    assert found[0] == request.param
    return found[1]


def mounts(service):
    return [volume for volume in service["volumes"] if isinstance(volume, dict)]


def test_the_keys_are_those_of_the_compose_specification(service):
    assert service.keys() <= SERVICE
    for mount in mounts(service):
        assert mount.keys() == {"type", "source", "target", "read_only", "bind"}


def test_the_images_are_pinned(service):
    name, _, tag = re.sub(r"\$\{\w+:-(.*)\}", r"\1", service["image"]).rpartition(":")
    assert name
    assert re.search(r"\d+\.\d+\.\d+|\d{8}", tag), tag


def test_comfyuis_image_can_be_replaced_as_the_page_says():
    image = read("comfyui")["services"]["comfyui"]["image"]
    (variable,) = re.findall(r"\$\{(\w+):-", image)
    assert f"{variable}=yanwk/comfyui-boot:cu130" in (ROOT / "docs/docker.md").read_text()


def test_the_projects_folders_are_mounted_and_none_is_made_by_docker(service):
    folders = [mount["source"] for mount in mounts(service)]
    assert sorted(folders) == ["../datasets", "../models", "../output", "../runs"]
    assert all(mount["bind"] == {"create_host_path": False} for mount in mounts(service))


@pytest.mark.parametrize(("name", "written"), [("comfyui", {"output"}),
                                               ("kohya", {"output", "runs"})])  # fmt: skip
def test_only_what_they_write_to_is_writable(name, written):
    service = read(name)["services"][name]
    writable = [mount["source"] for mount in mounts(service) if not mount["read_only"]]
    assert {Path(source).name for source in writable} == written


def test_they_reserve_the_card(service):
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_comfyui_tells_whether_it_is_healthy():
    check = read("comfyui")["services"]["comfyui"]["healthcheck"]
    assert check.keys() <= HEALTHCHECK
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    times = [value for key, value in check.items() if key not in ("test", "retries")]
    assert all(DURATION.fullmatch(time) for time in times)


def test_comfyui_is_reached_from_this_machine_alone():
    assert read("comfyui")["services"]["comfyui"]["ports"] == ["127.0.0.1:8188:8188"]
    assert "ports" not in read("kohya")["services"]["kohya"]


def test_comfyui_lists_the_installed_loras_and_saves_into_the_project():
    content = read("comfyui")
    models = yaml.safe_load(content["configs"]["models"]["content"])["lorabench"]
    assert (models["base_path"], models["loras"]) == ("/project/models", "loras")
    service = content["services"]["comfyui"]
    (config,) = service["configs"]
    assert config["source"] == "models"
    arguments = service["environment"]["CLI_ARGS"]
    assert f"--extra-model-paths-config {config['target']} " in arguments
    assert "--output-directory /project/output " in arguments


def test_the_trainer_knows_what_kohyas_container_mounts():
    assert ROOT / FILES["kohya"] == docker.FILE
    (found,) = read("kohya")["services"].items()
    folders = {m["source"]: m["target"] for m in mounts(found[1])}
    assert found[0] == docker.SERVICE
    assert {f"../{here}": there for here, there in docker.FOLDERS.items()} == folders


def test_the_messages_name_the_file():
    assert f"-f {FILES['comfyui']} up -d" in HOW_TO_START
