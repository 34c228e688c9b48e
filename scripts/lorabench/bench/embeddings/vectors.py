"""The interface of an embedding, pictures and texts as vectors, and the names of its files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

CCIP = "model_feat.onnx"
"""The file of CCIP that makes vectors of pictures; its `model_metrics.onnx` compares those."""
PREPARED = "preprocessor_config.json"
"""What transformers writes beside a model: the size and colours that it takes."""


class Embedding(Protocol):
    """A model that gives pictures, and perhaps texts, a place on the unit sphere."""

    def images(self, images: "Sequence[Image.Image]") -> "np.ndarray":
        """Return the vectors of RGB pictures of one size, float32 [n, d], each of length 1."""
        ...

    def texts(self, texts: Sequence[str]) -> "np.ndarray | None":
        """Return the vectors of texts, float32 [n, d] of length 1; None: it reads no texts."""
        ...
