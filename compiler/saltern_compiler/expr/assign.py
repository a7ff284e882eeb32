"""Whether a value of one type may go where another is wanted, and where the two part if not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from saltern_compiler.expr.kinds import UINT, widen
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.types import (
    ANY,
    DOUBLE,
    INT,
    NULL,
    Field,
    FileType,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Type,
    UnionType,
    show,
    without_null,
)


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two types part. `path` leads there from the value: field names, `[]` for items of a list or values of a map."""

    path: tuple[str, ...]
    source: Type
    target: Type
    reason: str

    def under(self, step: str) -> Parting:
        """Return the same parting, seen from one level above."""
        return replace(self, path=(step, *self.path))

    def place(self) -> str:
        """Write the path as expressions do: `items[].title`; empty at the value itself."""
        return "".join(step if step == "[]" else f".{step}" for step in self.path).removeprefix(".")


def assignable(source: Type, target: Type) -> Parting | None:  # noqa: C901 - one case a pair of kinds
    """Return None if every value of `source` may go where `target` is wanted, else the first place where they part.

    `any` goes both ways (it is checked when the value is used), int goes to double.
    """
    if source == target or ANY in (source, target):
        return None
    if isinstance(source, UnionType):
        return _first(_part_of_member(member, source, target) for member in source.members)
    if isinstance(target, UnionType):
        return _to_union(source, target)
    match source, target:
        case LiteralType(), LiteralType():
            return Parting((), source, target, f"it is {show(source)}, not {show(target)}")
        case LiteralType(), _:
            return None if assignable(widen(source), target) is None else _differ(source, target)
        case ListType(item=item), ListType(item=wanted):
            return _under("[]", assignable(item, wanted))
        case MapType(value=value), MapType(value=wanted):
            return _under("[]", assignable(value, wanted))
        case _, FileType():
            return _differ(source, target)
        case ObjectType(fields=fields), MapType(value=wanted):
            return _first(_under(field.name, assignable(field.type, wanted)) for field in fields)
        case ObjectType(), ObjectType():
            return _objects(source, target)
    if source == INT and target == DOUBLE:
        return None
    return _differ(source, target)


def _differ(source: Type, target: Type) -> Parting:
    if source == NULL:
        return Parting((), source, target, "it may be null")
    if source == UINT:
        return Parting((), source, target, "unsigned integers stay inside expressions; convert with int(…)")
    return Parting((), source, target, f"{show(source)} is not {show(target)}")


def _part_of_member(member: Type, whole: UnionType, target: Type) -> Parting | None:
    mismatch = assignable(member, target)
    return replace(mismatch, source=whole) if mismatch is not None and not mismatch.path else mismatch


def _to_union(source: Type, target: UnionType) -> Parting | None:
    mismatches = [assignable(source, member) for member in target.members]
    if None in mismatches:
        return None
    rest = without_null(target)
    if not isinstance(rest, UnionType):
        return assignable(source, rest)
    deepest = max(
        (mismatch for mismatch in mismatches if mismatch is not None), key=lambda mismatch: len(mismatch.path)
    )
    return deepest if deepest.path else Parting((), source, target, f"{show(source)} is none of {show(target)}")


def _objects(source: ObjectType, target: ObjectType) -> Parting | None:
    return _first([*(_field(source, wanted) for wanted in target.fields), _surplus(source, target)])


def _field(source: ObjectType, wanted: Field) -> Parting | None:
    own = source.field(wanted.name)
    if own is None:
        return Parting((wanted.name,), source, wanted.type, "the field is missing") if wanted.required else None
    if wanted.required and not own.required:
        return Parting((wanted.name,), own.type, wanted.type, "the field may be absent")
    return _under(wanted.name, assignable(own.type, wanted.type))


def _surplus(source: ObjectType, target: ObjectType) -> Parting | None:
    if target.open:
        return None
    extra = next((field for field in source.fields if target.field(field.name) is None), None)
    if extra is not None:
        return Parting((extra.name,), extra.type, target, "no such field is wanted")
    return Parting((), source, target, "it may carry further fields, which are not wanted") if source.open else None


def _under(step: str, parting: Parting | None) -> Parting | None:
    return None if parting is None else parting.under(step)


def _first(partings: Iterable[Parting | None]) -> Parting | None:
    return next((parting for parting in partings if parting is not None), None)
