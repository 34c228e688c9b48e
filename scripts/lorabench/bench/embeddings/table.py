"""Measure a sweep in an embedding: a row per picture, joined to the metrics."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from lorabench import cli
from lorabench.bench.embeddings.vectors import Embedding
from lorabench.comfy.embedded.prompt_text import spoken
from lorabench.errors import UserError
from lorabench.settings import formats
from lorabench.sweep.pictures import Picture, open_rgb, relative
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import without

BATCH = 8
"""Pictures in memory at once."""
_TOLD_APART = 2.0
"""Standard errors by which pictures have to be nearer to their own texts, or it may be chance."""


def measure(
    pictures: Sequence[Picture],
    folder: Path,
    embedding: Embedding,
    name: str,
    *,
    reference: Sequence[Path] = (),
    prompts: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return a row per picture: `file`, from `folder`, and the columns that begin with `name`.

    `reference` are the training pictures as the base model can render them, `prompts` the texts of
    the variants; without either, or a model that reads texts, their columns are missing. Values
    without a comparison are empty. Raises `UserError` for a missing or unreadable picture.
    """
    vectors = _embedded([picture.path for picture in pictures], embedding, "embedding")
    shifts = _shifts(pictures, vectors)
    # Half the squared distance is 1 - cosine, for length 1, and exactly 0 for equal vectors.
    columns = {"effect": (shifts**2).sum(axis=1) / 2}
    if reference:
        taught = _embedded(reference, embedding, "reference")
        columns["style"], columns["beside"] = along(shifts, _way(pictures, vectors, taught))
        columns["likeness"] = _likeness(pictures, vectors, taught)
    columns |= _of_texts(pictures, vectors, embedding, prompts or {})
    table = pd.DataFrame({f"{name}_{key}": values for key, values in columns.items()})
    table.insert(0, "file", [relative(one.path, folder) for one in pictures])
    return table


def along(shifts: np.ndarray, way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far shifts [n, d] go along `way` [d], where 1 is its end, and beside it."""
    squared = max(float(way @ way), 1e-12)
    gained = shifts @ way / squared
    rest = shifts - gained[:, None] * way
    return gained, np.linalg.norm(rest, axis=1) / np.sqrt(squared)


def prompts_of(sweep: SweepRecord) -> dict[str, str]:
    """Return the prompts by variant as plain text, without the trigger words and emphasis.

    Variants with an unknown prompt, or with nothing but trigger words, are left out.
    """
    bare = {one.name: without(one.text or "", sweep.trigger) for one in sweep.variants}
    return {name: spoken(text) for name, text in bare.items() if text}


def joined(measured: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the table of metrics, followed by the columns of the embedding's table at `path`.

    Raises `UserError` if that is unreadable, of other pictures, or repeats a column.
    """
    formats.table(path, "a table of bench_embed.py", ("file",), ("file",))
    table = pd.read_csv(path, dtype={"file": str})
    known = set(table["file"])
    if lost := [file for file in measured["file"] if file not in known]:
        raise UserError(
            f"{path}: lacks {len(lost)} of the pictures, such as {lost[0]}; "
            "embed the same pictures with bench_embed.py"
        )
    if taken := sorted((set(table.columns) & set(measured.columns)) - {"file"}):
        raise UserError(
            f"{path}: the metrics also have a column {taken[0]}; "
            "give the embedding's folder another name"
        )
    return measured.merge(table, on="file", how="left")


def _embedded(paths: Sequence[Path], embedding: Embedding, said: str) -> np.ndarray:
    """Return the vectors of pictures, float32 [n, d], with only a few pictures in memory."""
    found = []
    with cli.bar(total=len(paths), desc=said, unit="picture") as bar:
        for images in _batches(paths):
            found.append(embedding.images(images))
            bar.update(len(images))
    return np.concatenate(found)


def _batches(paths: Sequence[Path]) -> Iterator[list[Image.Image]]:
    """Yield the pictures in batches of one size."""
    batch: list[Image.Image] = []
    for path in paths:
        image = open_rgb(path)
        if batch and (len(batch) == BATCH or image.size != batch[0].size):
            yield batch
            batch = []
        batch.append(image)
    yield batch


def _shifts(pictures: Sequence[Picture], vectors: np.ndarray) -> np.ndarray:
    """Return the vectors minus their own at weight 0, [n, d]; NaN without one."""
    by_picture = zip(pictures, vectors, strict=True)
    without = {one.noise: vector for one, vector in by_picture if one.weight == 0}
    unknown = np.full(vectors.shape[1], np.nan, np.float32)
    return vectors - np.stack([without.get(one.noise, unknown) for one in pictures])


def _way(pictures: Sequence[Picture], vectors: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Return the way from the mean at weight 0, without probes, to that of the training set."""
    asked = [not one.weight and not one.probe for one in pictures]
    if not any(asked):
        return np.full(vectors.shape[1], np.nan)
    return taught.mean(axis=0) - vectors[asked].mean(axis=0)


def _likeness(pictures: Sequence[Picture], vectors: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Return how like the training pictures each picture is, as `measures/likeness.py` counts it.

    0 is as the base model's pictures, 1 as the training pictures are like each other.
    """
    asked = [not one.weight and not one.probe for one in pictures]
    if not any(asked) or len(taught) < 2:
        return np.full(len(vectors), np.nan)
    similar = (vectors @ taught.T).mean(axis=1)
    each = taught @ taught.T
    others = (each.sum() - np.trace(each)) / (len(each) * (len(each) - 1))
    base = similar[asked].mean()
    return (similar - base) / max(float(others - base), 1e-3)


def _of_texts(
    pictures: Sequence[Picture],
    vectors: np.ndarray,
    embedding: Embedding,
    prompts: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """Return how like its text each picture is, and how much of its prompt it keeps.

    Empty for a model that reads no texts; NaN for a variant without a prompt.
    """
    known = list(dict.fromkeys(prompts.values()))
    texts = embedding.texts(known) if known else None
    if texts is None:
        return {}
    like = vectors @ texts.T
    owns = np.array([[prompts.get(one.variant) == text for text in known] for one in pictures])
    with np.errstate(invalid="ignore"):
        text = (like * owns).sum(axis=1) / owns.sum(axis=1)
        others = (like * ~owns).sum(axis=1) / (~owns).sum(axis=1)
    return {"text": text, "prompt": _prompt_kept(pictures, text - others)}


def _prompt_kept(pictures: Sequence[Picture], nearer: np.ndarray) -> np.ndarray:
    """Return the share that is left of how much nearer pictures are to their own text than others.

    Each is held against its own at weight 0, in units of the mean there. NaN where the model hardly
    tells the prompts apart without the LoRA: then it has nothing to say.
    """
    asked = [not one.weight and not one.probe for one in pictures]
    variants = pd.Series([one.variant for one in pictures])[asked]
    without = pd.Series(nearer)[asked].groupby(variants).mean().dropna().to_numpy()
    unknown = np.full(len(nearer), np.nan)
    if len(without) < 2:
        return unknown
    mean, error = without.mean(), without.std(ddof=1) / len(without) ** 0.5
    if mean <= _TOLD_APART * error:
        return unknown
    return 1 + _shifts(pictures, nearer[:, None])[:, 0] / mean
