"""The declarations of nodes that change CONDITIONING; see `catalog`."""

from lorabench.comfy.embedded.declaration import MAX_SIDE, Node, choice, number, sockets, whole

CATEGORY = "model/conditioning/transform"
ONE = sockets(conditioning="CONDITIONING")
TWO = sockets(conditioning_to="CONDITIONING", conditioning_from="CONDITIONING")
SHARE = number(1.0, 0.0, 1.0, 0.01)
STRENGTH = {"strength": number(1.0, 0.0, 10.0, 0.01)}


def nodes() -> dict[str, Node]:
    """Return the nodes by class name."""
    return _mixes() | _bounds()


def _mixes() -> dict[str, Node]:
    return {
        "ConditioningCombine": Node(
            sockets(conditioning_1="CONDITIONING", conditioning_2="CONDITIONING"),
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Combine)",
            "Follows both prompts: the guesses are averaged.",
        ),
        "ConditioningConcat": Node(
            TWO,
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Concat)",
            "Puts a second prompt behind the first.",
        ),
        "ConditioningAverage": Node(
            TWO | {"conditioning_to_strength": SHARE},
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Average)",
            "Mixes the features of two prompts.",
        ),
        "ConditioningZeroOut": Node(
            ONE,
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning Zero Out",
            "Replaces a prompt's features by zeros.",
        ),
    }


def _bounds() -> dict[str, Node]:
    sizes = {name: whole(64, 64, MAX_SIDE, step=8) for name in ("width", "height")}
    places = {name: whole(0, 0, MAX_SIDE, step=8) for name in ("x", "y")}
    return {
        "ConditioningSetArea": Node(
            ONE | sizes | places | STRENGTH,
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Set Area)",
            "Has a prompt count in a rectangle, in px.",
        ),
        "ConditioningSetAreaPercentage": Node(
            ONE
            | dict.fromkeys(("width", "height"), SHARE)
            | {name: number(0, 0, 1.0, 0.01) for name in ("x", "y")}
            | STRENGTH,
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Set Area with Percentage)",
            "Has a prompt count in a rectangle, in shares of the picture.",
        ),
        "ConditioningSetAreaStrength": Node(
            ONE | STRENGTH,
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Set Area Strength)",
            "Sets a prompt's weight beside others.",
        ),
        "ConditioningSetMask": Node(
            ONE
            | sockets(mask="MASK")
            | STRENGTH
            | {"set_cond_area": choice("default", "mask bounds")},
            ("CONDITIONING",),
            CATEGORY,
            "Conditioning (Set Mask)",
            "Has a prompt count where a mask is.",
        ),
        "ConditioningSetTimestepRange": Node(
            ONE | {"start": number(0.0, 0.0, 1.0, 0.001), "end": number(1.0, 0.0, 1.0, 0.001)},
            ("CONDITIONING",),
            CATEGORY,
            "ConditioningSetTimestepRange",
            "Has a prompt count during a part of the timesteps.",
        ),
    }
