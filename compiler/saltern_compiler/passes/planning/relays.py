"""Stages without nodes that pass the news on, so that no stage tells more than a few others that it is terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import field
from typing import Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.limits import AT_ONCE

START: Final = ""
"""Stands for the start of a run, which tells the stages that need nothing."""


@dataclass(slots=True)
class Relays:
    """What was inserted."""

    needs: dict[str, str] = field(default_factory=dict)
    """Relay → the stage that it stands for (`START`: the start of the run); a relay comes after those it hears from."""
    hears: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Stage or relay → the relays that it hears from."""


def insert_relays(needs: Mapping[str, Iterable[str]], taken: Set[str] = frozenset(), prefix: str = "") -> Relays:
    """Spread the dependants of each stage; `needs` maps stage → stages, both in the order of data flow.

    `prefix` stands before the names of relays: `summaries/` in the body of `summaries`.
    """
    dependants: dict[str, list[str]] = {START: []}
    for name, sources in needs.items():
        for source in sources or (START,):
            dependants.setdefault(source, []).append(name)
    relays = Relays()
    refused = set(taken) | set(needs)
    number = 0
    for source in (START, *needs):
        level = dependants.get(source, [])
        while len(level) > AT_ONCE:
            count = min(-(-(len(level) - AT_ONCE) // (AT_ONCE - 1)), -(-len(level) // AT_ONCE))
            direct = max(0, len(level) - count * AT_ONCE)
            between: list[str] = []
            for first in range(direct, len(level), AT_ONCE):
                number += 1
                while f"{prefix}relay_{number}" in refused:
                    number += 1
                relay = f"{prefix}relay_{number}"
                between.append(relay)
                relays.needs[relay] = source
                for name in level[first : first + AT_ONCE]:
                    relays.hears[name] = (*relays.hears.get(name, ()), relay)
            level = [*level[:direct], *between]
    return relays
