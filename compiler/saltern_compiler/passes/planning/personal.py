"""Where values are about a person, as the runtime masks them in what it shows."""

from __future__ import annotations

from dataclasses import replace

from saltern_compiler.ir.plan import PlannedNode
from saltern_compiler.passes.analyses.flow import Flow
from saltern_compiler.passes.analyses.labels import NONE, places_of
from saltern_runtime.spec import BOOL, NULL, ListType, LiteralType, MapType, ObjectType, Type, UnionType


def with_personal(planned: PlannedNode, flow: Flow) -> PlannedNode:
    """Return a node with where its value, and an item of its region, are about a person.

    A handle, or one of a few words that the pipeline has written down, is nobody's name.
    """
    if planned.spec.handles:
        return planned
    value, item = (places_of(of.get(planned.node.id, NONE), "personal") for of in (flow.values, flow.items))
    value = tuple(place for place in value if not _is_choice(planned.result, place))
    return replace(planned, personal=value, personal_items=item) if value or item else planned


def _is_choice(of: Type, place: tuple[str | None, ...]) -> bool:
    """Whether values of a type are one of a few words at a place."""
    match of:
        case UnionType(members=members):
            return all(_is_choice(member, place) for member in members)
        case ObjectType(fields=fields) if place:
            return any(each.name == place[0] and _is_choice(each.type, place[1:]) for each in fields)
        case ListType(item=inner) | MapType(value=inner) if place:
            return _is_choice(inner, place[1:])
        case LiteralType():
            return not place
        case _:
            return of in {BOOL, NULL}
