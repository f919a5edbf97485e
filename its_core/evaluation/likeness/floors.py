"""Whether a version's clips are as like another version's as a definition demands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from its_core.dataset.reader import Version
from its_core.evaluation.likeness import versions
from its_core.evaluation.likeness.versions import Comparison


@dataclass(frozen=True, slots=True)
class Verdict:
    """``below`` says of each measure that is below its floor by how much, empty when none is."""

    against: str
    comparison: Comparison
    floors: Mapping[str, float]

    @property
    def below(self) -> list[str]:
        """A measure without a value (VMAF without an FFmpeg that has it) is below any floor."""
        means = self.comparison.means
        return [
            f"{name} {means[name]:g} is below {floor:g}" if name in means else f"{name} could not be measured"
            for name, floor in self.floors.items()
            if not means.get(name, float("-inf")) >= floor
        ] + [f"{each.pair.scenario}: {each.reason}" for each in self.comparison.compared if each.likeness is None]

    @property
    def worse(self) -> bool:
        return bool(self.below)

    @property
    def line(self) -> str:
        if self.below:
            return f"the new version is not enough like {self.against}: {'; '.join(self.below[:5])}"
        means = ", ".join(
            f"{name} {self.comparison.means[name]:g} (floor {self.floors[name]:g})" for name in self.floors
        )
        return f"the new version is like {self.against}: {means}"


def judge(new: Version, against: Version, floors: Mapping[str, float], clips: int, threads: int = 1) -> Verdict:
    """Compares at most ``clips`` of the clips that both have. Raises NothingInCommon."""
    found, alone = versions.pairs(against, new)
    comparison = versions.compare(versions.spread(found, clips), alone, threads=threads)
    return Verdict(against.url, comparison, floors)
