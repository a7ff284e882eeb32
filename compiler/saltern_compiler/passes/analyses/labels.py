"""Labels of values, part by part: from where each came, and on which way.

What a value carries is a tree: labels of the whole, of fields that are known by name, and of whatever else is inside. A way is kept
for each source, the shortest one that was met, so that a finding can show it step by step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final, TypeAlias

from saltern_compiler.diagnostics.model import Origin
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec import Label, ListType, MapType, ObjectType, Type, UnionType
from saltern_runtime.spec.types import Places

MOST: Final = 400
"""Places of one value that labels are told apart for; a larger one has the labels of all its parts as a whole."""


@dataclass(frozen=True, slots=True)
class Source:
    """What has a label by itself: a field that is marked, or all that a connection gives."""

    label: Label
    name: str
    """As expressions name it: `input.email`."""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """Where something passes."""

    text: str
    """In words: "`text` of `greeting`"."""
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How a label came to a place: a linked list, the last step first."""

    source: Source
    last: Step | None = None
    before: Way | None = None
    length: int = 0

    def on(self, step: Step) -> Way:
        """Return the way with one step more."""
        return Way(self.source, step, self, self.length + 1)

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, the first one first."""
        found: list[Step] = []
        way: Way | None = self
        while way is not None and way.last is not None:
            found.append(way.last)
            way = way.before
        return tuple(reversed(found))


Carried: TypeAlias = Mapping[Source, Way]
_NOTHING: Final[Mapping[object, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a value carries; make one with `whole`, `fields`, `items` and `joined`."""

    own: Carried = field(default_factory=dict)
    """Of the whole, and so of every part."""
    parts: Mapping[str, Labels] = field(default_factory=dict)
    """Field → what it carries beside that."""
    each: Labels | None = None
    """What items, and fields whose names are not known, carry beside that."""
    size: int = 1

    def __bool__(self) -> bool:
        """Whether it carries anything."""
        return bool(self.own or self.parts or self.each)


NONE: Final = Labels()


def _made(own: Carried, parts: Mapping[str, Labels], each: Labels | None) -> Labels:
    parts = {name: part for name, part in parts.items() if part}
    each = each or None
    if not (own or parts or each):
        return NONE
    size = 1 + sum(part.size for part in parts.values()) + (each.size if each else 0)
    made = Labels(own, parts, each, size)
    return made if size <= MOST else Labels(everything(made))


def whole(carried: Carried) -> Labels:
    """Return a value that carries all of it as a whole."""
    return Labels(carried) if carried else NONE


def fields(parts: Mapping[str, Labels]) -> Labels:
    """Return an object of fields."""
    return _made({}, parts, None)


def items(each: Labels, own: Carried | None = None) -> Labels:
    """Return a list, or a map, of values that carry something; `own` is what its length tells."""
    return _made(own or {}, {}, each)


def _shorter(*carried: Carried) -> Carried:
    found: dict[Source, Way] = {}
    for each in carried:
        for source, way in each.items():
            known = found.get(source)
            if known is None or way.length < known.length:
                found[source] = way
    return found


def everything(of: Labels) -> Carried:
    """Return what a value carries anywhere."""
    if not of:
        return {}
    inside = [everything(part) for part in of.parts.values()]
    return _shorter(of.own, *inside, everything(of.each) if of.each else {})


def flat(*values: Labels) -> Labels:
    """Return what is made of values: it carries as a whole what any part of them does."""
    return whole(_shorter(*map(everything, values)))


def joined(*values: Labels) -> Labels:
    """Return what is one of several values, or has parts of them."""
    given = [value for value in values if value]
    if len(given) < 2:
        return given[0] if given else NONE
    names = dict.fromkeys(name for value in given for name in value.parts)
    parts = {name: joined(*(value.parts.get(name, NONE) for value in given)) for name in names}
    each = joined(*(value.each or NONE for value in given))
    return _made(_shorter(*(value.own for value in given)), parts, each)


def part(of: Labels, name: str) -> Labels:
    """Return what a field carries."""
    return joined(whole(of.own), of.parts.get(name, NONE), of.each or NONE)


def item(of: Labels) -> Labels:
    """Return what an item carries, or a field of any name."""
    return joined(whole(of.own), of.each or NONE, *of.parts.values())


def stepped(of: Labels, step: Step) -> Labels:
    """Return the labels of a value that passes somewhere."""
    if not of:
        return NONE
    own = {source: way.on(step) for source, way in of.own.items()}
    parts = {name: stepped(value, step) for name, value in of.parts.items()}
    return Labels(own, parts, stepped(of.each, step) if of.each else None, of.size)


def alike(one: Labels, other: Labels) -> bool:
    """Whether two values carry the same, whatever the ways."""
    if not (one or other):
        return True
    if one.own.keys() != other.own.keys() or one.parts.keys() != other.parts.keys():
        return False
    inner = all(alike(value, other.parts[name]) for name, value in one.parts.items())
    return inner and alike(one.each or NONE, other.each or NONE)


def declared(of: Type, name: str, origin: Origin, *, is_elsewhere: bool = False) -> Labels:
    """Return what values of a type carry by themselves: the labels of its fields.

    `name` is what expressions know a value by; `is_elsewhere`: the type stands in another source than `origin`.
    """

    def inner(of: Type, name: str) -> Labels:
        return declared(of, name, origin, is_elsewhere=is_elsewhere)

    match of:
        case ObjectType(fields=members):
            parts = {}
            for member in members:
                called = f"{name}.{member.name}"
                place = origin if is_elsewhere else _place(member.place, origin)
                own = {source: Way(source) for source in (Source(label, called, place) for label in member.labels)}
                parts[member.name] = joined(whole(own), inner(member.type, called))
            return fields(parts)
        case ListType(item=one) | MapType(value=one):
            return items(inner(one, f"{name}[]"))
        case UnionType(members=kinds):
            return joined(*(inner(kind, name) for kind in kinds))
        case _:
            return NONE


def is_marked(of: Type) -> bool:
    """Whether a field of a type has a label."""
    match of:
        case ObjectType(fields=members):
            return any(member.labels or is_marked(member.type) for member in members)
        case ListType(item=inner) | MapType(value=inner):
            return is_marked(inner)
        case UnionType(members=kinds):
            return any(map(is_marked, kinds))
        case _:
            return False


def _place(place: tuple[str | int, ...], origin: Origin) -> Origin:
    """Return where a field stands whose type is read at a place."""
    if not place:
        return origin
    if origin.pointer is not None:
        return origin.child(*place)
    start, end = place
    return Origin(None, start, end) if isinstance(start, int) and isinstance(end, int) else origin


def places_of(of: Labels, label: Label) -> Places:
    """Return where a value carries a label, the outermost places alone."""
    if any(source.label == label for source in of.own):
        return ((),)
    parts = [(name, *rest) for name, part in sorted(of.parts.items()) for rest in places_of(part, label)]
    return (*parts, *((None, *rest) for rest in (places_of(of.each, label) if of.each else ())))


def by_label(of: Labels) -> Iterator[tuple[Label, tuple[Way, ...]]]:
    """Yield each label that a value carries anywhere, with the ways of all its sources, the shortest first."""
    found = everything(of)
    for label in sorted({source.label for source in found}):
        ways: Iterable[Way] = (way for source, way in found.items() if source.label == label)
        yield label, tuple(sorted(ways, key=lambda way: (way.length, way.source.name)))
