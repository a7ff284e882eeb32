"""Types in Python: annotations, attributes, and values on their way from one type to another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from saltern_compiler import pytext
from saltern_compiler.expr.kinds import Record, has_models, kind, widen
from saltern_compiler.pynames import HARD_KEYWORDS
from saltern_runtime.spec.types import (
    ANY,
    DOUBLE,
    NULL,
    Field,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Primitive,
    Type,
    UnionType,
    is_nullable,
    without_null,
)
from saltern_targets.precedence import ATOM, OR
from saltern_targets.python.expr.code import Code, call, code

Classes = Mapping[Type, str]
"""The Python class of each object type."""

_NO_CLASSES: Final[Classes] = {}
_TAKEN: Final = frozenset(
    [
        "bool",
        "bytes",
        "dict",
        "float",
        "int",
        "list",
        "str",
        "datetime",
        "timedelta",
        "Any",
        "Bool",
        "Double",
        "Exact",
        "File",
        "Int",
        "Literal",
        "Maybe",
        "None",
        "True",
        "False",
        "construct",
        "copy",
        "from_orm",
        "json",
        "parse_file",
        "parse_obj",
        "parse_raw",
        "schema",
        "schema_json",
        "update_forward_refs",
        "validate",
        "to_json",
        "model_computed_fields",
        "model_config",
        "model_construct",
        "model_copy",
        "model_dump",
        "model_dump_json",
        "model_extra",
        "model_fields",
        "model_fields_set",
        "model_json_schema",
        "model_parametrized_name",
        "model_post_init",
        "model_rebuild",
        "model_validate",
        "model_validate_json",
        "model_validate_strings",
    ]
)
"""What a field of a model cannot be called: names that annotations use, and pydantic's own."""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@cache
def attributes(of: ObjectType) -> Mapping[str, str]:
    """Return the attribute of a model for each field; the JSON name where Python allows it."""
    names: dict[str, str] = {}
    for field in sorted(of.fields, key=lambda field: (not _is_plain(field.name), field.name)):
        taken = _TAKEN.union(names.values())
        names[field.name] = field.name if _is_plain(field.name) else pytext.identifier(field.name, taken)
    return dict(sorted(names.items()))


def _is_plain(name: str) -> bool:
    return bool(_PLAIN.match(name)) and name not in HARD_KEYWORDS and name not in _TAKEN


_PRIMITIVES: Final[Mapping[str, str]] = {
    "null": "None", "bool": "bool", "int": "int", "double": "float", "string": "str", "bytes": "bytes", "uint": "int",
}  # fmt: skip
_TIMES: Final[Mapping[str, str]] = {"timestamp": "datetime", "duration": "timedelta"}


def annotation(of: Type, classes: Classes = _NO_CLASSES) -> Code:
    """Write a type as a Python annotation; an object type without a class is `dict[str, Any]`."""
    match of:
        case Primitive(name=name) if name in _PRIMITIVES:
            return Code(_PRIMITIVES[name])
        case Primitive(name=name) if name in _TIMES:
            return code(_TIMES[name], ATOM, name=("datetime", _TIMES[name]))
        case Primitive():
            return code("Any", ATOM, name=("typing", "Any"))
        case LiteralType(value=value):
            return code(f"Literal[{pytext.literal(value)}]", ATOM, name=("typing", "Literal"))
        case ListType(item=item):
            inner = annotation(item, classes)
            return code(f"list[{inner.text}]", ATOM, inner)
        case MapType(value=held):
            inner = annotation(held, classes)
            return code(f"dict[str, {inner.text}]", ATOM, inner)
        case ObjectType():
            own = None if isinstance(of, Record) else classes.get(of)
            return Code(own) if own is not None else annotation(MapType(ANY))
        case UnionType(members=members):
            return _union_annotation(members, classes)


def _union_annotation(members: tuple[Type, ...], classes: Classes) -> Code:
    literals = [member for member in members if isinstance(member, LiteralType)]
    parts: list[Code] = []
    if literals:
        values = ", ".join(pytext.literal(member.value) for member in literals)
        parts.append(code(f"Literal[{values}]", ATOM, name=("typing", "Literal")))
    parts += [
        annotation(member, classes) for member in members if not isinstance(member, LiteralType) and member != NULL
    ]
    if NULL in members:
        parts.append(Code("None"))
    unique = list({part.text: part for part in parts}.values())
    return code(" | ".join(part.text for part in unique), OR if len(unique) > 1 else ATOM, *unique)


def coerce(value: Code, source: Type, target: Type, classes: Classes = _NO_CLASSES) -> Code:
    """Pass a value where another type is wanted; the source is assignable to the target.

    Dynamic values are checked when the code runs (`expect(x, str)`), models become plain JSON where JSON is wanted, int
    becomes float. Without a class for an object type its values stay dicts.
    """
    if fits(source, target, classes):
        return value
    if target == ANY:
        return call("plain", value)
    if target == DOUBLE and kind(source) == "int" and not is_nullable(source):
        constant = re.fullmatch(r"-?\d+", value.text)
        return Code(f"{value.text}.0", value.precedence) if constant else call("float", value, helper=False)
    if value.text == "[]" or (source == NULL and value.text == "None"):
        return value
    return _checked(value, target, classes)


def fits(source: Type, target: Type, classes: Classes = _NO_CLASSES) -> bool:
    """Whether a Python value of one type is, as it stands, one of another."""
    if source == target:
        return True
    match source, target:
        case _, Primitive(name="any"):
            return not has_models(source)
        case UnionType(members=members), _:
            return all(fits(member, target, classes) for member in members)
        case _, UnionType(members=members):
            return any(fits(source, member, classes) for member in members)
        case LiteralType(), _:
            return fits(widen(source), target, classes)
        case (ListType(item=item), ListType(item=wanted)) | (MapType(value=item), MapType(value=wanted)):
            return fits(item, wanted, classes)
        case Record(fields=fields), MapType(value=wanted):
            return all(fits(field.type, wanted, classes) for field in fields)
        case Record(), ObjectType():
            return target not in classes and _same_fields(source, target, classes)
        case _:
            return False


def _same_fields(source: ObjectType, target: ObjectType, classes: Classes) -> bool:
    def same(field: Field) -> bool:
        wanted = target.field(field.name)
        return wanted is not None and fits(field.type, wanted.type, classes)

    return all(same(field) for field in source.fields)


def _checked(value: Code, target: Type, classes: Classes) -> Code:
    rest = without_null(target)
    if not isinstance(rest, UnionType) and not isinstance(rest, LiteralType):
        wanted = annotation(rest, classes)
        return call("expect" if rest == target else "expect_optional", value, wanted)
    members = target.members if isinstance(target, UnionType) else (target,)
    if all(isinstance(member, LiteralType) or member == NULL for member in members):
        options = [
            Code(pytext.literal(member.value if isinstance(member, LiteralType) else None)) for member in members
        ]
        return call("one_of", value, *options)
    kinds = [
        annotation(member, classes) for member in members if not isinstance(member, LiteralType) and member != NULL
    ]
    if NULL in members:
        kinds.append(Code("type(None)"))
    if any(isinstance(member, LiteralType) for member in members):
        return call("plain", value)
    return call("expect_any", value, *kinds)


__all__ = ["Classes", "annotation", "attributes", "coerce", "fits"]
