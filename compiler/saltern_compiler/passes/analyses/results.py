"""What the value of a node carries, of what is bound to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.ir.attempts import VALUES, WHOLES
from saltern_compiler.ir.bound import bound_by
from saltern_compiler.ir.pipeline import CHECK, NEXT, RETURN, YIELD, Node
from saltern_compiler.ir.values import Literal
from saltern_compiler.passes.analyses.labels import (
    NONE,
    Carried,
    Labels,
    fields,
    flat,
    item,
    items,
    joined,
    whole,
)
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Emit, NodeType, ObjectType, Type, chosen

_ONLY: Final = "saltern_runtime.nodes.flow.rounds:only"
"""What gathers a region of one round."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A node, and what is bound to it."""

    node: Node
    spec: NodeType
    type: Type
    """Of its value."""
    bound: Mapping[str, Labels]
    """Parameter → what its value carries."""
    failure: Carried
    """What the message may repeat about the failure that it is there for."""
    called: Labels | None
    """What the pipeline gives that it calls."""
    files: Mapping[str, str]
    """The pipeline's own modules."""

    @property
    def cleared(self) -> str:
        """Why the value of its function carries nothing of what it is called with; empty where it does."""
        return "" if self.spec.clears is None else self.spec.clears(bound_by(self.node, files=self.files))

    @property
    def passed(self) -> Labels:
        """What the one parameter carries that its value is, where its body is written as plain Python."""
        return joined(*self.given)

    @property
    def given(self) -> tuple[Labels, ...]:
        """What parameters carry that its function takes."""
        params = ((self.spec.param(name), value) for name, value in self.bound.items())
        return tuple(value for param, value in params if param is not None and param.passed and not param.static)

    def item(self) -> Labels:
        """Return what the item of a round carries."""
        region = self.spec.region
        assert region is not None, "a region"
        if self.spec.emit is Emit.ERROR:
            return _failed(self.failure)
        if self.spec.emit is not Emit.VALUE:
            return flat(self.passed)
        return self.passed if region.carries is not None else item(self.passed)

    def gathered(self, yielded: Labels, held: Carried) -> Labels:
        """Return what a region gives whose rounds yield something; `held` is what a message about a failure in it may repeat."""
        region = self.spec.region
        assert region is not None, "a region"
        if region.gather == _ONLY or not region.yields:
            return yielded
        if region.gather or self.spec.emit is not Emit.VALUE:
            return flat(yielded, self.passed)
        literals = {name: value.value for name, value in self.node.params if isinstance(value, Literal)}
        if chosen(region.on_error, literals) == "collect":
            yielded = fields({"value": yielded, "error": _failed(held)})
        return items(yielded, self.passed.own)


def _failed(message: Carried) -> Labels:
    return fields({"message": whole(message)})


def result_of(of: Taken) -> Labels:
    """Return what the value of a node that owns no body carries, of what is bound to it."""
    spec, values = of.spec, of.bound.get(VALUES, NONE)
    if spec.detached or spec.sleeps or spec.awaits is not None:
        return NONE
    if spec.calls:
        return flat(*of.bound.values()) if of.called is None else of.called
    match spec.emit:
        case Emit.VALUE:
            return of.passed
        case Emit.MERGE | Emit.EITHER:
            return item(values)
        case Emit.JOIN:
            return _joined_arms(of.node, values)
        case Emit.ERROR:
            return _failed(of.failure)
        case Emit.CALL:
            return _returned(of)
        case _:
            return flat(*of.bound.values())


def _joined_arms(node: Node, values: Labels) -> Labels:
    join = node.param("join")
    how = join.value if isinstance(join, Literal) else "all"
    if how == "all":
        return values
    one = fields({"value": item(values)})
    return items(one) if how == "quorum" else one


def _returned(of: Taken) -> Labels:
    """Return what a function gives: all that it is called with, but for what its spec says is none of that."""
    if of.cleared:
        return NONE
    carried = flat(*of.given)
    if not of.spec.bare or not carried or not isinstance(of.type, ObjectType):
        return carried
    return fields({field.name: carried for field in of.type.fields if field.name not in of.spec.bare})


def words(node: Node, name: str) -> str:
    """Name what a parameter is, as a step of a way."""
    owner = node.id.rpartition("/")[0]
    match node.type:
        case _ if name == VALUES and node.type in WHOLES:
            return f"`{node.id}`"
        case _ if node.type == YIELD:
            return f"what `{owner}` yields"
        case _ if node.type == NEXT:
            return f"the next state of `{owner}`"
        case _ if node.type == CHECK:
            return f"the condition of `{owner}`"
        case _ if node.type == RETURN:
            return "the output"
        case _:
            return f"`{name}` of `{node.id}`"
