"""Nodes that become nodes of another version: what a notation rewrites, in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_compiler.ir.pipeline import Node
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Drop, Json, Put, Rename


@dataclass(frozen=True, slots=True)
class Move:
    """A node, the version that it becomes one of, and what becomes of its parameters: each is changed once."""

    node: Node
    version: int
    changes: Sequence[Rename | Drop | Put] = ()


@dataclass(frozen=True, slots=True, order=True)
class Replaced:
    """Characters of a text, and what stands there instead."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Entries:
    """What becomes of the entries of a node's parameters. What is given anew stands where something else was left out, or at the end."""

    names: dict[str, str] = field(default_factory=dict)
    """Old name → new one."""
    values: dict[str, Json] = field(default_factory=dict)
    """Old name → new value."""
    dropped: list[str] = field(default_factory=list)
    added: list[tuple[str, Json]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Renewed:
    """What brings the shape of a document one version on."""

    to: int
    changes: Sequence[Replaced]
    summary: str
    findings: Sequence[Diagnostic] = ()
    """Why it cannot be: what a person has to do, or that there is no step; nothing changes then."""


def entries_of(move: Move) -> Entries:
    """Sort the changes of a node by what becomes of each entry."""
    made = Entries()
    bound = {name for name, _ in move.node.params}
    puts = {change.name: change.value for change in move.changes if isinstance(change, Put)}
    dropped = [change.name for change in move.changes if isinstance(change, Drop)]
    for change in move.changes:
        if isinstance(change, Rename):
            made.names[change.name] = change.to
    kept = {name for name in puts if name in bound and name not in made.names}
    for name in kept:
        made.values[name] = puts[name]
    free = [name for name in dropped if name not in kept]
    new = [name for name in puts if name not in kept]
    for old, name in zip(free, new, strict=False):
        made.names[old], made.values[old] = name, puts[name]
    made.dropped.extend(free[len(new) :])
    made.added.extend((name, puts[name]) for name in new[len(free) :])
    return made


def applied(text: str, changes: Iterable[Replaced]) -> str:
    """Apply changes of a text that do not overlap; of two at one place, the one that is given first stands first."""
    end = len(text)
    parts: list[str] = []
    for change in sorted(changes, key=lambda each: (each.start, each.end), reverse=True):
        assert change.end <= end, "changes of a text touch different characters"
        parts += [text[change.end : end], change.text]
        end = change.start
    return "".join([text[:end], *reversed(parts)])
