"""What nodes take from outside while a run waits, and answer to a request: what a change of one is for callers."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.diff import types
from saltern_compiler.diff.model import Change, Grade, between, worst
from saltern_compiler.diff.side import Side
from saltern_compiler.ir.pipeline import Node
from saltern_compiler.ir.values import Expression, ListValue, Literal, ObjectValue, Template, Value
from saltern_compiler.passes.values import type_of
from saltern_runtime.spec import (
    ANY,
    INT,
    NULL,
    STRING,
    ListType,
    LiteralType,
    NodeType,
    ObjectType,
    Type,
    obj,
    show,
    union,
)

_FIELDS = "fields"


def of_rename(side: Side, node: Node) -> tuple[Grade, str]:
    """Grade another id of a node: those who answer name the node."""
    if _awaits(side.spec(node)):
        return Grade.BREAKING, "answers are given to a node by its id"
    return Grade.COSMETIC, ""


def of_gone(old: Side, new: Side, node: Node) -> tuple[Grade, str]:
    """Grade a node that is gone."""
    spec = old.spec(node)
    if _awaits(spec):
        return Grade.BREAKING, "who answers it finds nothing"
    return _of_response(old, new, spec)


def of_new(old: Side, new: Side, node: Node) -> tuple[Grade, str]:
    """Grade a node that is new."""
    return _of_response(old, new, new.spec(node))


def _of_response(old: Side, new: Side, spec: NodeType | None) -> tuple[Grade, str]:
    if spec is not None and spec.responds and _answers(old) and _answers(new):
        return Grade.BREAKING, "the webhook gets another answer"
    return Grade.SAFE, ""


def _awaits(spec: NodeType | None) -> bool:
    return spec is not None and spec.awaits is not None


def _answers(side: Side) -> bool:
    """Whether a trigger waits for what a run answers."""
    return any(trigger.setting("respond") is not None for trigger in side.pipeline.triggers)


def of_answer(old: Side, new: Side, before: Node, after: Node) -> Iterator[Change]:
    """Yield what differs in what a node takes from outside, or answers; its parameters are compared elsewhere."""
    spec, other = old.spec(before), new.spec(after)
    if spec is None or other is None:
        return
    if spec.awaits is not None and other.awaits is not None:
        yield from _of_choices(spec, other, before, after)
        ours, theirs = _asked(old, spec, before), _asked(new, other, after)
        if ours is None or theirs is None:
            if ours != theirs:
                yield _answer(after, "fields", ours, theirs)
            return
        for each in types.differences(ours, theirs, "in"):
            yield Change(
                each.kind, "node", after.id, f"answer {each.path}".rstrip(), each.old, each.new, each.grade, each.why
            )
    elif spec.responds and other.responds and _answers(old) and _answers(new):
        yield from _of_what_is_said(old, new, before, after)


def _answer(node: Node, part: str, old: Type | None, new: Type | None) -> Change:
    grade = Grade.SAFE if old is None else Grade.BREAKING
    why = "" if old is None else "who fills it in is refused"
    shown = [None if each is None else show(each) for each in (old, new)]
    return between("node", node.id, f"answer {part}", shown[0], shown[1], grade, why)


def _asked(side: Side, spec: NodeType, node: Node) -> Type | None:
    """Return the type of what is answered; of a decision that of its fields, None without any."""
    of = side.analyzed.types.of.get(node.id, ANY)
    assert spec.awaits is not None, "asked for those that wait for an answer"
    if spec.awaits.choices is None:
        return of
    fields = of.field(_FIELDS) if isinstance(of, ObjectType) else None
    return None if fields is None else fields.type


def _of_choices(spec: NodeType, other: NodeType, before: Node, after: Node) -> Iterator[Change]:
    ours, theirs = _choices(spec, before), _choices(other, after)
    for choice in sorted(ours - theirs):
        yield Change(
            "removed", "node", after.id, "choice", choice, None, Grade.BREAKING, "who decides for it is refused"
        )
    for choice in sorted(theirs - ours):
        yield Change("added", "node", after.id, "choice", None, choice)


def _choices(spec: NodeType, node: Node) -> frozenset[str]:
    assert spec.awaits is not None, "asked of what waits for an answer"
    param = spec.awaits.choices
    if param is None:
        return frozenset()
    given = node.param(param.name)
    value = given.value if isinstance(given, Literal) else param.default
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _of_what_is_said(old: Side, new: Side, before: Node, after: Node) -> Iterator[Change]:
    said = [_said(side, node) for side, node in ((old, before), (new, after))]
    found = list(types.differences(said[0], said[1], "out"))
    if found:
        why = "; ".join(dict.fromkeys(each.why for each in found if each.why))
        yield between(
            "node", after.id, "answers", show(said[0]), show(said[1]), worst(each.grade for each in found), why
        )


def _said(side: Side, node: Node) -> Type:
    """Return the type of an answer: its status, the names of its headers, its body."""
    typed = side.analyzed.types.nodes.get(node.id, node)
    status, headers, body = (typed.param(name) for name in ("status", "headers", "body"))
    code = (
        status.value
        if isinstance(status, Literal) and isinstance(status.value, int)
        else 200
        if status is None
        else None
    )
    return obj(
        {
            "status": INT if code is None else LiteralType(code),
            "headers": obj({}) if headers is None else _type(headers),
            "body": NULL if body is None else _type(body),
        }
    )


def _type(value: Value) -> Type:
    match value:
        case Literal(value=literal):
            return type_of(literal)
        case Expression(typed=typed) if typed is not None:
            return typed.type
        case Template():
            return STRING
        case ObjectValue(fields=fields):
            return obj({name: _type(part) for name, part in fields})
        case ListValue(items=items):
            return ListType(union(*map(_type, items)))
        case _:
            return ANY
