"""What the UNet is shown: nothing that is held out, and the latents of one autoencoder only."""

from argparse import Namespace
from pathlib import Path

import pytest

from base_model import encode_world
from base_model.world import CHARACTER, TARGET_STYLE, held_out
from lorabench.errors import UserError

ROOT = Path(__file__).parents[3]


def test_what_is_held_out_is_never_shown() -> None:
    scenes = [scene for seed in range(4) for scene in encode_world.shown(seed)]
    assert len(scenes) == 2000
    assert not [scene for scene in scenes if held_out(scene)]
    assert TARGET_STYLE not in {scene.style for scene in scenes}
    assert CHARACTER not in {scene.subject for scene in scenes}


def test_shards_of_another_autoencoder_seed_or_number_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode_world, "_write", lambda path, *_: path.touch())
    vae = ROOT / "models" / "checkpoints" / "drawnworld" / "vae"

    def encode(drawings: int, seed: int) -> set[str]:
        encode_world.program(
            Namespace(vae=vae, output=tmp_path, drawings=drawings, seed=seed, processes=1)
        )
        return {path.name for path in tmp_path.iterdir()}

    two = encode(1000, 1)
    assert len(two) == 2
    assert encode(500, 1) < two
    assert not encode(1000, 2) & two


def test_an_empty_world_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no encoded drawings there"):
        encode_world.load(tmp_path)
