"""What the runtime's bench runs, on Saltern and on its peers alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Case:
    """A pipeline: a chain of `width` nodes; one node, `width` after it and one that joins them; or a loop over `width` items."""

    name: str
    said: str
    shape: Literal["chain", "fan", "loop"]
    width: int
    runs: int
    """Of ours."""
    canvas: int
    """Runs of canvas: fewer, it is slower."""
    seconds: float = 0.0
    """That each node takes, or none."""
    pure: bool = False
    """Whether its nodes have no effect, so that the compiler may put them together."""

    @property
    def nodes(self) -> int:
        """Nodes of a run."""
        return self.width + {"chain": 0, "fan": 2, "loop": 2}[self.shape]

    @property
    def ideal(self) -> float:
        """Seconds that a run takes two processes, were there nothing but what its nodes take."""
        return self.seconds * (self.width + (1 if self.shape == "fan" else 0)) / 2


CASES: Final = {
    case.name: case
    for case in (
        Case("chain", "chains of 10", "chain", 10, 1000, 60),
        Case("diamond", "diamonds of 4", "fan", 2, 1000, 100),
        Case("fan20", "fan-out of 20 and join", "fan", 20, 400, 40),
        Case("fan", "fan-out of 100 and join", "fan", 100, 100, 10),
        Case("loop", "foreach of 1,000", "loop", 1000, 10, 2),
        Case("pure_chain", "chains of 10, pure", "chain", 10, 1000, 60, pure=True),
        Case("pure_fan", "fan-out of 100 and join, pure", "fan", 100, 500, 10, pure=True),
        Case("slow_chain", "chains of 10, 20 ms each", "chain", 10, 40, 40, 0.02),
        Case("slow_fan", "fan-out of 100 and join, 20 ms each", "fan", 100, 4, 4, 0.02),
    )
}
