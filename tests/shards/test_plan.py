"""Plans: names, splits, twins, shards."""

import pytest

from its_core.clip import EngineIdentity, Geometry, Participant, Scene
from its_core.scenarios.scenario import Batch, Rejection, Scenario
from its_core.shards import plan as planning
from its_core.shards.plan import planned, writer
from its_core.taxonomy import Colour, IncidentType, Light, ParticipantType, Role, Split

GEOMETRY = Geometry.of("480", 10)
SIMULATOR = EngineIdentity("simulator", "1", None, frozenset({"scene"}))
COSMOS = EngineIdentity("cosmos", "1", "abc", frozenset({"prompt", "negative_prompt", "guidance", "input"}))


def scenario(row: int, **changes) -> Scenario:
    values = {
        "row": row,
        "scenario_id": f"s{row}",
        "scene": Scene(f"cam-{row % 3}", IncidentType.REAR_END_COLLISION),
        "prompt": None,
        "negative_prompt": "",
        "seed": row,
        "variants": 1,
        "guidance": 7.0,
        "pair_id": None,
        "split": None,
        "input_image": None,
        "input_path": None,
        "input_sha256": None,
        "extra": {"note": f"n{row}"},
    }
    return Scenario(**(values | changes))


def make(tmp_path, scenarios, rejections=(), engine=SIMULATOR, assign=None):
    assign = assign or (lambda cameras, *_: [Split.TRAIN] * len(cameras))
    return planning.make(tmp_path, [Batch(list(scenarios), list(rejections))], engine, GEOMETRY, assign)


def test_every_variant_is_a_clip_with_a_seed_and_a_name_of_its_own(tmp_path):
    plan = make(tmp_path, [scenario(0, variants=3), scenario(1)])
    clips = list(plan.clips())
    assert [(clip.request.scenario_id, clip.request.variant) for clip in clips] == [
        ("s0", 0),
        ("s0", 1),
        ("s0", 2),
        ("s1", 0),
    ]
    assert len({clip.request.clip_id for clip in clips}) == 4
    assert len({clip.request.seed for clip in clips[:3]}) == 3
    assert clips[0].request.seed == 0
    assert [clip.request.clip_id for clip in clips] == list(plan.clip_ids)
    assert clips[3].extra == {"note": "n1"}
    assert clips[0].request.geometry == GEOMETRY


def test_names_change_with_what_the_engine_reads_and_only_with_that(tmp_path):
    def name(engine, **changes):
        return make(tmp_path, [scenario(0, **changes)], engine=engine).clip_ids[0]

    dusk = Scene("cam-0", IncidentType.REAR_END_COLLISION, light=Light.DUSK)
    assert name(SIMULATOR) == name(
        SIMULATOR, prompt="said otherwise", guidance=3.0, negative_prompt="x", input_sha256="f"
    )
    assert name(SIMULATOR) != name(SIMULATOR, scene=dusk)
    assert name(SIMULATOR) != name(SIMULATOR, seed=9)
    told = {"prompt": "literally this"}
    assert name(COSMOS, **told) == name(COSMOS, **told, scene=dusk)
    for change in ({"prompt": "that"}, {"guidance": 3.0}, {"negative_prompt": "x"}, {"input_sha256": "f"}, {"seed": 9}):
        assert name(COSMOS, **told) != name(COSMOS, **(told | change))
    other_weights = EngineIdentity("cosmos", "1", "abd", COSMOS.reads)
    assert name(COSMOS, **told) != name(other_weights, **told)


def test_adding_rows_keeps_the_names_of_the_others(tmp_path):
    few = make(tmp_path, [scenario(row) for row in range(5)]).clip_ids
    more = make(tmp_path, [scenario(row) for row in range(8)]).clip_ids
    assert more[:5] == few


