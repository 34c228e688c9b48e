"""What a user should know of a run's set, LoRAs, prompts and base before all is done."""

import math

from lorabench.base import families
from lorabench.dataset import notes as raw_notes
from lorabench.run import base_choice, existing, given_pair, regularization
from lorabench.run.plan import RunPlan
from lorabench.sweep import prompt_notes
from lorabench.sweep.loras import label
from lorabench.text.phrases import count, few, listed


def notes(plan: RunPlan) -> list[str]:
    """Return it, a line for each thing."""
    own = plan.config.positive or plan.workflow_prompt
    further = plan.typed_prompts(plan.trigger)
    prompts = [text for text in (own, plan.config.negative, *further) if text]
    of_prompts = list(prompt_notes.notes(prompts, plan.trigger, plan.embedded_server))
    other = plan.drawn_elsewhere
    of_base = [base_choice.warning(plan.base_model, other)] if other and plan.base_model else []
    return [*_of_set(plan), *_of_lora(plan), *of_prompts, *of_base, *_of_epochs(plan)]


def _of_set(plan: RunPlan) -> list[str]:
    training = plan.training
    if not plan.raw:
        return _of_unused_set(plan)
    if not training:
        return [*raw_notes.not_used(plan.raw), *_as_they_are(plan)]
    of_set = raw_notes.notes(plan.raw, plan.trigger, plan.config.reg_set)
    of_set += _as_they_are(plan)
    if not training.reg:
        return of_set
    return [*of_set, regularization.note(training.reg.raw, plan.config, training.doubled)]


def _as_they_are(plan: RunPlan) -> list[str]:
    """How the style is measured where the base model's autoencoder is in no file that is read."""
    if plan.autoencoder:
        return []
    return [
        "style is measured against the training pictures as they are: the autoencoder of "
        f"{'this' if plan.base_model else plan.family.a_title} model is not read here"
    ]


def _of_epochs(plan: RunPlan) -> list[str]:
    """Which epochs the training will hardly reach; how many it has, its first step decides."""
    train, asked = plan.config.train, plan.config.epochs
    if not plan.awaits_epochs or isinstance(asked, str) or not plan.raw or not train.steps:
        return []
    pictures = sum(picture.folder.repeats for picture in plan.raw.pictures)
    last = math.ceil(train.steps * plan.use.pictures_a_step / pictures)
    if not (beyond := [str(epoch) for epoch in asked if epoch > last]):
        return []
    return [
        f"epochs={listed(beyond)}: {train.steps} steps are about {count(last, 'epoch')} of "
        f"{count(pictures, 'picture')}, so no such state may be kept; for more of them, "
        "write train={epochs: N}"
    ]


def _of_lora(plan: RunPlan) -> list[str]:
    """What calls a LoRA from elsewhere, where nobody said it."""
    left_out = [*_of_pairs(plan), *(f"left out: {one}" for one in plan.left_out)]
    if not plan.base_model:
        left_out += _of_family(plan)
    if not plan.from_elsewhere or plan.given & {"trigger"}:
        return left_out
    words = list(dict.fromkeys(one.trigger for one in plan.several)) or [plan.trigger]
    if "" in words:
        nameless = [label(one) for one in plan.several if not one.trigger]
        whose = f"the metadata of {few(nameless, 3)}" if any(words) else "the LoRA's metadata"
        return [
            *left_out,
            f"WITHOUT TRIGGER WORDS: {whose} name none, so the prompts have none, the probes are "
            "left out, and the verdict judges neither copies nor leaks. Say with trigger= which "
            "words call the LoRA",
        ]
    called = listed([repr(one) for one in words])
    return [*left_out, f"the LoRA is called by {called}; other words: trigger="]


def _of_pairs(plan: RunPlan) -> list[str]:
    """Which files are one LoRA, or which of two is benched alone."""
    if plan.low:
        files = [lora.source.name for lora in plan.from_elsewhere.values()]
        pairs = [f"{high} and {low}" for high, low in zip(files[::2], files[1::2], strict=True)]
        what = "one LoRA" if len(pairs) == 1 else "one LoRA each"
        return [
            f"{few(pairs, 3)}: {what}, for high and low noise; at each weight both loaders of "
            f"{plan.config.bench_workflow} get it"
        ]
    sources = [] if plan.several else [one.source for one in plan.from_elsewhere.values()]
    return [
        f"only {one.name} is benched: one loader of {plan.config.bench_workflow} gets the LoRA, "
        f"and {other.name} would need another"
        for one in sources
        if (other := given_pair.other(one))
    ]


def _of_family(plan: RunPlan) -> list[str]:
    """Which family a LoRA is for whose base model is not here, and what renders it."""
    if plan.family is families.OTHER:
        return ["the LoRA's layers are of no family that is known here; its workflow decides"]
    what, them = ("LoRAs are", "them") if plan.several else ("LoRA is", "it")
    return [
        f"the {what} for {plan.family.title}; {plan.config.bench_workflow} renders {them} "
        "(another: bench_workflow=)"
    ]


def _of_unused_set(plan: RunPlan) -> list[str]:
    """Why the raw set is not used, where it is there and the LoRA is from elsewhere."""
    unused = plan.config.raw_set and not existing.record(plan.paths)
    if not unused or not existing.is_there(plan.paths.raw):
        return []
    words = "" if plan.trigger else ", and say with trigger= which words call it"
    return [
        f"{plan.paths.raw} is not used: skip_train benches a finished LoRA, and nothing "
        f"records that it was trained on these pictures. Judge its style by eye{words}"
    ]
