"""Brings a text to the newest versions, step by step: of its shape, then of its nodes. Pure; `saltern upgrade` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin, has_errors
from saltern_compiler.driver.following import follow
from saltern_compiler.driver.resetting import reset, unset
from saltern_compiler.driver.result import Result
from saltern_compiler.frontend import read
from saltern_compiler.frontend.moves import Move, applied
from saltern_compiler.frontend.notation import Locate, Notation
from saltern_compiler.frontend.notations import NOTATIONS, notation_of
from saltern_compiler.ir.pipeline import Node, Pipeline
from saltern_compiler.ir.verify import InternalError
from saltern_compiler.passes import upgrades
from saltern_compiler.passes.base import Check, Context
from saltern_compiler.passes.checks.cycle import Cycle
from saltern_compiler.passes.checks.node_types import NodeTypes
from saltern_compiler.registry import Registry
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ByHand, Put, Rename

_CODE: Final = "deprecated-version"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far a text is brought; what is not named, to the newest version."""

    schema: int | None = None
    nodes: Mapping[str, int] = field(default_factory=dict)
    """Node type → version."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A text after its steps."""

    text: str
    steps: tuple[str, ...]
    """What was done, a sentence each, in order."""
    findings: tuple[Diagnostic, ...]
    """What is left, in `text`: steps that a person has to take, steps that there are not, or why it cannot be read."""


def upgrade(
    text: str,
    source_name: str,
    *,
    wanted: Wanted = Wanted(),
    registry: Registry | None = None,
    notations: tuple[Notation, ...] = NOTATIONS,
) -> Upgraded:
    """Take every step that can be taken; a node takes a step whole or not at all. Raises PluginError for a plugin's broken step."""
    known = registry or Registry.load()
    notation = notation_of(source_name, text, notations)
    done: list[str] = []
    while notation is not None and notation.renew is not None:
        renewed = notation.renew(text, wanted.schema)
        if renewed is None:
            break
        if renewed.findings:
            return Upgraded(text, tuple(done), tuple(renewed.findings))
        text = applied(text, renewed.changes)
        done.append(f"schemaVersion {renewed.to}: {renewed.summary}")
    while True:
        pipeline, findings = read(text, source_name, known, notations)
        if pipeline is None or has_errors(findings) or notation is None or notation.move is None:
            return Upgraded(text, tuple(done), tuple(findings))
        if circles := _found(Cycle(), pipeline, known):
            return Upgraded(text, tuple(done), circles)
        locate = notation.locate(text)
        changes, said = reset(text, locate, pipeline, known)
        if changes:
            text = applied(text, changes)
            done += said
            continue
        found = ((node, _route(node, known, wanted)) for node in pipeline.body.walk())
        routes = [(node, _led(text, locate, pipeline, node, at)) for node, at in found if at is not None]
        routes = _hanging(text, source_name, known, notation, pipeline=pipeline, routes=routes)
        moves = [(node, at) for node, at in routes if isinstance(at, upgrades.Move)]
        if not moves:
            left = (_left(node, at) for node, at in routes)
            unknown = (each for each in _found(NodeTypes(), pipeline, known) if each.code == "unknown-node-version")
            return Upgraded(text, tuple(done), (*unset(pipeline, known), *left, *unknown))
        text = _moved(text, notation, moves)
        text = _followed(text, source_name, known, notation, moves)
        _check(text, source_name, known, notations, moves)
        done += [f"`{node.id}` is {node.type}@{at.to}{f': {at.summary}' if at.summary else '.'}" for node, at in moves]


def _found(check: Check, pipeline: Pipeline, registry: Registry) -> tuple[Diagnostic, ...]:
    """Return what a check finds."""
    context = Context(registry)
    check.apply(pipeline, context)
    return tuple(context.diagnostics)


def with_upgrades(result: Result, pipeline: Pipeline, registry: Registry) -> Result:
    """Give findings about deprecated versions the step to the next one as their fix, where they have none yet."""
    notation = notation_of(result.source_name, result.text)
    if notation is None or notation.move is None:
        return result
    nodes = {node.place("type"): node for node in pipeline.body.walk()}
    found: list[Diagnostic] = []
    for each in result.diagnostics:
        node = nodes.get(each.origin) if each.code == _CODE and not each.fixes else None
        at = None if node is None else upgrades.route(node, registry)
        if node is None or not isinstance(at, upgrades.Move):
            found.append(each)
            continue
        led = follow(result.text, notation.locate(result.text), pipeline, node.id, at.outward)
        ((_, at),) = _hanging(
            result.text, result.source_name, registry, notation, pipeline=pipeline, routes=[(node, at)]
        )
        if led.by_hand or not isinstance(at, upgrades.Move):
            found.append(each)
            continue
        changes = [*notation.move(result.text, [Move(node, at.to, at.changes)]), *led.changes]
        edits = tuple(Edit(Origin(None, change.start, change.end), change.text) for change in changes)
        found.append(replace(each, fixes=(Fix(f"Make it one of `{node.type}@{at.to}`", edits),)))
    return replace(result, diagnostics=tuple(found))


