"""The declarations of nodes that make and change noise levels, SIGMAS; see `catalog`."""

from lorabench.comfy.embedded.catalog_sampling import DENOISE, SCHEDULER, STEPS, amount
from lorabench.comfy.embedded.declaration import (
    Input,
    Node,
    choice,
    number,
    sockets,
    text,
    whole,
)


def nodes() -> dict[str, Node]:
    """Return the nodes by class name."""
    return _schedulers() | _levels()


def _scheduler(title: str, description: str, **widgets: Input) -> Node:
    category = "model/sampling/schedulers"
    return Node(widgets, ("SIGMAS",), category, title, description)


def _schedulers() -> dict[str, Node]:
    ends = {"sigma_max": amount(14.614642, 5000.0), "sigma_min": amount(0.0291675, 5000.0)}
    model = sockets(model="MODEL")
    return {
        "BasicScheduler": _scheduler(
            "BasicScheduler",
            "The levels of a scheduler for a model.",
            **model,
            scheduler=SCHEDULER,
            **STEPS,
            **DENOISE,
        ),
        "KarrasScheduler": _scheduler(
            "KarrasScheduler", "Levels evenly spaced in a root.", **STEPS, **ends, rho=amount(7.0)
        ),
        "ExponentialScheduler": _scheduler(
            "ExponentialScheduler", "Levels evenly spaced in their logarithm.", **STEPS, **ends
        ),
        "PolyexponentialScheduler": _scheduler(
            "PolyexponentialScheduler",
            "Levels spaced by a power of their logarithm.",
            **STEPS,
            **ends,
            rho=amount(1.0),
        ),
        "SDTurboScheduler": _scheduler(
            "SDTurboScheduler",
            "The ten levels of turbo models.",
            **model,
            steps=whole(1, 1, 10),
            denoise=number(1.0, 0, 1.0, 0.01),
        ),
        "BetaSamplingScheduler": _scheduler(
            "BetaSamplingScheduler",
            "Levels at quantiles of a beta distribution.",
            **model,
            **STEPS,
            alpha=amount(0.6, 50.0),
            beta=amount(0.6, 50.0),
        ),
        "AlignYourStepsScheduler": _scheduler(
            "AlignYourStepsScheduler",
            "Levels that were optimized for a family.",
            model_type=choice("SD1", "SDXL", "SVD"),
            steps=whole(10, 1, 10000),
            **DENOISE,
        ),
    }


def _levels() -> dict[str, Node]:
    category, given = "model/sampling/sigmas", sockets(sigmas="SIGMAS")
    halves = ("SIGMAS", "SIGMAS"), category
    names = ("high_sigmas", "low_sigmas")
    return {
        "SplitSigmas": Node(
            given | {"step": whole(0, 0, 10000)},
            *halves,
            "SplitSigmas",
            "Splits levels at a step.",
            output_names=names,
        ),
        "SplitSigmasDenoise": Node(
            given | DENOISE,
            *halves,
            "SplitSigmasDenoise",
            "Splits levels so that the second part is a share of the steps.",
            output_names=names,
        ),
        "FlipSigmas": Node(
            given, ("SIGMAS",), category, "FlipSigmas", "Turns levels round, to add noise."
        ),
        "SetFirstSigma": Node(
            given | {"sigma": number(136.0, 0.0, 20000.0, 0.001, round=False)},
            ("SIGMAS",),
            category,
            "SetFirstSigma",
            "Replaces the first level.",
        ),
        "ManualSigmas": Node(
            {"sigmas": text(multiline=False, default="1, 0.5")},
            ("SIGMAS",),
            category,
            "ManualSigmas",
            "Levels as written.",
        ),
    }
