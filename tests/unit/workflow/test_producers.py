"""Which rule is asked whether it makes a file."""

from types import SimpleNamespace

import pytest

from lorabench.workflow.producers import Producers


class Rule:
    """A rule that makes `{any}` + each of these ends, as Snakemake's has it."""

    def __init__(self, *ends):
        self.ends, self.asked = ends, []

    def products(self):
        return [SimpleNamespace(constant_suffix=lambda end=end: end) for end in self.ends]

    def is_producer(self, file):
        self.asked.append(file)
        return any(file.endswith(end) for end in self.ends)


@pytest.fixture
def rules():
    return Rule("_00.png"), Rule("/grid/seed1.png", "/grid/seed2.png"), Rule("/seed2.png")


@pytest.mark.parametrize(
    ("file", "makers"),
    [
        ("runs/a/w0.50/seed1_00.png", {0}),
        ("runs/a/grid/seed1.png", {1}),
        ("runs/a/grid/seed2.png", {1, 2}),
        ("runs/a/grid/seed3.png", set()),
        ("seed1.png", set()),
    ],
)
def test_the_rules_that_make_a_file_are_found(rules, file, makers):
    assert Producers(rules).match_producers(file) == {rules[number] for number in makers}


def test_a_rule_is_asked_about_no_file_of_another_name(rules):
    Producers(rules).match_producers("runs/a/w0.50/seed1_00.png")
    assert [bool(rule.asked) for rule in rules] == [True, False, False]
