"""The layers of the settings: presets, the file, the command line."""

from pathlib import Path

import pytest
import yaml

from lorabench.base.families import FAMILIES
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.errors import UserError
from lorabench.settings.layers import merge, resolve
from lorabench.settings.models import Config
from lorabench.settings.validation import keys

ROOT = Path(__file__).parents[3]


def test_a_section_on_the_command_line_changes_only_its_keys():
    config = resolve(
        merge({"raw_set": "x", "train": {"rank": 4}}, {"train": "{alpha: 2, unet_lr: 1e-3}"}),
        BUNDLED.preset,
    )
    assert (config.train.rank, config.train.alpha, config.train.unet_lr) == (4, 2, 1e-3)


def test_epochs_take_the_place_of_the_presets_steps():
    train = resolve({"raw_set": "x", "train": {"epochs": 3}}, BUNDLED.preset).train
    assert (train.steps, train.epochs) == (None, 3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_preset_is_complete(family):
    config = resolve({"raw_set": "some_set"}, family.preset)
    assert (config.trigger, config.preprocess.trigger) == ("", "")
    assert config.bench_workflow == family.preset["bench_workflow"]


def test_a_key_that_yaml_reads_as_nothing_is_named():
    with pytest.raises(UserError, match="YAML reads a key as None; a key should be a name"):
        resolve({"raw_set": "x", None: "y"}, BUNDLED.preset)


def test_the_default_file_with_its_comments_taken_off_is_the_default():
    text = (ROOT / "config" / "config.yaml").read_text().split("\n\n", 1)[1]
    names = {key.split(".")[-1] for key in keys(Config)}
    values = [
        line.replace("# ", "", 1)
        for line in text.splitlines()
        if not line.lstrip().startswith("#") or line.split(":")[0].strip("# ") in names
    ]
    given = yaml.safe_load("\n".join(values)) | {"raw_set": "some_set"}
    assert resolve(merge(given), BUNDLED.preset) == resolve({"raw_set": "some_set"}, BUNDLED.preset)
