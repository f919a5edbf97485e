"""What comes out of a manifest: scenarios to make, and rows that cannot be made, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from its_core.clip import FrameOrigin, Scene
from its_core.errors import FactoryError
from its_core.taxonomy import Split

Json = Any  # None, bool, int, float, str, or lists and string-keyed dicts of them


class ManifestError(FactoryError, ValueError):
    """A manifest that cannot be used at all; the message is one line that says where, what, and what would be right."""

    default_code = "manifest"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One manifest row that passed every check.

    ``row`` counts from 0 over all files of the manifest, in the order of their names. ``prompt`` is None where the row
    has none, to be composed for each variant. ``input_image`` is the row's own text, ``input_path`` the local file that
    it names (fetched, if it was remote). Of a row that leaves the frame to an engine, ``input_image`` is that engine's
    name, ``input_origin`` says which frame it is, and ``scene`` is what that frame shows; ``input_path`` is None where
    the frame was not to be made. ``extra`` holds the manifest's unknown columns as JSON values.
    """

    row: int
    scenario_id: str
    scene: Scene
    prompt: str | None
    negative_prompt: str
    seed: int
    variants: int
    guidance: float
    pair_id: str | None
    split: Split | None
    input_image: str | None
    input_path: str | None
    input_sha256: str | None
    extra: Mapping[str, Json]
    input_origin: FrameOrigin | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row left out.

    Attributes:
        row: as ``Scenario.row``.
        scenario_id: None where the row has none that can be used.
        column, value: of the first fault; None and empty where the row as a whole is at fault.
        reason: all faults, for people.
        code: of the first fault, for programs; docs/manifest.md lists the codes.
    """

    row: int
    scenario_id: str | None
    column: str | None
    value: str
    reason: str
    code: str = "row"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to look at in a row that is made: the fields are those of a rejection."""

    row: int
    scenario_id: str | None
    column: str | None
    value: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The outcome of consecutive rows: each row is in exactly one of the first two lists, both in row order.

    Attributes:
        remarks: on scenarios whose carried columns lost a value.
        carried: columns that are copied to the labels.
        left_out: columns that cannot be, with the reason.
        from_folders: columns that the names of folders say.
    """

    scenarios: list[Scenario]
    rejections: list[Rejection]
    remarks: list[Remark] = field(default_factory=list)
    carried: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    from_folders: tuple[str, ...] = ()
