"""Tables of sweeps with the numbers that a test wants."""

import hashlib

import numpy as np
import pandas as pd

from lorabench.bench.measures.table import COLUMNS

WITHOUT = {"style_gained": 0.0, "style_beside": 0.0, "structure": 1.0, "difference": 0.0}
WITHOUT |= {"prompt_kept": 1.0, "likeness": 0.0}
WITHOUT |= {"ssim": 1.0, "copy_excess": 0.0}
GOOD = {"style_gained": 0.6, "style_beside": 3.0, "structure": 0.8, "difference": 0.1}
GOOD |= {"ssim": 0.6, "copy_excess": 0.1, "prompt_kept": 0.6, "likeness": 0.9}


def table(weights, prompts=8, seeds=1, trigger=8, untriggered=8, spread=0.02, **probes):
    """A sweep's table: `weights` maps a weight above 0 to what differs from `GOOD`.

    `trigger_similarity` and `untriggered_gain` give what the probes show at all weights;
    `spread` is how much prompts differ.
    """
    similarity = probes.get("trigger_similarity", 0.5)
    gain = probes.get("untriggered_gain", 0.1)
    rows = []
    names = ["", *(f"prompt-{n}" for n in range(1, prompts))]
    rng = np.random.default_rng(0)
    for variant in names:
        offset = rng.normal(0, spread)
        for seed in range(seeds):
            rows.append(_row(variant, "", 0.0, seed, WITHOUT))
            for weight, values in weights.items():
                values = {**GOOD, **values}
                values["style_gained"] += offset + rng.normal(0, spread / 10)
                rows.append(_row(variant, "", weight, seed, values))
    for seed in range(trigger):
        for weight in (0.0, *weights):
            values = {**(GOOD if weight else WITHOUT), "copy_similarity": similarity}
            if weight:
                values["copy_excess"] = similarity - 0.4
            rows.append(_row("trigger", "trigger", weight, seed, values))
    for variant in names[:untriggered]:
        name = f"{variant}.untriggered" if variant else "untriggered"
        for weight in (0.0, max(weights)):
            values = {**GOOD, "style_gained": gain} if weight else WITHOUT
            rows.append(_row(name, "untriggered", weight, 0, values))
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found if prompts > 1 else found.assign(prompt_kept=np.nan)  # no other to be nearer to


def _row(variant, probe, weight, seed, values):
    common = {"index": 0, "contrast": 0.2, "outside": 0.0, "copy_similarity": 0.5, "noise": 1.0}
    prompt = variant.removesuffix(".untriggered").removeprefix("prompt-")
    place = {"variant": variant, "prompt": "" if prompt in ("trigger", "untriggered") else prompt}
    place |= {"probe": probe, "weight": weight, "seed": seed}
    folder = f"{variant}/" if variant else ""
    code = hashlib.sha256(f"{variant} {seed}".encode()).hexdigest()[:16]
    file = f"{folder}w{weight:.2f}/seed{seed}_00.png"
    return {**common, **place, **values, "file": file, "hash": code}
