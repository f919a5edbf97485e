"""Reports by stratum, and the page."""

import json
import re

from its_core.evaluation.scoring import page
from its_core.evaluation.scoring.score import score
from tests.evaluation import made_up

CLIPS = made_up.truth(
    made_up.clip("a", row={"light": "night", "incident_type": "rear_end_collision"}),
    made_up.clip("b", row={"light": "day", "incident_type": "rear_end_collision"}, box=(0.4, 0.4, 0.43, 0.5)),
    made_up.calm("c", row={"light": "night", "incident_type": "normal_traffic"}),
    made_up.calm("d", row={"light": "day", "incident_type": "hard_braking"}),
)
SAID = {
    "a": made_up.said(score=0.3),
    "b": made_up.said(score=0.9),
    "c": made_up.said(score=0.1),
    "d": made_up.said(score=0.5),
}


def test_parts_with_both_kinds_are_ranked_within_others_against_all() -> None:
    report = score("mine", CLIPS, SAID, replicates=20)
    assert report.overall.scores["auc"].value == 0.75
    assert report.strata["light"]["night"].scores["auc"].value == 1.0
    assert report.strata["light"]["day"].scores["auc"].value == 1.0
    assert report.strata["incident"]["hard_braking"].scores["auc"].value == 0.5  # against both accidents
    assert report.strata["size"]["under 5 %"].scores["auc"].value == 1.0  # b against both calm clips
    assert report.strata["incident"]["hard_braking"].scores["when"].value is None
    assert set(report.strata) == {"incident", "light", "size"}
    assert report.strata["light"]["night"].clips == 2


def test_a_report_is_json_without_nan() -> None:
    text = json.dumps(score("mine", CLIPS, SAID, replicates=20).as_json(), allow_nan=False)
    assert json.loads(text)["overall"]["accidents"] == 2


def test_the_page_needs_no_network_and_shows_text_as_text() -> None:
    reports = [score("<b>mine</b>", CLIPS, SAID, replicates=20), score("theirs", CLIPS, SAID, replicates=20)]
    text = page.render(reports)
    assert not re.findall(r"""(?:src|href)=|https?://|@import|url\(""", text)
    assert "<b>mine" not in text
    assert text.count("<polyline") == 4
    assert "0.750" in text
