"""The stages of a search over a run's LoRAs: what each says and renders, and how it ends."""

import pandas as pd
import pytest

from lorabench.bench.measures.columns import LORA
from lorabench.bench.verdicts import choice, stored, summary, verdict
from lorabench.bench.verdicts.judging import judge
from lorabench.run import existing
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.search import Part
from lorabench.sweep.variants import cells
from lorabench.workflow import searching, targets
from tests.judged import table
from tests.loras import save_lora
from tests.project import ROOT, make_plan

GAINS = {2: 0.15, 4: 0.62, 6: 0.6, 8: 0.3}
"""Style gained at 0.8, by epoch: the second is the best."""
WEIGHTS = (0.4, 0.6, 0.8)
DRAWN = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
"""All that a search may ask for."""
PROMPTS = [f"{number}: {{trigger}}, thing {number}" for number in range(1, 8)]


@pytest.fixture
def plan(project, tmp_path, monkeypatch):
    """Plan a search over four epochs from elsewhere."""
    project.add_set()
    monkeypatch.chdir(project.root)
    for epoch in GAINS:
        metadata = {"modelspec.trigger_phrase": "ink"}
        save_lora(tmp_path / "loras" / f"ink-{epoch:06d}.safetensors", epoch, metadata)
    given = {
        "raw_set": "some_set",
        "prompts": PROMPTS,
        "probe": "quick",
        "weights": WEIGHTS,
        "search": "auto",
    }
    return lambda **more: make_plan(
        {"lora": str(tmp_path / "loras"), **given, **more}, ROOT / "config" / "config.yaml"
    )


def render(plan):
    """Leave what the jobs would: the table of what is rendered, the verdict and the record."""
    loras = plan.sweep.loras
    of_each = {
        one.key: table({at: {"style_gained": gain * at / 0.8} for at in DRAWN}, spread=0.01)
        for one, gain in zip(loras, GAINS.values(), strict=True)
    }
    asked = {(folder, weight) for folder, weight, _ in cells(plan.variants)}
    every = pd.concat(
        [
            rows.assign(**{LORA: [one.key if at else one.baseline for at in rows["weight"]]})
            for one, rows in zip(loras, of_each.values(), strict=True)
        ]
    ).drop_duplicates([LORA, "variant", "weight", "seed"])
    is_in = [
        ("".join(f"{part}/" for part in (row.lora, row.variant) if part), row.weight) in asked
        for row in every.rename(columns={LORA: "lora"}).itertuples()
    ]
    plan.paths.bench.mkdir(parents=True, exist_ok=True)
    every[is_in].to_csv(plan.paths.bench / "metrics.csv", index=False)
    plan.sweep.write(plan.paths.sweep)
    tables = summary.by_lora(summary.read(plan.paths.bench / "metrics.csv"), loras)
    each = {key: judge(rows, VerdictSettings()) for key, rows in tables.items()}
    verdict.write(choice.choose(loras, tables, each), plan.paths.verdict)


def search(plan, **more):
    """Go on until the search has ended; return what was said, without the run."""
    said = []
    while not plan(**more).search.settled:
        found = plan(**more)
        render(found)
        said.append(searching.go_on(found).partition(f"{found.paths.root}: the search ")[2])
    return said


def test_each_stage_is_said_and_the_last_has_the_best_with_a_part_of_the_pictures(plan):
    before = plan()
    paths = before.paths
    assert list(targets.results(before)) == [paths.preprocess_log, paths.verdict, paths.sweep]
    *stages, end = search(plan)
    assert [one.partition(": ")[2].partition(" (")[0] for one in stages] == [
        "the weights between, of what can still be the best",
        "all prompts of the best two",
        "finer weights around the best",
        "the trigger words alone, and prompts without them, of the one to use",
    ]
    assert all("epoch 2" not in one and "epoch 8" not in one for one in stages)
    assert "(epoch 4, at 0.7 and 1, too), " in stages[2]
    after = plan()
    full = cells(plan(search="off").variants)
    assert end == f"has ended with {len(cells(after.variants))} pictures"
    assert len(cells(after.variants)) < len(full) / 2
    told = stored.read(after.paths.verdict)
    names = {one.key: one.epoch for one in after.several}
    assert names[told.choice.lora] == 4
    assert after.paths.page in targets.results(after)
    assert after.sweep.search == "auto"


def test_so_many_pictures_end_it_and_more_let_it_go_on(plan):
    *_, end = search(plan, pictures=50)
    rendered = len(cells(plan(pictures=50).variants))
    assert end == (
        f"has ended with {rendered} pictures; 50 pictures are not enough for the next stage"
    )
    assert rendered <= 50
    assert existing.search(plan().paths).limit == 50
    assert plan(pictures=40).search.settled and not plan(pictures=60).search.settled
    *_, end = search(plan)
    assert end == f"has ended with {len(cells(plan().variants))} pictures"
    assert existing.search(plan().paths).limit is None


def test_weight_0_is_no_end_of_the_weights(plan):
    found = plan(weights=(0.0, 0.4, 0.8)).search
    assert found.weights == (0.4, 0.8)
    assert {part.weights for part in found.parts} == {(0.4, 0.8)}


def test_one_more_lora_is_looked_at_coarsely_first(plan, tmp_path):
    search(plan)
    drawn = cells(plan().variants)
    save_lora(
        tmp_path / "loras" / "ink-000010.safetensors", 10, {"modelspec.trigger_phrase": "ink"}
    )
    more = plan()
    new = more.several[-1].key
    assert [part for part in more.search.parts if part.lora == new] == [
        Part(new, (0.4, 0.8), ("", "4", "7"))
    ]
    assert not more.search.settled and cells(more.variants) - drawn == {
        (folder, weight, seed)
        for folder, weight, seed in cells(more.variants)
        if folder.startswith(new)
    }