def _route(node: Node, registry: Registry, wanted: Wanted) -> upgrades.Route | None:
    return upgrades.route(node, registry, wanted.nodes.get(node.type))


def _led(text: str, locate: Locate, pipeline: Pipeline, node: Node, at: upgrades.Route) -> upgrades.Route:
    """Return a route, which a person has to take where not all who read the node can be led to new names."""
    if not isinstance(at, upgrades.Move) or not at.outward:
        return at
    reasons = follow(text, locate, pipeline, node.id, at.outward).by_hand
    return upgrades.Stuck(at.to, tuple(reasons), at.summary) if reasons else at


def _moved(text: str, notation: Notation, moves: Sequence[tuple[Node, upgrades.Move]]) -> str:
    assert notation.move is not None, "asked before"
    return applied(text, notation.move(text, [Move(node, at.to, at.changes) for node, at in moves]))


def _hanging(
    text: str,
    source_name: str,
    registry: Registry,
    notation: Notation,
    *,
    pipeline: Pipeline,
    routes: Sequence[tuple[Node, upgrades.Route]],
) -> list[tuple[Node, upgrades.Route]]:
    """Leave to a person what would leave its branch: a node that is drawn belongs to that of what it reads, which a step may drop.

    Without circles, the first node that belongs elsewhere has lost what it read itself: it does so with its step alone.
    """

    def stay(moves: Sequence[tuple[Node, upgrades.Move]]) -> bool:
        again, _ = read(_moved(text, notation, moves), source_name, registry, (notation,))
        return again is not None and _branches(again) == _branches(pipeline)

    moves = [(node, at) for node, at in routes if isinstance(at, upgrades.Move)]
    if stay(moves):
        return [*routes]
    astray = {node.id: _astray(node, at) for node, at in moves if not stay([(node, at)])}
    return [(node, astray.get(node.id, at)) for node, at in routes]


def _branches(pipeline: Pipeline) -> object:
    """Return what every node hangs on."""
    nodes = pipeline.body.walk()
    return {node.id: ([(edge.source, edge.handle) for edge in node.control], node.join) for node in nodes}


def _astray(node: Node, at: upgrades.Move) -> upgrades.Stuck:
    what = f"`{node.id}` belongs to a branch by what it reads, and would read it no more: draw a control edge to it."
    return upgrades.Stuck(at.to, (ByHand(what),), at.summary)


def _followed(
    text: str,
    source_name: str,
    registry: Registry,
    notation: Notation,
    moves: Sequence[tuple[Node, upgrades.Move]],
) -> str:
    """Lead those who read nodes to new names, once the nodes are moved: what a step dropped reads nothing any more."""
    outward = {node.id: at.outward for node, at in moves if at.outward}
    if not outward:
        return text
    pipeline, findings = read(text, source_name, registry, (notation,))
    if pipeline is None:
        raise InternalError("an upgraded text can be read", "; ".join(each.message for each in findings))
    locate = notation.locate(text)
    return applied(
        text, [each for name, of in outward.items() for each in follow(text, locate, pipeline, name, of).changes]
    )


def _left(node: Node, at: upgrades.Route) -> Diagnostic:
    if isinstance(at, upgrades.Gap):
        message = f"no step leads from `{node.type}@{at.of}` to `{node.type}@{at.of + 1}`"
        notes: tuple[str, ...] = (
            f"`{node.id}` stays of version {node.version}. The package that offers `{node.type}` has the steps.",
        )
        return Diagnostic("missing-step", message, node.place("type"), notes=notes)
    assert isinstance(at, upgrades.Stuck), "moves are made"
    first = at.reasons[0]
    place = node.place(f"param:{first.name}") if first.name in dict(node.params) else node.place("type")
    notes = (*(reason.what for reason in at.reasons), at.summary)
    return Diagnostic(
        "step-by-hand", f"`{node.id}` needs a person to become one of `{node.type}@{at.to}`", place, notes=notes
    )


def _check(
    text: str,
    source_name: str,
    registry: Registry,
    notations: tuple[Notation, ...],
    moves: Sequence[tuple[Node, upgrades.Move]],
) -> None:
    """Hold that nodes are what was written; a text where they are not would be upgraded for ever, or mean something else."""
    pipeline, findings = read(text, source_name, registry, notations)
    if pipeline is None:
        raise InternalError("an upgraded text can be read", "; ".join(each.message for each in findings))
    found = {(node.id, node.version, tuple(sorted(name for name, _ in node.params))) for node in pipeline.body.walk()}
    for node, at in moves:
        wanted = {name for name, _ in node.params} - {change.name for change in at.changes}
        wanted |= {change.to for change in at.changes if isinstance(change, Rename)}
        wanted |= {change.name for change in at.changes if isinstance(change, Put)}
        if (node.id, at.to, tuple(sorted(wanted))) not in found:
            raise InternalError("an upgraded node is what was written", node.id)
