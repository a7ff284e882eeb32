"""The types of values: what ports carry, what expressions have, what JSON Schemas say.

One small algebra of frozen values. `show` prints a type as the Saltern language writes it; `to_schema` and
`from_schema` translate to and from JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final, Literal, TypeAlias

from saltern_runtime.dataclass import dataclass

Label: TypeAlias = Literal["personal", "secret"]
"""What a field may be marked as: about a person, or known to few. What is made of it is the same."""
LABELS: Final[tuple[Label, ...]] = ("personal", "secret")

Json: TypeAlias = Any
"""A JSON value as the standard library reads it: None, bool, int, float, str, list, dict with string keys."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parts; `any` is the dynamic type, checked when the value is used."""

    name: str


@dataclass(frozen=True, slots=True)
class LiteralType:
    """The type of exactly one string, bool or int: a member of an enumeration."""

    value: str | int | bool

    def __hash__(self) -> int:
        """Keep `1` and `True` apart."""
        return hash((type(self.value).__name__, self.value))

    def __eq__(self, other: object) -> bool:
        """Keep `1` and `True` apart."""
        return isinstance(other, LiteralType) and type(self.value) is type(other.value) and self.value == other.value


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of values of one type."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapType:
    """String keys, values of one type."""

    value: Type


@dataclass(frozen=True, slots=True)
class Field:
    """A named part of an object; one that is not required may be absent, which differs from null."""

    name: str
    type: Type
    required: bool = True
    personal: bool = False
    doc: str = ""
    secret: bool = False
    place: tuple[str | int, ...] = field(default=(), compare=False, repr=False)
    """Where it was read: keys that lead to it in its schema, or the characters of its name, start and end. Empty where that is not known."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """What it is marked as, in the order of `LABELS`."""
        return tuple(label for label, marked in zip(LABELS, (self.personal, self.secret), strict=True) if marked)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """Named fields, sorted by name; `open` objects may carry further fields that no expression can name."""

    fields: tuple[Field, ...]
    open: bool = False

    def field(self, name: str) -> Field | None:
        """Return the field of that name, if any."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class FileType(ObjectType):
    """The type of a file: an object whose fields can be read, but which nothing written down is; use `FILE`."""


@dataclass(frozen=True, slots=True)
class UnionType:
    """One of several types; build it with `union`, which keeps the members flat, unique and sorted."""

    members: tuple[Type, ...]


Type: TypeAlias = Primitive | LiteralType | ListType | MapType | ObjectType | UnionType

ANY: Final = Primitive("any")
NULL: Final = Primitive("null")
BOOL: Final = Primitive("bool")
INT: Final = Primitive("int")
DOUBLE: Final = Primitive("double")
STRING: Final = Primitive("string")
BYTES: Final = Primitive("bytes")
TIMESTAMP: Final = Primitive("timestamp")
DURATION: Final = Primitive("duration")

FILE: Final = FileType(
    (Field("media_type", STRING), Field("name", STRING), Field("sha256", STRING), Field("size", INT))
)
"""Name, media type, size in bytes and digest of a file; its bytes are where files are kept."""

NAMED: Final[Mapping[str, Type]] = {
    **{p.name: p for p in (ANY, NULL, BOOL, INT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)},
    "file": FILE,
}
"""Types that are written as one word."""


def obj(fields: Mapping[str, Type | Field], *, open: bool = False) -> ObjectType:  # noqa: A002 - the JSON word for it
    """Make an object type from name → type (required) or name → Field."""
    members = [f if isinstance(f, Field) else Field(name, f) for name, f in fields.items()]
    return ObjectType(tuple(sorted(members, key=lambda f: f.name)), open=open)


def union(*types: Type) -> Type:
    """Join types into the smallest equal one: flat, without repeats, sorted; `any` swallows all."""
    flat: list[Type] = []
    for member in types:
        flat.extend(member.members if isinstance(member, UnionType) else (member,))
    if ANY in flat:
        return ANY
    unique = {show(member): member for member in flat}
    for literal, whole in ((str, STRING), (bool, BOOL), (int, INT)):
        if show(whole) in unique:
            unique = {k: m for k, m in unique.items() if not (isinstance(m, LiteralType) and type(m.value) is literal)}
    members = tuple(unique[key] for key in sorted(unique, key=lambda k: (k == "null", k)))
    return members[0] if len(members) == 1 else UnionType(members)


def optional(of: Type) -> Type:
    """`T?`: the type or null."""
    return union(of, NULL)


def without_null(of: Type) -> Type:
    """Return the type with null taken out; `null` alone stays."""
    if not isinstance(of, UnionType):
        return of
    return union(*(m for m in of.members if m != NULL))


def is_nullable(of: Type) -> bool:
    """Whether null is a value of the type (`any` counts)."""
    return of in (NULL, ANY) or (isinstance(of, UnionType) and NULL in of.members)


Places: TypeAlias = tuple[tuple[str | None, ...], ...]
"""Places in JSON values: the keys that lead to each, None for any item or key."""


def marked(of: Type, label: Label) -> Places:
    """Return where values of a type have a label, the outermost places alone."""
    match of:
        case ListType(item=inner) | MapType(value=inner):
            return tuple((None, *place) for place in marked(inner, label))
        case ObjectType(fields=fields):
            inside = ((each.name, [()] if label in each.labels else marked(each.type, label)) for each in fields)
            return tuple((name, *place) for name, places in inside for place in places)
        case UnionType(members=members):
            return tuple(dict.fromkeys(place for member in members for place in marked(member, label)))
        case _:
            return ()


_IDENTIFIER_REST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def quote(text: str) -> str:
    """Write a string literal of the Saltern language (JSON's escapes)."""
    import json  # noqa: PLC0415 - keeps the import of the algebra light

    return json.dumps(text, ensure_ascii=False)


def show_name(name: str) -> str:
    """Write a field name, quoted where it is not an identifier."""
    plain = bool(name) and not name[0].isdigit() and all(c in _IDENTIFIER_REST for c in name)
    return name if plain else quote(name)


def show(of: Type) -> str:
    """Write a type as the Saltern language does: `{ category: "bug" | "other", urgency: int? }`."""
    match of:
        case Primitive(name=name):
            return name
        case LiteralType(value=bool() as value):
            return "true" if value else "false"
        case LiteralType(value=str() as value):
            return quote(value)
        case LiteralType(value=value):
            return str(value)
        case ListType(item=item):
            return f"list<{show(item)}>"
        case MapType(value=value):
            return f"map<{show(value)}>"
        case FileType():
            return "file"
        case ObjectType():
            return _show_object(of)
        case UnionType(members=members):
            return _show_union(members)


def _show_object(of: ObjectType) -> str:
    parts = [
        f"{show_name(f.name)}{'' if f.required else '?'}: {show(f.type)}{''.join(f' @{label}' for label in f.labels)}"
        for f in of.fields
    ]
    if of.open:
        parts.append("...")
    return "{ " + ", ".join(parts) + " }" if parts else "{}"


def _show_union(members: Sequence[Type]) -> str:
    rest = [m for m in members if m != NULL]
    if len(rest) == len(members):
        return " | ".join(show(m) for m in members)
    if len(rest) == 1:
        return f"{show(rest[0])}?"
    return " | ".join([*(show(m) for m in rest), "null"])
