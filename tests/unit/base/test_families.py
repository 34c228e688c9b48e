"""The families: what each has, and that nothing else decides by a family's name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.base.checkpoint import Checkpoint
from lorabench.base.families import FAMILIES, KNOWN, by_width
from lorabench.base.family import PARTS, Known
from lorabench.base.stable_diffusion import BUNDLED, SD15, SDXL
from lorabench.settings.layers import resolve
from lorabench.train.external import limits

ROOT = Path(__file__).parents[3]


OF_FAMILIES = ("stable_diffusion.py", "diffusion_transformers.py", "families.py")
OF_FAMILIES += ("sd_scripts.py", "musubi_tuner.py")
OF_FAMILIES += ("catalog_levels.py", "sigmas.py")  # ComfyUI's names for tables of levels


def by_name(family):
    return family.title


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_a_family_has_a_preset_that_its_trainers_take(family):
    config = resolve({"raw_set": "x"}, family.preset)
    assert not config.bench_workflow or (ROOT / config.bench_workflow).is_file()
    for trainer in filter(None, (family.kohya, family.musubi)):
        assert config.preprocess.bucket_step % trainer.bucket_step == 0
        limits.check_settings(config.train, trainer, Checkpoint(Path(), "file", family, "flow"))


@pytest.mark.parametrize("family", [BUNDLED, SD15, SDXL], ids=by_name)
def test_a_family_with_a_unet_has_parts(family):
    assert {"unet", "vae", "text_encoder"} <= family.parts.keys() <= PARTS.keys()
    assert not family.embedded or not family.parts["unet"] or family.configs


@pytest.mark.parametrize("field", ["title", "width", "name", "tag"])
def test_families_can_be_told_apart(field):
    values = [getattr(family, field, None) for family in KNOWN]
    values = [value for value in values if value]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("family", KNOWN, ids=by_name)
def test_a_family_is_known_by_its_width_or_by_the_names_in_its_loras(family):
    assert family.lora_names or family.width or family.naming
    assert family.width is None or by_width(family.width) is family
    assert (family.width is None) == (family.block is None)


def test_a_title_has_its_article():
    assert SD15.a_title == "an SD1.x"
    assert Known("Illustrious").a_title == "an Illustrious" and Known("Flux").a_title == "a Flux"


def test_no_other_module_names_a_family_in_a_string():
    names = {family.name for family in FAMILIES} | {family.title for family in KNOWN}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "scripts").rglob("*.py")
        if path.name not in OF_FAMILIES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    ]
    assert found == []


def test_families_are_read_without_torch():
    program = "import sys, lorabench.base.checkpoint; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT / "scripts", check=True)
