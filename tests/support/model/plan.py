"""The plan that the model's runs follow: what stages tell each other, what stands in a region, what takes something back. Pure."""

from __future__ import annotations

import json
from typing import Any

from saltern_runtime.spec.names import SUCCESS
from saltern_runtime.store.calls import Opening
from saltern_runtime.store.flow import Edge, Flow, Step
from saltern_runtime.store.keys import short_of

PLANS = (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}")
TELLS = {"a": ("c", "e"), "b": ("c", "e"), "c": ("d",), "d": (), "e": (), "i": ("j",), "j": ()}
MORE: dict[str, dict[str, Any]] = {
    "a": {"ttl": 4000, "timeout": 3000},
    "b": {"priority": 7, "limit": {"n": "api", "t": True, "c": 2}},
    "c": {"need": 2},
    "d": {"limit": {"n": "crm", "c": 1}},
    "e": {"need": 2, "quorum": 1, "limit": {"n": "slow", "r": 0.05}},
}
ENTRIES = ("a", "b")
SHAPE = [
    *([stage, [[stage, "x"]]] for stage in "abcde"),
    *([f"{owner}/{stage}", [[f"{owner}/{stage}", "x"]], owner] for owner in "abcde" for stage in "ij"),
]
DEEP = 2
"""Regions in each other."""


def dep(path: str, plan: str, live: int = 0, dead: int = 0) -> dict[str, Any]:
    """Return a stage as what comes before it passes it."""
    before, _, stage = path.rpartition("/")
    reads = {"i": [before], "j": [f"{before}/i"]}.get(stage) or ["", *(each for each in TELLS if stage in TELLS[each])]
    return {
        "path": path, "need": 1, "join": "all", "live": live, "dead": dead, "queue": f"{short_of(plan)}.q", "priority": 5,
        "reads": json.dumps(reads, separators=(",", ":")), "timeout": 8000,
    } | MORE.get(stage, {})  # fmt: skip


def told_by(path: str, plan: str, how: str) -> tuple[dict[str, Any], ...]:
    """Return whom a stage tells that SUCCEEDED, was SKIPPED or FAILED."""
    before, slash, stage = path.rpartition("/")
    made = []
    for other in TELLS.get(stage, ()):
        races = "quorum" in MORE.get(other, {})
        dead = int(how != "SUCCEEDED" and not (races and how == "FAILED"))
        made.append(dep(f"{before}{slash}{other}", plan, int(how == "SUCCEEDED"), dead))
    return tuple(made)


def undo_of(path: str, plan: str) -> dict[str, Any]:
    """Return what takes back what a stage did."""
    return dep(f"{path}/compensate", plan)


def opening(path: str, plan: str, window: tuple[int, int, str], *, carries: bool, within: float | None) -> Opening:
    """Return how a region begins: in each item i, and behind it j, whose value is the item's. `window`: items, most of them, mode."""
    items, most, mode = window
    inside = f"{path}[*]"
    entries = json.dumps([dep(f"{inside}/i", plan)], separators=(",", ":"))
    names = [f"{inside}/i", f"{inside}/j"]
    body = {"acts": names, "vals": [*names, *(f"{name}{end}" for name in names for end in "!?")], "result": names[1]}
    values = tuple(f'"{path}{index}"' for index in range(items))
    return Opening(values, most, mode, entries, json.dumps(body), carries, within)


def flow(plan: str) -> str:
    """Return how its stages follow each other, as the store keeps it."""
    return Flow.of(
        Step(
            arrival=dep(stage, plan),
            nodes=(stage,),
            tells=[Edge(other, ((stage, SUCCESS),)) for other in TELLS[stage]],
            undo=f"{stage}/compensate" if stage in ENTRIES else "",
        )
        for stage in "abcde"
    ).text
