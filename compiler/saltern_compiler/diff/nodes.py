"""What differs between the nodes of two pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from saltern_compiler.diff import written
from saltern_compiler.diff.answers import of_answer, of_gone, of_new, of_rename
from saltern_compiler.diff.forms import form_of
from saltern_compiler.diff.matching import Matching, Nodes
from saltern_compiler.diff.model import Change, Grade, between
from saltern_compiler.diff.side import Side
from saltern_compiler.ir.attempts import ARM, PARTS, VALUES, WHOLES, is_part
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import same_json
from saltern_runtime.dataclass import dataclass

_PARTS: Final = (*PARTS, ARM)


@dataclass(frozen=True, slots=True)
class Pair:
    """A node on both sides, the old one with the names of the new pipeline."""

    old: Node
    named: Node
    new: Node
    owners: tuple[str, str]
    """Ids of what they stand in; the old one's with its new name."""

    @property
    def differs(self) -> bool:
        """Whether it means something else now, its id and its body aside."""
        return self.owners[0] != self.owners[1] or not same_json(form_of(self.named), form_of(self.new))


def pairs_of(matching: Matching) -> Iterator[Pair]:
    """Yield each node that is on both sides, in the order of the old pipeline's data flow."""
    for before, after in matching.pairs.items():
        old, new = matching.old.by_id[before], matching.new.by_id[after]
        owner = matching.pairs.get(old.owner, old.owner and "?")
        yield Pair(old.node, matching.names.of_node(old.node), new.node, (owner, new.owner))


def of_nodes(old: Side, new: Side, matching: Matching) -> Iterator[Change]:
    """Yield what differs: removed, added, then what is on both sides."""
    for node_id in matching.removed:
        node = matching.old.by_id[node_id].node
        if _stands_alone(node, matching.old, set(matching.removed)):
            grade, why = of_gone(old, new, node)
            yield Change("removed", "node", node_id, "", written.node(node, old.pipeline), None, grade, why)
    for node_id in matching.added:
        node = matching.new.by_id[node_id].node
        if _stands_alone(node, matching.new, set(matching.added)):
            grade, why = of_new(old, new, node)
            yield Change("added", "node", node_id, "", None, written.node(node, new.pipeline), grade, why)
    for pair in pairs_of(matching):
        yield from _of_pair(pair, old, new)


def _stands_alone(node: Node, among: Nodes, gone: set[str]) -> bool:
    """Whether a node is worth a line: it is not part of something that has one itself."""
    owner = among.by_id[node.id].owner
    if owner in gone:
        return False
    return not (is_part(node) and node.id.rpartition("/")[0] in gone)


def _of_pair(pair: Pair, old: Side, new: Side) -> Iterator[Change]:
    before, named, after = pair.old, pair.named, pair.new
    name = after.id
    if before.id != after.id and "/" not in after.id:
        grade, why = of_rename(old, before)
        yield Change("renamed", "node", name, "", before.id, name, grade, why)
    yield from of_answer(old, new, before, after)
    if before.version != after.version:
        yield Change("changed", "node", name, "type", f"{named.type}@{before.version}", f"{after.type}@{after.version}")
    if pair.owners[0] != pair.owners[1]:
        yield Change(
            "changed", "node", name, "stands in", pair.owners[0] or "the pipeline", pair.owners[1] or "the pipeline"
        )
    yield from _of_params(pair, old, new)
    parts: list[tuple[str, str | None, str | None]] = [
        ("connection", named.connection, after.connection),
        ("with", _mapping(named), _mapping(after)),
        *((f"@{field}", ours, theirs) for field, ours, theirs in written.policies(before.policy, after.policy)),
    ]
    if after.type not in _PARTS:  # those run where their node runs
        parts += [
            ("after", ", ".join(sorted(set(named.after))) or None, ", ".join(sorted(set(after.after))) or None),
            ("@disabled", "@disabled" if named.disabled else None, "@disabled" if after.disabled else None),
            ("when", written.gate(named), written.gate(after)),
            ("join", _join(named), _join(after)),
        ]
    for part, ours, theirs in parts:
        if ours != theirs:
            yield between("node", name, part, ours, theirs)
    yield from _of_variables(before, after)


def _join(node: Node) -> str | None:
    """Return how handles join, where `when` does not say it."""
    return node.join if node.join == "any" and len(node.control) < 2 else None


def _mapping(node: Node) -> str | None:
    return ", ".join(f"{name}: {given}" for name, given in node.mapping) or None


def _of_variables(old: Node, new: Node) -> Iterator[Change]:
    ours = old.body.variables if old.body is not None else ()
    theirs = new.body.variables if new.body is not None else ()
    if ours != theirs:
        yield Change(
            "renamed", "node", new.id, "item", ", ".join(ours) or None, ", ".join(theirs) or None, Grade.COSMETIC
        )


def _of_params(pair: Pair, old: Side, new: Side) -> Iterator[Change]:
    ours, theirs = (form_of(node).get("params", {}) for node in (pair.named, pair.new))
    for param in sorted({*ours, *theirs}):
        if param in ours and param in theirs and same_json(ours[param], theirs[param]):
            continue
        if pair.new.type in WHOLES and param == VALUES:
            continue
        values = (pair.old.param(param), pair.new.param(param))
        before = None if values[0] is None else written.value(values[0], old.pipeline)
        after = None if values[1] is None else written.value(values[1], new.pipeline)
        yield between("node", pair.new.id, param, before, after)
