"""List what is odd about a LoRA file, mostly in its metadata, but no reason to refuse it."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping

from lorabench.lora.modules import Contents
from lorabench.text.phrases import count

_ROUNDING = 2**-4
"""The largest difference of an alpha from the metadata: float8 has three bits."""
_NAMED = 3

Ranks = Counter[int]
Alphas = Counter[float]


def of(
    contents: Contents, metadata: Mapping[str, str], ranks: Ranks, alphas: Alphas, content: str
) -> Iterator[str]:
    """Yield each oddity in words; `content` is the digest of the tensors."""
    yield from _names(contents)
    yield from _alphas(alphas)
    yield from _metadata(metadata, ranks, alphas, content)
    if not alphas:
        yield from _peft(metadata)


def _names(contents: Contents) -> Iterator[str]:
    if failing := sum(module.may_fail for module in contents.modules):
        yield (
            f"{count(failing, 'module')} in it may be without effect, here as on ComfyUI, which "
            "fails on LoKr in Tucker form (Comfy-Org/ComfyUI#11245); train without use_tucker"
        )
    if contents.bundled:
        yield (
            f"it bundles the embedding {', '.join(contents.bundled)}, which is not used: only the "
            "LoRA is benched. ComfyUI reads embeddings from separate files in models/embeddings/"
        )
    for keys, why in (
        (contents.unknown, "of no layer"),
        (contents.unloaded, "of layers of a text encoder that no ComfyUI changes"),
    ):
        if keys:
            first = ", ".join(keys[:_NAMED])
            yield f"it has {count(len(keys), 'tensor')} {why}, without effect (first: {first})"


def _alphas(alphas: Alphas) -> Iterator[str]:
    if off := {alpha: number for alpha, number in alphas.items() if alpha <= 0}:
        yield f"{sum(off.values())} of {sum(alphas.values())} modules have an alpha of {min(off):g}"


def _metadata(
    metadata: Mapping[str, str], ranks: Ranks, alphas: Alphas, content: str
) -> Iterator[str]:
    """Compare the tensors with the metadata, which may lack any entry."""
    for key, found in (("ss_network_dim", ranks), ("ss_network_alpha", alphas)):
        said = _number(metadata.get(key, ""))
        if found and said and not any(math.isclose(said, n, rel_tol=_ROUNDING) for n in found):
            listed = ", ".join(f"{number:g}" for number in sorted(found)[:_NAMED])
            yield f"its metadata say {key} {said:g}, its tensors have {listed}; the tensors count"
    said = metadata.get("sshs_model_hash", content)
    if said != content:
        yield (
            f"its metadata have the digest of other tensors (sshs_model_hash {said[:12]}…, found "
            f"{content[:12]}…); some programs write that. If the pictures look wrong, copy it again"
        )


def _peft(metadata: Mapping[str, str]) -> Iterator[str]:
    """Compare the alpha in the metadata of PEFT and diffusers, if the file has none."""
    try:
        said = json.loads(metadata.get("lora_adapter_metadata", "{}"))
        pairs = {key.removesuffix("lora_alpha"): said[key] for key in said if "lora_alpha" in key}
        scales = {alpha / said[f"{part}r"] for part, alpha in pairs.items()}
    except (ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError):
        return
    for scale in scales - {1}:
        yield (
            f"its metadata (lora_adapter_metadata) say alpha / rank {scale:g}, its tensors have no "
            f"alpha: ComfyUI and this project apply it at 1, so its trainer's weight 1 is "
            f"{scale:g} here"
        )


def _number(text: str) -> float | None:
    """Return a number in the metadata; None for other values, such as `Dynamic`."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
