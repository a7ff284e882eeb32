"""The functions of expressions: what they take and what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from saltern_compiler.expr.kinds import ANY, BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT
from saltern_runtime.spec.types import ListType, MapType, Primitive, Type, optional


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature. A receiver is the first of `takes`."""

    takes: tuple[Type, ...]
    gives: Type | Callable[[Sequence[Type]], Type]
    """Fixed, or made of the types of what it takes."""
    fails: bool = False


VALUE: Final = Primitive("value")
"""In a signature: whatever its type; `any` stands for dynamic values alone."""
LIST: Final = ListType(ANY)
MAP: Final = MapType(ANY)


def _getters(*names: str) -> dict[str, tuple[Overload, ...]]:
    return {name: tuple(_getter(name)) for name in names}


def _getter(name: str) -> list[Overload]:
    overloads = [Overload((TIMESTAMP,), INT), Overload((TIMESTAMP, STRING), INT, fails=True)]
    if name in ("getHours", "getMinutes", "getSeconds", "getMilliseconds"):
        overloads.append(Overload((DURATION,), INT))
    return overloads


_SIZE: Final = (
    *(Overload((of,), INT) for of in (STRING, BYTES, LIST, MAP)),
    Overload((ANY,), INT, fails=True),
)

FUNCTIONS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "size": _SIZE,
    "string": (
        Overload((STRING,), STRING),
        Overload((INT,), STRING),
        *(Overload((of,), STRING) for of in (BOOL, UINT, DOUBLE, TIMESTAMP, DURATION)),
        Overload((BYTES,), STRING, fails=True),
        Overload((ANY,), STRING, fails=True),
    ),
    "int": (
        Overload((INT,), INT),
        *(Overload((of,), INT, fails=True) for of in (STRING, UINT, DOUBLE, TIMESTAMP, ANY)),
    ),
    "uint": (
        Overload((UINT,), UINT),
        *(Overload((of,), UINT, fails=True) for of in (STRING, INT, DOUBLE, ANY)),
    ),
    "double": (
        Overload((DOUBLE,), DOUBLE),
        Overload((INT,), DOUBLE),
        *(Overload((of,), DOUBLE, fails=True) for of in (STRING, UINT, ANY)),
    ),
    "bool": (Overload((BOOL,), BOOL), *(Overload((of,), BOOL, fails=True) for of in (STRING, ANY))),
    "bytes": (
        Overload((BYTES,), BYTES),
        *(Overload((of,), BYTES, fails=True) for of in (STRING, ANY)),
    ),
    "timestamp": (
        Overload((TIMESTAMP,), TIMESTAMP),
        *(Overload((of,), TIMESTAMP, fails=True) for of in (STRING, INT, ANY)),
    ),
    "duration": (
        Overload((DURATION,), DURATION),
        *(Overload((of,), DURATION, fails=True) for of in (STRING, ANY)),
    ),
    "dyn": (Overload((VALUE,), ANY),),
    "type": (Overload((VALUE,), ANY),),
    "matches": (Overload((STRING, STRING), BOOL, fails=True),),
}
"""Functions by name, in the order in which overloads are tried."""

_STRINGS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "charAt": (Overload((STRING, INT), STRING, fails=True),),
    "indexOf": (
        Overload((STRING, STRING), INT),
        Overload((STRING, STRING, INT), INT, fails=True),
    ),
    "lastIndexOf": (
        Overload((STRING, STRING), INT),
        Overload((STRING, STRING, INT), INT, fails=True),
    ),
    "lowerAscii": (Overload((STRING,), STRING),),
    "upperAscii": (Overload((STRING,), STRING),),
    "replace": (
        Overload((STRING, STRING, STRING), STRING),
        Overload((STRING, STRING, STRING, INT), STRING),
    ),
    "split": (
        Overload((STRING, STRING), ListType(STRING)),
        Overload((STRING, STRING, INT), ListType(STRING)),
    ),
    "substring": (
        Overload((STRING, INT), STRING, fails=True),
        Overload((STRING, INT, INT), STRING, fails=True),
    ),
    "trim": (Overload((STRING,), STRING),),
    "join": (
        Overload((LIST,), STRING, fails=True),
        Overload((LIST, STRING), STRING, fails=True),
    ),
    "reverse": (
        Overload((STRING,), STRING),
        Overload((LIST,), lambda types: types[0]),
        Overload((ANY,), ANY, fails=True),
    ),
}
"""CEL's string extension."""


def _same(types: Sequence[Type]) -> Type:
    return types[0] if isinstance(types[0], ListType) else LIST


def _item(types: Sequence[Type]) -> Type:
    return types[0].item if isinstance(types[0], ListType) else ANY


def _item_or_null(types: Sequence[Type]) -> Type:
    return optional(_item(types))


def _flat(types: Sequence[Type]) -> Type:
    item = _item(types)
    return item if isinstance(item, ListType) else LIST


def _number(types: Sequence[Type]) -> Type:
    return item if (item := _item(types)) in (INT, DOUBLE, UINT, DURATION) else ANY


LISTS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "distinct": (Overload((LIST,), _same),),
    "flatten": (Overload((LIST,), _flat),),
    "sort": (Overload((LIST,), _same, fails=True),),
    "slice": (Overload((LIST, INT, INT), _same, fails=True),),
    "first": (Overload((LIST,), _item_or_null),),
    "last": (Overload((LIST,), _item_or_null),),
    "sum": (Overload((LIST,), _number, fails=True),),
    "min": (Overload((LIST,), _item, fails=True),),
    "max": (Overload((LIST,), _item, fails=True),),
}
"""CEL's extension of lists, with `first` and `last` giving null for an empty one; `sum`, `min` and `max` are ours."""

METHODS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "size": _SIZE,
    "contains": (Overload((STRING, STRING), BOOL),),
    "startsWith": (Overload((STRING, STRING), BOOL),),
    "endsWith": (Overload((STRING, STRING), BOOL),),
    "matches": (Overload((STRING, STRING), BOOL, fails=True),),
    **_STRINGS,
    **LISTS,
    **_getters(
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
        "getSeconds", "getMilliseconds",
    ),
}  # fmt: skip
"""Methods by name; the receiver is the first value."""

MACROS: Final = ("all", "exists", "exists_one", "filter", "map")
TYPE_NAMES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
"""Names that stand for types, where nothing else has them."""
