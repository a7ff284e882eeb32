"""Leads those who read a node, or hang on it, to the new names of its fields and handles, in their text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from saltern_compiler.diagnostics.model import Origin
from saltern_compiler.frontend.moves import Replaced
from saltern_compiler.frontend.notation import Locate
from saltern_compiler.ir.graph import own_reads
from saltern_compiler.ir.pipeline import Pipeline
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import ByHand, Outward, RenameField, RenameHandle


@dataclass(frozen=True, slots=True)
class Following:
    """What to replace, and what a person has to look at."""

    changes: list[Replaced] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)


def follow(text: str, locate: Locate, pipeline: Pipeline, node_id: str, outward: Sequence[Outward]) -> Following:
    """Find every place where a renamed field or handle of a node is named.

    Whoever reads all of the node may read the field later, under whatever name: this is for a person.
    """
    made = Following()
    fields = {each.field: each.to for each in outward if isinstance(each, RenameField)}
    handles = {each.handle: each.to for each in outward if isinstance(each, RenameHandle)}
    for reader, origin, old, new in _named(pipeline, node_id, fields, handles):
        start, end = locate(origin)
        found = re.search(rf"(?<!\w){re.escape(old)}(?=[\"'`]?\Z)", text[start:end]) if old else None
        if found is None and old:
            made.by_hand.append(ByHand(f"`{reader}` names `{old}` of `{node_id}` in other words: it is `{new}` now."))
        elif found is None:
            what = f"`{reader}` reads all of `{node_id}`, of which {_listed(fields)}: read fields by their names."
            made.by_hand.append(ByHand(what))
        else:
            made.changes.append(Replaced(start + found.start(), start + found.end(), new))
    return made


def _named(
    pipeline: Pipeline, node_id: str, fields: dict[str, str], handles: dict[str, str]
) -> Iterator[tuple[str, Origin, str, str]]:
    """Yield who names it, where that stands, the old name (empty: all of the node is read) and the new one."""
    for node in pipeline.body.walk():
        for edge in dict.fromkeys(node.control):
            if edge.source == node_id and edge.handle in handles:
                yield node.id, edge.origin, edge.handle, handles[edge.handle]
        for read in own_reads(node) if fields else ():
            name = read.reference.path[0] if read.reference.path else ""
            if read.name == node_id and (not name or name in fields):
                yield node.id, read.origin.within(*read.reference.first), name, fields.get(name, "")


def _listed(fields: dict[str, str]) -> str:
    return ", ".join(f"`{old}` is `{new}` now" for old, new in fields.items())
