"""Write the model card of a LoRA for a model site, with nothing that was not measured."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import yaml

from lorabench import files
from lorabench.base.families import PUBLIC
from lorabench.base.family import PARTS, Family, Known
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.comfy.embedded.prompt_text import spoken
from lorabench.lora import file as lora_file
from lorabench.lora import trained_for, trained_on
from lorabench.lora.modules import forms
from lorabench.lora.names import is_text, place
from lorabench.pages.card import markdown
from lorabench.run.record import RunRecord
from lorabench.sweep.loras import SweptLora, saved
from lorabench.sweep.record import SweepRecord
from lorabench.text import syntax
from lorabench.text.phrases import count

_TEMPLATE = "card.md.j2"
# Of these, another machine would have others, and the same LoRA.
_NOT_SHOWN = {"device", "threads", "cache_latents"}


@dataclass(frozen=True)
class Sources:
    """What the card is made of; of all but the LoRA, nothing need be there."""

    loras: Sequence[Path]
    """The LoRA, or several of which the verdict chose one."""
    record: RunRecord | None = None
    sweep: SweepRecord | None = None
    verdict: Verdict | None = None
    grid: Path | None = None
    """The picture to show; a copy of it goes beside the card, where the card links it."""

    @property
    def chosen(self) -> SweptLora | None:
        """The LoRA that the verdict chose of the sweep's, or its only one; None if unnamed."""
        choice = self.verdict.choice if self.verdict else None
        swept = self.sweep.loras if self.sweep else ()
        if len(swept) == 1:
            return swept[0]
        return next((one for one in swept if choice and one.key == choice.lora), None)

    @property
    def lora(self) -> Path:
        """The LoRA that the card is of."""
        named = [one for one in self.loras if self.chosen and one.name == self.chosen.file]
        return next(iter(named or self.loras))

    @property
    def files(self) -> dict[str, Path]:
        """Its files: one, or by the noise that each is for."""
        low = self.chosen.low if self.chosen else ""
        found = [one for one in self.loras if one.name == low]
        return {"high noise": self.lora, "low noise": found[0]} if found else {"": self.lora}


