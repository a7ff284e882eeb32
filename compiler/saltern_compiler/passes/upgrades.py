"""Where a node that is of an older version can go: one step on, or as far as it may go without one."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from saltern_compiler.diagnostics.suggest import join
from saltern_compiler.ir.bound import bound_by
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.registry import NODE_TYPES, PluginError, Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import (
    ANY,
    ByHand,
    Change,
    Drop,
    NodeType,
    Outward,
    Put,
    Rename,
    RenameField,
    RenameHandle,
)


@dataclass(frozen=True, slots=True)
class Move:
    """A node becomes one of another version, and its parameters change."""

    to: int
    changes: tuple[Rename | Drop | Put, ...] = ()
    summary: str = ""
    """What the step says of itself; empty where none is needed."""
    outward: tuple[Outward, ...] = ()
    """What those who read the node, or hang on it, are led to."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """A step that a person has to take."""

    to: int
    reasons: tuple[ByHand, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Gap:
    """There is no step from a version to the next one, but there are others."""

    of: int


Route: TypeAlias = Move | Stuck | Gap
_KINDS: Final = (Rename, Drop, Put, RenameField, RenameHandle, ByHand)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_HANDLE: Final = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


def route(node: Node, registry: Registry, to: int | None = None) -> Route | None:
    """Return what brings a node on towards a version, by default the newest one; None where it stays what it is.

    Steps are taken one by one. Without any, a node whose version is deprecated becomes one of the newest version that takes what
    stands there.
    """
    versions = registry.versions(node.type)
    wanted = versions[-1] if to is None and versions else to
    if wanted is None or node.version >= wanted:
        return None
    steps = registry.steps(node.type)
    missing = next((version for version in range(node.version, wanted) if version not in steps), None)
    if missing is None:
        return _taken(node, registry)
    if any(version >= node.version for version in steps):
        return Gap(missing)
    spec, newest = registry.node(node.type, node.version), registry.node(node.type, wanted)
    if spec is None or not spec.deprecated or newest is None or newest.deprecated or apart(node, newest):
        return None
    return Move(wanted)


def _taken(node: Node, registry: Registry) -> Move | Stuck:
    step = registry.steps(node.type)[node.version]
    bound = bound_by(node, {name: ANY for name, _ in node.params})
    changes = tuple(step.changes(bound))
    wrong = _wrong(node, changes)
    if wrong:
        newest = f"{node.type}@{registry.versions(node.type)[-1]}"
        whose = registry.plugin(NODE_TYPES, newest) or "whoever gave it"
        raise PluginError(f"{whose} offers {newest!r}, but in its step from version {node.version} {wrong}")
    by_hand = tuple(change for change in changes if isinstance(change, ByHand))
    taken = by_hand or _given_twice(node, changes)
    if taken:
        return Stuck(step.of + 1, taken, step.summary)
    own = tuple(change for change in changes if isinstance(change, Rename | Drop | Put))
    outward = tuple(change for change in changes if isinstance(change, RenameField | RenameHandle))
    return Move(step.of + 1, own, step.summary, outward)


def _wrong(node: Node, changes: tuple[Change, ...]) -> str:
    """Say what cannot be done in any node: a mistake of whoever offers the step."""
    left = {name for name, _ in node.params}
    for change in changes:
        if not isinstance(change, _KINDS):
            return f"{change!r} is no change"
        if isinstance(change, Rename | Drop) and change.name not in left:
            return f"{change.name!r} is changed twice, or nothing is bound to it"
        if isinstance(change, Rename | Drop | Put):
            left.discard(change.name)
        named = _NAME if isinstance(change, RenameField) else _HANDLE
        if isinstance(change, RenameField | RenameHandle) and not named.fullmatch(change.to):
            return f"{change.to!r} is no name"
    old = [(type(each), _seen(each)) for each in changes if isinstance(each, RenameField | RenameHandle)]
    if len({*old}) < len(old):
        return "a field or a handle is renamed twice"
    given = _given(changes)
    return "two values are given to one parameter" if len({*given}) < len(given) else ""


def _seen(change: Outward) -> str:
    return change.field if isinstance(change, RenameField) else change.handle


def _given(changes: tuple[Change, ...]) -> list[str]:
    """Return the parameters that have a value by a step."""
    named = [
        change.to if isinstance(change, Rename) else change.name
        for change in changes
        if isinstance(change, Rename | Put)
    ]
    return sorted(named)


def _given_twice(node: Node, changes: tuple[Change, ...]) -> tuple[ByHand, ...]:
    """Ask about parameters that a node binds already, though its version has none of that name."""
    left = {name for name, _ in node.params}
    left -= {change.name for change in changes if isinstance(change, Rename | Drop | Put)}
    return tuple(
        ByHand(f"`{name}` stands here already, and the step gives it a value: keep one of them.", name)
        for name in _given(changes)
        if name in left
    )


def apart(node: Node, newest: NodeType) -> list[str]:
    """Say why a node cannot be of another version as it is; nothing where it can."""
    bound = {name for name, _ in node.params}
    known = {param.name for param in newest.params}
    lacks = [param.name for param in newest.params if param.required and param.name not in bound]
    unknown = sorted(bound - known)
    return [
        *([f"`{newest.key}` does not take {join(unknown)}."] if unknown else []),
        *([f"`{newest.key}` needs {join(lacks)}."] if lacks else []),
    ]
