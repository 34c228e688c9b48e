"""What the evaluation renders is kept, and nothing else comes back in its place."""

from pathlib import Path

import pytest
import torch

from base_model import rendering
from base_model.rendering import Renderer

BUNDLED = Path(__file__).parents[3] / "models" / "checkpoints" / "drawnworld"
CAT, DOG = "a red cat on a blue background", "a red dog on a blue background"


def test_a_picture_is_rendered_once_for_all_that_it_depends_on(tmp_path, monkeypatch):
    renderer = Renderer(BUNDLED, 1, tmp_path)
    first = renderer.render([CAT], [1])
    assert first.shape == (1, 3, 128, 128) and first.dtype == torch.uint8
    monkeypatch.setattr(renderer, "draw", lambda *_: pytest.fail("drawn again"))
    assert torch.equal(renderer.render([CAT], [1]), first)
    for prompt, seed in ((CAT, 2), (DOG, 1)):
        with pytest.raises(pytest.fail.Exception, match="drawn again"):
            renderer.render([prompt], [seed])
    monkeypatch.setattr(rendering, "GUIDANCE", 3.0)
    other = Renderer(BUNDLED, 1, tmp_path)
    monkeypatch.setattr(other, "draw", lambda *_: pytest.fail("drawn again"))
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        other.render([CAT], [1])
