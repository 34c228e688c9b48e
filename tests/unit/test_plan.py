"""The plan of a run: the trigger words, and what is said before anything is done."""

import pytest

from lorabench.errors import UserError
from lorabench.plan import make_plan
from tests.project import ROOT, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("plan") / "project")


@pytest.fixture
def plan(project, monkeypatch):
    """Plan runs of a set of four captioned pictures, and one more where a caption is given."""
    monkeypatch.chdir(project.root)
    folder = project.root / "datasets" / "raw" / "style" / "some_set"
    if not folder.exists():
        project.add_set()
    yield lambda **given: make_plan({"raw_set": "some_set", **given}, ROOT / "config/config.yaml")
    (folder / "more.png").unlink(missing_ok=True)


@pytest.fixture
def uncaptioned(project, plan):
    """The same set with a picture that has no caption."""
    folder = project.root / "datasets" / "raw" / "style" / "some_set"
    (folder / "more.png").write_bytes((folder / "0.png").read_bytes())


def test_where_all_have_captions_the_trigger_makes_no_other_run(plan):
    found, given = plan(), plan(trigger="mofu")
    assert (found.trigger, given.trigger) == ("trigger", "mofu")
    assert given.paths.run_id == found.paths.run_id
    assert found.identity.contents["preprocess"]["trigger"] == "some_set"  # as in runs of before
    assert plan(preprocess="{trigger: mofu}").identity == given.identity


def test_a_picture_without_a_caption_is_trained_with_the_words_found_among_the_others(
    plan, uncaptioned
):
    found = plan()
    assert found.trigger == "trigger"
    assert found.identity.contents["preprocess"]["trigger"] == "trigger"
    assert found.record["preprocess"]["trigger"] == "trigger"
    assert found.notes == ["1 of 5 pictures have no caption; they are trained with 'trigger'"]


def test_both_keys_of_the_trigger_mean_the_same_words(plan, uncaptioned):
    one, other = plan(trigger="mofu"), plan(preprocess={"trigger": "mofu"})
    assert one.trigger == other.trigger == "mofu"
    assert one.record == other.record
    assert one.paths.run_id != plan().paths.run_id


def test_two_different_triggers_are_refused(plan):
    with pytest.raises(UserError, match="both mean the same words; give one"):
        plan(trigger="mofu", preprocess={"trigger": "zwirbl"})
    assert plan(trigger="mofu", preprocess={"trigger": "mofu"}).trigger == "mofu"
