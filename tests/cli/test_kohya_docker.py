"""sd-scripts in the container that Docker starts by itself, where nothing else is named."""

import json
import os
import shutil
from pathlib import Path

import pytest

from lorabench.lora import file as lora_file
from lorabench.train.kohya import docker
from tests.kohya import Author, with_docker, without_docker

ROOT = Path(__file__).parents[2]
WAYS = ("Docker with Compose", "SD_SCRIPTS_DIR=", "kohya: {launcher: …}")


@pytest.fixture
def author(tmp_path, monkeypatch):
    """A project with the stand-in for `docker` on the path, and no sd-scripts of its own."""
    found = Author(tmp_path / "my project ぽ", monkeypatch)
    shutil.copytree(ROOT / "kohya-docker", found.root / "kohya-docker")
    (found.root / "runs").mkdir()
    monkeypatch.setattr(docker, "ROOT", found.root)
    monkeypatch.setattr(docker, "FILE", found.root / "kohya-docker" / "docker-compose.yml")
    monkeypatch.delenv("SD_SCRIPTS_DIR")
    monkeypatch.delenv("PUID", raising=False)
    monkeypatch.setenv("PATH", with_docker(tmp_path / "bin"))
    monkeypatch.setenv("FAKE_DOCKER_RECORD", str(tmp_path / "containers"))
    return found


def containers(author):
    return list(map(json.loads, (author.root.parent / "containers").read_text().splitlines()))


def base_model(author):
    return json.loads((author.root / "options.json").read_text())["pretrained_model_name_or_path"]


def test_it_trains_without_any_setting(author, capsys):
    output, status = author.train(steps=1)
    assert status == 0, capsys.readouterr().err
    assert lora_file.verify(output)
    assert base_model(author) == "/models/base.safetensors"
    assert {one["user"] for one in containers(author)} == {str(os.getuid())}
    assert all(one["volumes"] == [] for one in containers(author))


def test_files_are_ours_where_docker_runs_as_us(author, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER", "rootless")
    assert author.train(steps=1)[1] == 0
    assert {one["user"] for one in containers(author)} == {"0"}


@pytest.mark.parametrize(
    ("info", "user"),
    [
        ({"host": {"security": {"rootless": True}}}, "0"),  # Podman's own form
        ({"host": {"security": {"rootless": False}}}, str(os.getuid())),
        ({"SecurityOptions": None}, str(os.getuid())),
        ({}, str(os.getuid())),
    ],
)
def test_whose_files_they_are_follows_from_what_docker_is(monkeypatch, info, user):
    monkeypatch.delenv("PUID", raising=False)
    assert docker._user(info) == user


@pytest.mark.parametrize("where", ["linked", "elsewhere"])
def test_a_base_model_that_the_container_does_not_see_is_mounted(author, where):
    kept = author.root.parent / "disk" / "my model.safetensors"
    kept.parent.mkdir()
    author.base.rename(kept)
    if where == "linked":
        author.base.symlink_to(kept)
    else:
        author.base = kept
    assert author.train(steps=1)[1] == 0
    assert base_model(author) == f"/linked/0/{author.base.name}"
    volume = f"--volume={kept}:/linked/0/{author.base.name}"
    assert all(one["volumes"] == [volume] for one in containers(author))


def test_folders_that_are_links_themselves_need_nothing(author):
    disk = author.root.parent / "disk"
    (author.root / "models").rename(disk)
    (author.root / "models").symlink_to(disk)
    assert author.train(steps=1)[1] == 0
    assert base_model(author) == "/models/base.safetensors"
    assert all(one["volumes"] == [] for one in containers(author))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            "down",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\nDocker does",
        ),
        ("no-compose", "docker: unknown command: docker compose\nDocker has no `docker compose`"),
        ("no-card", 'select device driver "nvidia" with capabilities\nDocker cannot give the cont'),
    ],
)
def test_a_docker_that_cannot_is_told_in_its_own_words(author, capsys, monkeypatch, fault, said):
    monkeypatch.setenv("FAKE_DOCKER", fault)
    assert author.train(steps=1)[1] == 1
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert all(way in error for way in WAYS)


def test_without_docker_the_three_ways_are_named(author, capsys, monkeypatch):
    monkeypatch.setenv("PATH", without_docker())
    assert author.train(steps=1)[1] == 1
    error = capsys.readouterr().err
    assert "there is no docker here" in error
    assert all(way in error for way in WAYS)


def test_standard_input_has_to_reach_the_container(author, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER", "no-stdin")
    assert author.train(steps=1)[1] == 1
    assert "the launcher does not pass standard input on" in capsys.readouterr().err


def test_an_image_that_is_fetched_says_so_without_its_thousand_bars(author, capsys, monkeypatch):
    monkeypatch.setenv("FAKE_DOCKER", "pulls")
    assert author.train(steps=1)[1] == 0
    said = capsys.readouterr().err
    assert "docker: Image x Pulling" in said and "docker: a1 Pull complete" in said
    assert "Downloading" not in said