def write(sources: Sources, path: Path) -> None:
    """Write the card, its picture beside it; raises `UserError` for a file that is no LoRA."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # it is Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: dict[str, Any] = {
        "weight": _weight,
        "finding": _finding,
        "sentence": lambda found: _sentence(_finding(found)),
        "text": markdown.text,
        "code": markdown.code,
        "literal": lambda text: json.dumps(text, ensure_ascii=False),
    }
    environment.filters |= filters
    text = environment.get_template(_TEMPLATE).render(**_contents(sources))
    if sources.grid:
        with files.publish(path.with_name(sources.grid.name)) as temporary:
            shutil.copyfile(sources.grid, temporary)
    files.write_text(path, text)


def _contents(sources: Sources) -> dict[str, Any]:
    lora, chosen = lora_file.verify(sources.lora), sources.chosen
    record, sweep, verdict = sources.record, sources.sweep, sources.verdict
    sweep = sweep.only(chosen.key) if sweep and chosen else sweep
    base = _base(record, lora.metadata)
    family = next(iter(trained_for.of_file(sources.lora)), None)
    trigger = trigger_words(sweep, lora.metadata)
    best = verdict.weight if verdict else None
    return {
        "front_matter": _front_matter(base, trigger, family, lora.metadata),
        "title": chosen.name if chosen and chosen.low else sources.lora.stem,
        "stem": sources.lora.stem,
        "file": sources.lora.name,
        "files": [_file(noise, path) for noise, path in sources.files.items()],
        "saved": saved(chosen) if chosen else "",
        "base": base,
        "model": f"{family.a_title} model" if family else "a Stable Diffusion checkpoint",
        "raw_set": record and record.raw_set,
        "trigger": trigger,
        "called": syntax.escaped(trigger),
        "prompt": spoken((sweep and sweep.variants[0].text) or ""),
        "verdict": verdict,
        "label": _sentence(words.label(verdict.label))[:-1] if verdict else "",
        "reasons": verdict.reasons if verdict else [],
        "cause": _sentence(words.no_weight(verdict)) if verdict and best is None else "",
        "weight": None if best is None else _weight(best),
        "weight_text": _recommended(verdict),
        "modules": _modules(lora),
        "text_encoder": any(is_text(place(module.name)[0]) for module in lora.contents.modules),
        "grid": quote(sources.grid.name) if sources.grid else "",
        "rendered": _rendered(sweep) if sweep else "",
        "checkpoint": sweep and sweep.checkpoint,
        "data": _data(record, lora.metadata),
        "settings": _settings(record) if record else {},
    }


def _file(noise: str, path: Path) -> dict[str, str]:
    """Return what the card says of one file."""
    return {
        "noise": noise,
        "name": path.name,
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
        "sha256": files.sha256(path),
        "content": lora_file.verify(path).content,
    }


def trigger_words(sweep: SweepRecord | None, metadata: Mapping[str, str]) -> str:
    """Return the trigger words of a LoRA, empty where none are known.

    They are those of the benchmark; without one, those of the file's metadata.
    """
    return sweep.trigger if sweep else trained_on.trigger(metadata)


def _front_matter(
    base: str, trigger: str, family: Known | None, metadata: Mapping[str, str]
) -> str:
    """Return what Hugging Face reads, as YAML; what only the author knows is left to fill in."""
    said = metadata.get("modelspec.architecture", "")
    by_metadata = [one for one in PUBLIC if said.startswith(one.architecture)]
    tags = [one.tag for one in ([family] if isinstance(family, Family) else by_metadata)]
    known = {
        "library_name": "diffusers",
        "pipeline_tag": "text-to-image",
        "tags": ["text-to-image", "lora", "diffusers", "template:sd-lora", *tags],
        **({"base_model": base} if base else {}),
        **({"instance_prompt": trigger} if trigger else {}),
    }
    return (
        "# To fill in: the licence you choose, and the base model's name on this site.\n"
        "license: other\nlicense_name: to-be-chosen\n"
        + yaml.safe_dump(known, sort_keys=False, allow_unicode=True)
    )


def _base(record: RunRecord | None, metadata: Mapping[str, str]) -> str:
    recorded = record.identity.base_model.name if record else ""
    return (recorded or metadata.get("ss_sd_model_name", "")).removesuffix(".safetensors")


def _modules(lora: lora_file.Lora) -> str:
    parts = Counter(place(module.name)[0] for module in lora.contents.modules)
    text = ", ".join(
        f"{PARTS.get(part, part)} {number}" for part, number in sorted(parts.items(), reverse=True)
    )
    kinds = forms(lora.contents.modules)
    if kinds.keys() != {"LoRA"}:
        text += f"; {', '.join(f'{kind} {number}' for kind, number in kinds.items())}"
    return text + (f"; rank {lora.rank}, alpha {lora.alpha:g}" if lora.rank else "")


def _recommended(verdict: Verdict | None) -> str:
    if verdict is None:
        return words.NOT_JUDGED[0]
    if verdict.weight is None:
        return words.no_weight(verdict)
    others = [_weight(weight) for weight in verdict.tie if weight != verdict.weight]
    tie = f" (no worse in the benchmark: {', '.join(others)})" if others else ""
    return f"{_weight(verdict.weight)}{tie}"


def _rendered(sweep: SweepRecord) -> str:
    """Say how much was rendered."""
    prompts = [one for one in sweep.variants if not one.probe]
    pictures = count(len(sweep.seeds) * sweep.batch_size, "picture")
    weights = ", ".join(map(_weight, sorted({at for one in prompts for at in one.weights})))
    return f"{count(len(prompts), 'prompt')}, {pictures} each, at the weights {weights}"


def _data(record: RunRecord | None, metadata: Mapping[str, str]) -> str:
    pictures = trained_on.pictures(metadata)
    number = count(pictures, "picture") if pictures else "a number of pictures not recorded"
    side = record.preprocess.resolution if record else 0
    area = f"at about {side} × {side} px" if side else ""
    area = area or (f"at {metadata['ss_resolution']} px" if "ss_resolution" in metadata else "")
    return f"{number} {area}".strip()


def _settings(record: RunRecord) -> dict[str, Any]:
    found = {"trainer": record.identity.trainer, "reg_set": record.reg_set}
    found |= record.train.model_dump()
    return {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in found.items()
        if key not in _NOT_SHOWN and value not in (None, {})
    }


def _finding(found: Finding) -> str:
    return markdown.text(words.finding(found))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _weight(weight: float) -> str:
    return f"{weight:.2f}"