def test_a_twin_is_rejected_with_the_row_it_repeats(tmp_path):
    twin = scenario(4, scenario_id="again", scene=Scene("cam-0", IncidentType.REAR_END_COLLISION), seed=0)
    plan = make(tmp_path, [scenario(0), scenario(1), twin], [Rejection(2, "bad", "seed", "x", "no number")])
    assert len(plan.clip_ids) == 2
    assert [rejection.row for rejection in plan.rejections] == [2, 4]
    assert "exactly the clip of row 0" in plan.rejections[1].reason
    assert [clip.request.scenario_id for clip in plan.clips()] == ["s0", "s1"]


def test_clips_that_can_have_no_split_are_rejected_and_the_rest_stay_in_place(tmp_path):
    def assign(cameras, *_):
        return [f"camera {camera} is torn" if camera == "cam-1" else Split.VAL for camera in cameras]

    plan = make(tmp_path, [scenario(row, variants=2) for row in range(4)], assign=assign)
    assert [clip.request.scenario_id for clip in plan.clips()] == ["s0", "s0", "s2", "s2", "s3", "s3"]
    assert {clip.split for clip in plan.clips()} == {Split.VAL}
    assert [(rejection.row, rejection.reason) for rejection in plan.rejections] == [(1, "camera cam-1 is torn")]
    assert [clip.request.clip_id for clip in plan.clips([1, 3])] == [plan.clip_ids[1], plan.clip_ids[3]]


def test_a_long_plan_is_read_in_parts(tmp_path, monkeypatch):
    for module in (planned, writer):
        monkeypatch.setattr(module, "ROW_GROUP", 7)
    plan = make(tmp_path, [scenario(row) for row in range(40)])
    wanted = [0, 6, 7, 20, 39]
    assert [clip.request.scenario_id for clip in plan.clips(wanted)] == [f"s{row}" for row in wanted]
    assert len(list(plan.clips())) == 40


@pytest.mark.parametrize(("size", "counts"), [(4, [4, 4, 1]), (9, [9]), (100, [9])])
def test_shards_take_what_is_missing_in_order(tmp_path, size, counts):
    plan = make(tmp_path, [scenario(row) for row in range(10)])
    missing = [place for place in range(10) if place != 5]
    found = planning.shards(plan, missing, size)
    assert [len(shard.indices) for shard in found] == counts
    assert [place for shard in found for place in shard.indices] == missing
    assert found == planning.shards(plan, missing, size)
    assert len({shard.shard_id for shard in found}) == len(found)


def test_shards_for_a_script_with_one_seed_a_launch(tmp_path):
    scenarios = [
        scenario(row, seed=row % 2, scene=Scene(f"cam-{row}", IncidentType.NORMAL_TRAFFIC)) for row in range(6)
    ]
    plan = make(tmp_path, scenarios)
    found = planning.shards_of_one_seed(plan, range(6), 2)
    seeds = [[clip.request.seed for clip in plan.clips(shard.indices)] for shard in found]
    assert seeds == [[0, 0], [0], [1, 1], [1]]


@pytest.mark.parametrize(
    ("engine", "names", "fingerprint"),
    [
        (
            EngineIdentity("simulator", "1", None, frozenset({"scene"}), {"attempts": 12}),
            ["dcf4b905961d80a68aa07e52", "16df5db116e554e44fd4f879"],
            "simulator 1 (101b506348a3)",
        ),
        (
            EngineIdentity("cosmos", "1", "abc", COSMOS.reads, {"steps": 35}),
            ["f8debfe68b4377c9888e8a44", "c456b78d1dd7e54ce53046e6"],
            "cosmos 1 (1c6525b7ba76)",
        ),
    ],
)
def test_names_stay_what_they_are(tmp_path, engine, names, fingerprint):
    """Another name would have every clip of every dataset rendered again."""
    scene = Scene(
        "cam-0",
        IncidentType.REAR_END_COLLISION,
        participants=(Participant(ParticipantType.VAN, Colour.WHITE, Role.AT_FAULT),),
        light=Light.DUSK,
    )
    asked = scenario(0, scene=scene, variants=2, negative_prompt="blur", input_sha256="f" * 64)
    assert make(tmp_path, [asked], engine=engine).clip_ids == names
    assert engine.fingerprint == fingerprint
