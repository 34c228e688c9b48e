"""Where a click on a sentence of the verdict leads."""

import pytest

from lorabench.bench.verdicts.verdict import Finding
from lorabench.pages.run.evidence import Evidence, evidence


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (Finding("off_range", 0.8, 0.1, 0.03), Evidence("grid", 0.8)),
        (Finding("copies", 1.0, 0.5, 0.8), Evidence("grid", 1.0, "trigger")),
        (Finding("leaks", value=0.9, limit=0.4), Evidence("grid", None, "untriggered")),
        (Finding("detail_lost", value=0.4, limit=0.6), Evidence("train")),
    ],
)
def test_a_sentence_leads_to_what_it_is_about(found, place):
    assert evidence(found) == place
