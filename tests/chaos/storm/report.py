"""What a storm came to, as a table."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Report:
    """A storm that has passed."""

    about: str
    asked: int
    started: int
    states: Mapping[str, int]
    kinds: Mapping[str, int]
    faults: Mapping[str, int]
    recovered: Mapping[str, float]
    """By fault: the longest time from its end to the next run that was over, seconds."""
    ended: Mapping[str, int]
    """How often which process ended by itself, and was started again."""
    acts: int
    repeated: int
    lost: int
    refused: Mapping[str, int]
    looks: int
    """How often the store was looked at while the storm went on."""
    broken: Sequence[str] = field(default_factory=tuple)

    def table(self) -> str:
        """Show all of it."""
        lines = ["", self.about, f"{self.started} of {self.asked} runs, {self.looks} looks at the store in the storm"]
        lines += _rows("runs by state", self.states) + _rows("runs by kind", self.kinds)
        lines += [f"{'faults':<24}{'times':>8}{'recovered within':>20}"]
        for name, times in sorted(self.faults.items()):
            within = f"{self.recovered[name]:.1f} s" if name in self.recovered else "-"
            lines.append(f"  {name:<22}{times:>8}{within:>20}")
        lines += _rows("ended by themselves", self.ended) + _rows("answers that callers tried again", self.refused)
        worst = max(self.recovered.values(), default=0.0)
        lines += [
            f"{self.acts} acts, {self.repeated} of them repeated, each under its one key",
            f"{self.lost} starts went with the last second of a Redis that was killed, and were sent again",
            f"worst time to recover: {worst:.1f} s",
        ]
        return "\n".join(lines)


def _rows(title: str, counts: Mapping[str, int]) -> list[str]:
    if not counts:
        return []
    return [title, "  " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))]


def recovered(healed: Iterable[tuple[float, str]], ends: Sequence[float]) -> dict[str, float]:
    """Return for each kind of fault the longest time from its end to the next run that was over; none where no run came after."""
    longest: dict[str, float] = {}
    ordered = sorted(ends)
    for at, name in healed:
        after = bisect_left(ordered, at)
        if after < len(ordered):
            longest[name] = max(longest.get(name, 0.0), ordered[after] - at)
    return longest


def distinct(found: Iterable[str]) -> list[str]:
    """Return each finding once, with how often it was made."""
    counts = Counter(found)
    return [f"{each} ({times} times)" if times > 1 else each for each, times in counts.items()]
