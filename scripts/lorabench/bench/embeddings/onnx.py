"""Load an embedding from an ONNX file with ONNX Runtime: CCIP, which tells characters apart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from lorabench.bench.embeddings.folder import image_processor
from lorabench.bench.embeddings.vectors import CCIP, PREPARED, Embedding
from lorabench.errors import UserError

_SIDE = 384
"""Of CCIP's pictures, where the file does not say it."""


def load_onnx(path: Path) -> Embedding:
    """Load a file that makes a vector of each picture; raises `UserError`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common but this
        said = str(error).strip().split("\n")[0]
        raise UserError(f"{path}: ONNX Runtime cannot load it ({said})") from None
    given, found = session.get_inputs(), session.get_outputs()
    shapes = [one.shape for one in (*given, *found)]
    if len(given) != 1 or len(given[0].shape) != 4 or len(found[0].shape) != 2:
        raise UserError(
            f"{path}: makes no vector of a picture (its inputs and outputs: {shapes}); of CCIP "
            f"give {CCIP}, which does"
        )
    return OnnxPictures(session, _processor(path, given[0].shape))


def _processor(path: Path, shape: Sequence[Any]) -> Any:
    """Return what prepares the pictures: as the file beside the model says, or as CCIP's are."""
    if (path.parent / PREPARED).is_file():
        return image_processor(path.parent)
    height, width = (edge if isinstance(edge, int) else _SIDE for edge in shape[2:])
    # The whole picture, stretched; mean and spread of the colours are CLIP's.
    return CLIPImageProcessorPil(
        size={"height": height, "width": width},
        resample=Image.Resampling.BILINEAR,
        do_center_crop=False,
    )


class OnnxPictures:
    """A model of pictures only."""

    def __init__(self, session: onnxruntime.InferenceSession, processor: Any) -> None:
        """Take an open file, and a transformers image processor."""
        self._session, self._processor = session, processor
        self._input = session.get_inputs()[0].name

    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return the vectors of RGB pictures, float32 [n, d], each of length 1."""
        pixels = self._processor(list(images), return_tensors="np").pixel_values
        # One by one: some files take no more at once.
        found = [self._session.run(None, {self._input: one[None]})[0] for one in pixels]
        vectors = np.concatenate([np.asarray(one, np.float32) for one in found])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)

    def texts(self, texts: Sequence[str]) -> np.ndarray | None:
        """Return None: it reads no texts."""
