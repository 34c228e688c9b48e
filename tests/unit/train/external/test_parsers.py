"""Every option that the pipeline gives is one that the real programs' parsers take."""

from pathlib import Path

import pytest

from lorabench.base.families import PUBLIC
from lorabench.train.external.hardware import Hardware
from lorabench.train.kohya import command as kohya_command
from lorabench.train.kohya.resume import State as KohyaState
from lorabench.train.musubi import command as musubi_command
from lorabench.train.musubi.resume import State as MusubiState
from tests import recorded
from tests.kohya import HERE, make_training

GPU = Hardware("cuda", "bf16")
KOHYA = [family for family in PUBLIC if family.kohya]
MUSUBI = [family for family in PUBLIC if family.musubi]
TITLES = {"SD1.x": "sd15", "SDXL": "sdxl"}
SIZES = ((64, 64), (128, 64))
EVERYTHING = {
    "epochs": 4,
    "save_every_epochs": 2,
    "scheduler": "cosine_with_restarts",
    "warmup_steps": 2,
    "gradient_checkpointing": True,
}


def title(family):
    return family.title


@pytest.mark.parametrize("version", recorded.SD_SCRIPTS)
@pytest.mark.parametrize("family", KOHYA, ids=title)
def test_sd_scripts_takes_the_config_and_the_command_of_each_family(tmp_path, family, version):
    training = make_training(tmp_path, TITLES.get(family.title, family.title), SIZES, **EVERYTHING)
    made = kohya_command.config(training, HERE, GPU)
    assert recorded.refused(version, training.by.program, made) == []
    words = kohya_command.command(training, HERE, GPU, KohyaState(Path("/s"), 2, 6))
    program = words.index(HERE.script(training.by.program))
    given = recorded.on_command_line(words[program:])
    assert given.keys() <= recorded.options(version, training.by.program).keys()
    assert set(family.kohya.models) <= made.keys()
    assert not family.kohya.without & (made.keys() | given.keys())


@pytest.mark.parametrize("family", MUSUBI, ids=title)
def test_musubi_tuner_takes_the_config_and_the_commands_of_each_family(tmp_path, family):
    training = make_training(tmp_path, family.title, SIZES, "musubi", **EVERYTHING)
    state = MusubiState(Path("/s"), 2, 6)
    made = musubi_command.config(training, HERE, GPU, state)
    assert recorded.refused(recorded.MUSUBI, family.musubi.program, made) == []
    programs = musubi_command.programs(training)
    known = {one: frozenset(recorded.options(recorded.MUSUBI, one)) for one in programs}
    *_, trains = programs
    assert set(musubi_command.ON_COMMAND_LINE) <= known[trains]
    encode = list(musubi_command.encode(training, HERE, known))
    for program, (script, *words) in zip(programs, encode, strict=False):
        assert script.endswith(program)
        given = recorded.on_command_line(words)
        assert given.keys() <= known[program]
    pictures, captions = (recorded.on_command_line(words) for _, *words in encode)
    assert {"dataset_config", "vae"} <= pictures.keys()
    assert {"dataset_config", "text_encoder"} <= captions.keys()


@pytest.mark.parametrize("version", recorded.SD_SCRIPTS)
def test_what_is_passed_over_in_silence_is_an_option_there(version):
    for family in KOHYA:
        of_others = {"clip_l"} if family.title == "Chroma" else set()
        known = recorded.options(version, family.kohya.program)
        assert family.kohya.without - of_others <= known.keys()


def test_a_value_of_another_kind_is_refused():
    flux = "flux_train_network.py"
    given = {"timestep_sampling": "nextdit_shift", "seed": "a", "sdpa": 1, "no_such": True}
    assert len(recorded.refused(recorded.SD_SCRIPTS[1], flux, given)) == 4
