"""Runs the tests of each fault in docs/reliability.md several times, prints the table: ``python benchmarks/faults.py``.

Each test injects its fault into real processes, servers and files, and asserts that nothing was lost. A run is one in
which all of a fault's tests passed; what did not pass is named at the end, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Fault:
    """``tests``: each the file below ``tests``, without its suffix, and the function: ``system/test_build::test_…``."""

    what: str
    how: str
    lost: str
    tests: tuple[str, ...]

    def row(self, runs: str) -> str:
        """Its line of the table; ``runs`` are those in which all its tests passed."""
        return f"| {self.what} | {self.how} | {runs} | {self.lost} |"


FAULTS = (
    Fault(
        "a rank, torchrun or the flow is killed",
        "`SIGKILL` in the middle of a build; the same command again",
        "nothing; nothing is rendered twice, no process remains",
        ("system/test_build::test_kill_9_in_the_middle_then_the_same_command_finishes",),
    ),
    Fault(
        "a flow is killed and nobody restarts it",
        "`SIGKILL`; `retry-failed-shards` finds and finishes it; a published version's folder is removed",
        "nothing; clips that were made are kept",
        ("system/test_retry::test_only_unfinished_builds_go_on_and_only_what_is_missing_is_made",),
    ),
    Fault(
        "Ctrl-C, in a terminal or not",
        "`SIGINT` to the build, and to its whole process group",
        "nothing; it ends within seconds and continues when called again",
        ("system/test_build::test_an_interrupted_build_leaves_nobody_behind_and_says_how_to_go_on",),
    ),
    Fault(
        "a clip kills its rank",
        "`SIGKILL` from inside the engine, two ranks side by side",
        "nothing; the clip has its receipt, the others finish",
        ("shards/launcher/test_launcher::test_a_rank_that_dies_costs_only_its_clip",),
    ),
    Fault(
        "a clip crashes every rank that tries it",
        "`SIGKILL` from inside the engine, always",
        "nothing; it is quarantined after three crashes, the others finish",
        ("system/test_retry::test_a_clip_that_breaks_its_rank_three_times_is_left_alone_until_its_receipt_is_deleted",),
    ),
    Fault(
        "a clip hangs",
        "the engine sleeps past `clip_timeout_s`",
        "nothing; `timed_out`, the others finish",
        ("shards/launcher/test_launcher::test_a_stuck_clip_is_timed_out_and_the_others_finish",),
    ),
    Fault(
        "a rank freezes",
        "`SIGSTOP`",
        "nothing; `timed_out`, then tried again",
        ("system/test_faults::test_a_rank_that_freezes_costs_time_and_nothing_else",),
    ),
    Fault(
        "a clip needs more memory than there is",
        "the engine refuses until a flag is given",
        "nothing; the clip is made with the second fallback",
        ("system/test_retry::test_clips_that_run_out_of_memory_are_tried_with_each_fallback_in_turn",),
    ),
    Fault(
        "a clip is not what was asked for",
        "the engine makes a black one",
        "nothing; the clip is not published, and is tried again",
        ("system/test_build::test_a_clip_that_is_not_what_was_asked_for_is_made_again_and_never_published",),
    ),
    Fault(
        "a machine of the cluster is lost",
        "a Ray node killed in the middle of its shard",
        "nothing; its shard starts elsewhere",
        ("system/test_ray::test_a_machine_lost_in_the_middle_costs_nothing",),
    ),
    Fault(
        "one of two machines that share a batch dies",
        "`SIGKILL` of one torchrun agent and its rank",
        "nothing; the other ends too, and the same commands continue",
        (
            "shards/worker/test_multi_node::test_when_one_machine_dies_the_other_ends_and_the_same_commands_share_what_is_left",
        ),
    ),
    Fault(
        "the disk fills up",
        "a file size limit while clips, receipts, the build's own files, a version are written",
        "nothing; one line says where, and the same command continues",
        (
            "system/test_disks::test_a_disk_that_fills_while_clips_are_written_costs_only_those",
            "system/test_disks::test_a_rank_that_can_write_no_receipt_ends_and_what_it_had_in_hand_is_told_by_the_launcher",
            "system/test_disks::test_a_disk_that_has_no_room_for_the_builds_own_files_ends_it_in_a_line",
            "system/test_disks::test_a_disk_that_fills_while_publishing_leaves_no_version_and_the_next_build_publishes",
        ),
    ),
    Fault(
        "an output cannot be written",
        "`publish_url`, `work_dir` under a path that is a file or read-only",
        "nothing; reported before rendering starts",
        (
            "system/test_disks::test_a_place_that_cannot_be_written_is_told_before_anything_is_made",
            "system/test_disks::test_the_command_tells_a_place_that_cannot_be_written_in_one_line",
        ),
    ),
    Fault(
        "a power cut leaves files cut off",
        "receipts, plan, `build.json` cut to half or nothing",
        "nothing; the next build repairs them",
        ("system/test_faults::test_state_that_a_power_cut_left_cut_off_is_mended_by_the_next_build",),
    ),
    Fault(
        "the work folder is removed",
        "in the middle of a build",
        "clips that were not published; the next build makes them again",
        (
            "system/test_faults::test_a_work_folder_that_is_removed_ends_the_build_in_a_line_and_the_next_one_starts_anew",
        ),
    ),
    Fault(
        "a published version is damaged",
        "clips removed and cut off",
        "nothing; published again under its name",
        ("system/test_faults::test_a_published_version_that_was_damaged_is_published_again_under_its_name",),
    ),
    Fault(
        "the clock jumps",
        "hours back and forth, in flow and ranks",
        "nothing; no clip times out",
        ("system/test_faults::test_a_clock_that_jumps_by_hours_times_nothing_out_and_forgets_no_attempt",),
    ),
    Fault(
        "the manifest changes during the build",
        "replaced after planning; overwritten while it is read",
        "nothing; it is built as planned, or refused with one line",
        (
            "system/test_changes::test_a_manifest_replaced_after_planning_is_the_next_builds_business",
            "system/test_changes::test_a_manifest_overwritten_while_it_is_read_ends_the_build_and_says_so",
        ),
    ),
    Fault(
        "a worker has other code",
        "another engine's version in the ranks",
        "nothing; no clip is made under the planned names",
        (
            "system/test_faults::test_shards_of_another_engine_make_nothing_under_the_planned_names",
            "system/test_faults::test_shards_of_another_code_with_the_same_engine_go_on_and_say_which",
        ),
    ),
    Fault(
        "two builds of one dataset at once",
        "a second one while the first renders",
        "nothing; the second one names the process that builds",
        ("system/test_build::test_two_builds_of_one_dataset_do_not_run_at_once",),
    ),
    Fault(
        "a publisher is killed",
        "between any two writes to the disk",
        "nothing; no reader sees half a version",
        ("dataset/publishing/test_interrupted::test_a_publisher_killed_between_any_two_changes_of_the_disk",),
    ),
    Fault(
        "a publisher to S3 is killed",
        "`SIGKILL` in the middle of the upload",
        "nothing; what was uploaded is not sent again",
        ("dataset/versions/test_commit::test_a_publisher_that_was_killed_goes_on_where_it_stopped",),
    ),
    Fault(
        "a publisher to S3 never comes back",
        "a lease that nobody renews",
        "nothing; another publisher takes over",
        (
            "dataset/versions/test_commit::test_a_publisher_that_is_gone_for_ever_is_replaced",
            "dataset/versions/test_commit::test_a_late_renewal_is_not_overlooked",
        ),
    ),
    Fault(
        "two publishers of one version",
        "two processes at once, on S3 and on a disk, while a third one reads",
        "nothing; readers see one whole version or none",
        ("dataset/publishing/test_publish_together::test_a_reader_sees_the_old_version_or_the_new_one_whole",),
    ),
    Fault(
        "an S3 server ignores conditional puts",
        "a proxy drops the condition",
        "nothing; refused before anything is made",
        (
            "dataset/versions/test_commit::test_a_server_that_gives_a_lease_to_several_is_refused_before_anything_is_sent",
        ),
    ),
    Fault(
        "S3 is busy, slow or cut off",
        "a proxy answers 500 and 503, waits, drops connections, cuts bodies short",
        "nothing; the request is repeated",
        (
            "storage/s3/test_faults::test_a_busy_server_is_asked_again",
            "storage/s3/test_faults::test_a_broken_connection_is_made_again",
            "storage/s3/test_faults::test_a_slow_answer_is_not_waited_for",
            "storage/s3/test_faults::test_a_truncated_download_is_fetched_again",
            "storage/s3/test_faults::test_a_damaged_download_is_not_kept",
        ),
    ),
    Fault(
        "S3 credentials expire",
        "a proxy answers `ExpiredToken`",
        "nothing; new credentials are read; without them, one line",
        (
            "storage/s3/test_faults::test_what_will_not_mend_is_told_at_once",
            "storage/s3/test_faults::test_renewed_credentials_of_a_profile_are_read",
        ),
    ),
    Fault(
        "an upload breaks off",
        "connections dropped, files damaged on the way",
        "nothing; what was uploaded is not sent again",
        (
            "storage/s3/test_upload::test_it_goes_on_after_a_failure",
            "storage/s3/test_upload::test_broken_connections_lose_nothing",
            "storage/s3/test_upload::test_what_was_damaged_on_the_way_is_noticed",
        ),
    ),
    Fault(
        "the standing server is killed",
        "`SIGKILL` while its PostgreSQL keeps running",
        "nothing; the next start has its data",
        ("system/test_server::test_what_it_knows_outlives_it_even_killed_and_nothing_else_does",),
    ),
    Fault(
        "a frame vanishes or changes",
        "removed or overwritten, after the build was planned and after clips were made",
        "nothing; its clip ends with a receipt, the others finish",
        (
            "system/test_cosmos_build::test_frames_that_vanish_or_change_after_planning_end_in_receipts",
            "tasks/test_check::test_a_frame_that_is_another_by_now_is_nothing_to_compare_with",
        ),
    ),
    Fault(
        "Prefect's server cannot be reached",
        "`PREFECT_API_URL` names a port where nobody listens, a silent server, a gateway that answers 503",
        "only the run's page in Prefect; one line says so within seconds",
        (
            "system/test_prefect::test_a_server_that_cannot_be_reached",
            "flows/test_prefect_server::test_one_that_never_answers",
            "flows/test_prefect_server::test_a_gateway_that_answers_for_one_that_is_down",
        ),
    ),
    Fault(
        "Prefect's server hangs or dies in the middle",
        "`SIGSTOP`, `SIGKILL` while shards run",
        "only the rest of the run's page in Prefect; the version is published",
        ("system/test_prefect::test_a_server_that_hangs_or_dies_in_the_middle",),
    ),
    Fault(
        "Prefect sits behind a proxy",
        "`HTTP_PROXY`, `HTTPS_PROXY` name a port where nobody listens",
        "nothing; servers of this machine are reached without the proxy",
        (
            "system/test_prefect::test_its_own_server_behind_a_proxy_with_a_home_that_cannot_be_used",
            "flows/test_prefect_server::test_this_machines_servers_are_not_asked_for_through_a_proxy",
        ),
    ),
    Fault(
        "Prefect's home cannot be used",
        "`PREFECT_HOME` below a file; a database of another version",
        "nothing; the server keeps its database in the work folder instead",
        (
            "system/test_prefect::test_its_own_server_behind_a_proxy_with_a_home_that_cannot_be_used",
            "system/test_prefect::test_a_database_of_another_version_is_made_anew",
            "flows/test_prefect_server::test_its_own_server_whose_folder_cannot_be_made",
        ),
    ),
    Fault(
        "a container has 2 of 64 processors",
        "control groups, versions 1 and 2, with a quota; an affinity of one",
        "nothing; two shards at once, of one thread each",
        (
            "shards/test_processors::test_a_container_with_2_of_64_processors_runs_two_shards_of_one_thread",
            "shards/test_processors::test_the_affinity_of_this_very_process",
        ),
    ),
    Fault(
        "the disk under the input cache is full",
        "`ENOSPC` and a file size limit while inputs are fetched from S3",
        "nothing; unused inputs are removed; if that is not enough, one line; no partial file stays",
        (
            "storage/test_input_cache::test_what_nobody_uses_makes_room_on_a_full_disk",
            "storage/test_input_cache::test_a_full_disk_is_told_and_leaves_nothing_half",
        ),
    ),
)


def run_once(faults: Sequence[Fault], at_once: int, report: Path) -> set[str]:
    """Runs the faults' tests once; those of which all cases passed."""
    tests = sorted({"tests/{}.py::{}".format(*test.split("::")) for fault in faults for test in fault.tests})
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(at_once), f"--junitxml={report}", *tests]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if ended.returncode not in {0, 1}:  # neither "all passed" nor "some failed"
        sys.exit(f"pytest did not run: exit status {ended.returncode}")
    passed, failed = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        place = case.get("classname", "").removeprefix("tests.").replace(".", "/")
        good = all(case.find(trouble) is None for trouble in ("failure", "error", "skipped"))
        (passed if good else failed).add(f"{place}::{case.get('name', '').partition('[')[0]}")
    return passed - failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=2, help="tests side by side")
    parser.add_argument("--fault", default="", help="only faults with this in their name, such as 'Prefect'")
    arguments = parser.parse_args()
    faults = [fault for fault in FAULTS if arguments.fault.lower() in fault.what.lower()]
    if not faults:
        parser.error(f"no fault has {arguments.fault!r} in its name: see docs/reliability.md")
    runs: Counter[str] = Counter()
    troubles = []
    with tempfile.TemporaryDirectory(prefix="its-faults-") as folder:
        for number in range(1, arguments.runs + 1):
            passed = run_once(faults, arguments.at_once, Path(folder) / f"{number}.xml")
            for fault in faults:
                failed = [test for test in fault.tests if test not in passed]
                runs[fault.what] += not failed
                troubles += [f"run {number}: {test}" for test in failed]
            print(f"run {number} of {arguments.runs}", *troubles, sep="\n  ", file=sys.stderr, flush=True)
    print("| fault | how it is injected | runs | what was lost |\n|---|---|--:|---|")
    for fault in faults:
        print(fault.row(str(runs[fault.what])))
    sys.exit(1 if troubles else 0)


if __name__ == "__main__":
    main()
