"""Quotas are met with what the engine can make; pairs differ in the incident alone; earlier clips count."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from its_core.clip import Scene, Unsupported
from its_core.engines.simulator.capabilities import layout_of, unsupported
from its_core.scenarios import coverage_file
from its_core.scenarios.coverage import Coverage, CoverageError, plan, table
from its_core.scenarios.manifest import read as read_manifest
from its_core.taxonomy import IncidentType

QUOTAS = {
    "incident_type": {"intersection_collision": 0.3, "rear_end_collision": 0.2, "normal_traffic": 0.5},
    "light": {"day": 0.75, "dusk": 0.25},
    "road_layout": {"four_way_intersection": 0.5, "highway": 0.5},
}


def planned(earlier: list | None = None, **keys: object) -> list[dict]:
    values = {"clips": 40, "quotas": QUOTAS, "clips_per_camera": 5} | keys
    return plan(Coverage.model_validate(values), unsupported, earlier or [], layout_of)


def test_shares_come_out_as_asked_in_both_kinds_of_clips() -> None:
    rows = planned()
    assert len(rows) == 40
    assert Counter(row["incident_type"] for row in rows) == {
        "intersection_collision": 12,
        "rear_end_collision": 8,
        "normal_traffic": 20,
    }
    for contact in (True, False):
        part = [row for row in rows if (row["incident_type"] != "normal_traffic") is contact]
        assert Counter(row["light"] for row in part) == {"day": 15, "dusk": 5}
    assert {row["road_layout"] for row in rows if row["incident_type"] == "intersection_collision"} == {
        "four_way_intersection"
    }


def test_clips_with_and_without_an_accident_have_the_same_combinations_of_conditions() -> None:
    shares = {
        "incident_type": {"intersection_collision": 0.25, "rear_end_collision": 0.25}
        | {"pedestrian_near_miss": 0.1, "normal_traffic": 0.4},
        "light": {"day": 0.5, "dusk": 0.2, "night": 0.3},
        "traffic_density": {"low": 0.2, "medium": 0.5, "high": 0.3},
        "road_layout": {"four_way_intersection": 0.4, "highway": 0.3, "urban_street": 0.3},
    }
    rows = planned(clips=240, pairs=0.5, quotas=shares)
    of_kind = [Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()]
    for row in rows:
        words = tuple(row[name] for name in shares if name != "incident_type")
        of_kind[IncidentType(row["incident_type"]).has_contact][words] += 1
    assert (of_kind[0] - of_kind[1]).total() + (of_kind[1] - of_kind[0]).total() <= 6  # 40 by shares alone


def test_quotas_come_before_equal_combinations() -> None:
    only_one = {"incident_type": {"rear_end_collision": 0.5, "pedestrian_near_miss": 0.5}}
    rows = planned(clips=200, quotas=only_one | {"road_layout": {"highway": 0.5, "urban_street": 0.5}})
    crashes = [row["road_layout"] for row in rows if row["incident_type"] == "rear_end_collision"]
    assert Counter(crashes)["highway"] >= 45


def test_a_camera_is_one_place_and_pairs_share_one() -> None:
    rows = planned(pairs=1.0)
    layouts = {(row["camera_id"], row["road_layout"]) for row in rows}
    assert len(layouts) == len({camera for camera, _ in layouts})
    assert max(Counter(row["camera_id"] for row in rows).values()) <= 5
    pairs = [row["pair_id"] for row in rows if row["pair_id"]]
    assert set(Counter(pairs).values()) == {2}
    assert len(pairs) >= 38
    for name in set(pairs):
        crash, calm = (row for row in rows if row["pair_id"] == name)
        assert calm["incident_type"] == "normal_traffic"
        assert calm["averted_incident"] == crash["incident_type"]
        same = [key for key in crash if key not in {"scenario_id", "incident_type"}]
        assert [crash[key] for key in same] == [calm[key] for key in same]


def test_traffic_without_an_accident_is_that_of_the_accidents_asked_for() -> None:
    calm = [row for row in planned() if row["incident_type"] == "normal_traffic"]
    averted = Counter(row["averted_incident"] for row in calm)
    assert set(averted) == {"intersection_collision", "rear_end_collision"}
    assert min(averted.values()) >= 8  # of 20, in the shares 3 to 2 as far as the places allow
    assert {row["pair_id"] for row in calm} == {None}
    on_highways = {row["averted_incident"] for row in calm if row["road_layout"] == "highway"}
    assert on_highways == {"rear_end_collision"}


def test_the_same_coverage_gives_the_same_rows_and_another_seed_others() -> None:
    assert planned() == planned()
    assert {row["camera_id"] for row in planned()}.isdisjoint(row["camera_id"] for row in planned(seed=1))


def test_only_what_earlier_versions_lack_is_planned() -> None:
    first = [
        {"incident_type": "rear_end_collision", "light": "day", "road_layout": "highway", "weather": "normal"}
        for _ in range(8)
    ]
    rows = planned(first)
    assert len(rows) == 32
    assert Counter(row["incident_type"] for row in rows)["rear_end_collision"] == 0
    assert planned([dict(row) for row in planned()]) == []


def test_what_no_engine_makes_is_refused_with_its_reason() -> None:
    def no_night(scene: Scene) -> Unsupported | None:
        return Unsupported("light", "night", "cannot be simulated") if scene.light == "night" else None

    quotas = QUOTAS | {"light": {"day": 0.5, "night": 0.5}}
    with pytest.raises(CoverageError) as refused:
        plan(Coverage.model_validate({"clips": 10, "quotas": quotas}), no_night)
    assert refused.value.code == "coverage.cannot_be_made"
    assert "quotas.light: 'night'" in str(refused.value)


def test_only_a_planned_manifest_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.parquet"
    coverage_file.write(planned(pairs=0.5), path)
    coverage_file.write(planned(pairs=0.5), path)
    for content in (pq.read_table(path).replace_schema_metadata(), b"no Parquet"):
        path.write_bytes(content) if isinstance(content, bytes) else pq.write_table(content, path)
        before = path.read_bytes()
        with pytest.raises(CoverageError) as refused:
            coverage_file.write(planned(pairs=0.5), path)
        assert refused.value.code == "coverage.exists"
        assert path.read_bytes() == before


def test_a_planned_manifest_is_accepted_by_its_reader(tmp_path: Path) -> None:
    coverage_file.write(planned(pairs=0.5), tmp_path / "scenarios.parquet")
    batches = list(
        read_manifest(
            str(tmp_path / "scenarios.parquet"),
            base_folder=str(tmp_path),
            allowed_inputs=[],
            input_cache=tmp_path / "cache",
            engine_needs_input=False,
            unsupported=lambda scene, _: unsupported(scene),
            layout_of=layout_of,
        )
    )
    assert sum(len(batch.scenarios) for batch in batches) == 40
    assert not [rejection for batch in batches for rejection in batch.rejections]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("clips: 0\nquotas: {incident_type: {normal_traffic: 1}}", "clips"),
        ("clips: 5\nquotas: {incident_type: {normal_traffic: 0.5}}", "0.5"),
        ("clips: 5\nquotas: {incident_type: {fender_bender: 1}}", "fender_bender"),
        ("clips: 5\nquotas: {incident_type: {normal_traffic: 1}, camera: {wide: 1}}", "wide"),
        ("clips: 5\nquota: {}", "quota"),
        ("- clips", "clips: 240"),
        ("clips: [", "YAML"),
    ],
)
def test_wrong_coverage_files_are_one_line(tmp_path: Path, text: str, fact: str) -> None:
    (tmp_path / "coverage.yaml").write_text(text)
    with pytest.raises(CoverageError) as refused:
        coverage_file.read(tmp_path / "coverage.yaml")
    assert fact in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_table_counts_combinations() -> None:
    rows = [{"light": "day"}, {"light": "day"}, {"light": None}]
    assert table(rows, ["light"]) == {("day",): 2, ("–",): 1}
