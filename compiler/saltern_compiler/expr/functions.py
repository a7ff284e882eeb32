"""The functions of expressions: what they take, what they give, what they are in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saltern_compiler.expr.kinds import ANY, BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, UINT
from saltern_runtime.spec.types import ListType, MapType, Primitive, Type


@dataclass(frozen=True, slots=True)
class Overload:
    """One signature. A receiver is the first of `takes`.

    `python` says how it prints: `.name` a method of the first value, `name` a builtin, `@name` a helper of the runtime,
    `in` the operator with its sides swapped, empty the value itself.
    """

    takes: tuple[Type, ...]
    gives: Type
    python: str
    fails: bool = False


VALUE: Final = Primitive("value")
"""In a signature: whatever its type; `any` stands for dynamic values alone."""
LIST: Final = ListType(ANY)
MAP: Final = MapType(ANY)


def _getters(*names: str) -> dict[str, tuple[Overload, ...]]:
    return {name: tuple(_getter(name)) for name in names}


def _getter(name: str) -> list[Overload]:
    helper = "@" + "".join("_" + char.lower() if char.isupper() else char for char in name)
    made = [Overload((TIMESTAMP,), INT, helper), Overload((TIMESTAMP, STRING), INT, helper, fails=True)]
    if name in ("getHours", "getMinutes", "getSeconds", "getMilliseconds"):
        made.append(Overload((DURATION,), INT, helper))
    return made


_SIZE: Final = (
    *(Overload((of,), INT, "len") for of in (STRING, BYTES, LIST, MAP)),
    Overload((ANY,), INT, "@size", fails=True),
)

FUNCTIONS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "size": _SIZE,
    "string": (
        Overload((STRING,), STRING, ""),
        Overload((INT,), STRING, "str"),
        *(Overload((of,), STRING, "@to_string") for of in (BOOL, UINT, DOUBLE, TIMESTAMP, DURATION)),
        Overload((BYTES,), STRING, "@to_string", fails=True),
        Overload((ANY,), STRING, "@to_string", fails=True),
    ),
    "int": (
        Overload((INT,), INT, ""),
        *(Overload((of,), INT, "@to_int", fails=True) for of in (STRING, UINT, DOUBLE, TIMESTAMP, ANY)),
    ),
    "uint": (
        Overload((UINT,), UINT, ""),
        *(Overload((of,), UINT, "@to_uint", fails=True) for of in (STRING, INT, DOUBLE, ANY)),
    ),
    "double": (
        Overload((DOUBLE,), DOUBLE, ""),
        Overload((INT,), DOUBLE, "float"),
        *(Overload((of,), DOUBLE, "@to_double", fails=True) for of in (STRING, UINT, ANY)),
    ),
    "bool": (Overload((BOOL,), BOOL, ""), *(Overload((of,), BOOL, "@to_bool", fails=True) for of in (STRING, ANY))),
    "bytes": (
        Overload((BYTES,), BYTES, ""),
        *(Overload((of,), BYTES, "@to_bytes", fails=True) for of in (STRING, ANY)),
    ),
    "timestamp": (
        Overload((TIMESTAMP,), TIMESTAMP, ""),
        *(Overload((of,), TIMESTAMP, "@to_timestamp", fails=True) for of in (STRING, INT, ANY)),
    ),
    "duration": (
        Overload((DURATION,), DURATION, ""),
        *(Overload((of,), DURATION, "@to_duration", fails=True) for of in (STRING, ANY)),
    ),
    "dyn": (Overload((VALUE,), ANY, ""),),
    "type": (Overload((VALUE,), ANY, "@type_of"),),
    "matches": (Overload((STRING, STRING), BOOL, "@matches", fails=True),),
}
"""Functions by name, in the order in which overloads are tried."""

_STRINGS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "charAt": (Overload((STRING, INT), STRING, "@char_at", fails=True),),
    "indexOf": (
        Overload((STRING, STRING), INT, "@index_of"),
        Overload((STRING, STRING, INT), INT, "@index_of", fails=True),
    ),
    "lastIndexOf": (
        Overload((STRING, STRING), INT, "@last_index_of"),
        Overload((STRING, STRING, INT), INT, "@last_index_of", fails=True),
    ),
    "lowerAscii": (Overload((STRING,), STRING, "@lower_ascii"),),
    "upperAscii": (Overload((STRING,), STRING, "@upper_ascii"),),
    "replace": (
        Overload((STRING, STRING, STRING), STRING, ".replace"),
        Overload((STRING, STRING, STRING, INT), STRING, "@replace"),
    ),
    "split": (
        Overload((STRING, STRING), ListType(STRING), "@split"),
        Overload((STRING, STRING, INT), ListType(STRING), "@split"),
    ),
    "substring": (
        Overload((STRING, INT), STRING, "@substring", fails=True),
        Overload((STRING, INT, INT), STRING, "@substring", fails=True),
    ),
    "trim": (Overload((STRING,), STRING, "@trim"),),
    "join": (
        Overload((LIST,), STRING, "@join", fails=True),
        Overload((LIST, STRING), STRING, "@join", fails=True),
    ),
    "reverse": (Overload((STRING,), STRING, "@reverse"),),
}
"""CEL's string extension."""

METHODS: Final[Mapping[str, tuple[Overload, ...]]] = {
    "size": _SIZE,
    "contains": (Overload((STRING, STRING), BOOL, "in"),),
    "startsWith": (Overload((STRING, STRING), BOOL, ".startswith"),),
    "endsWith": (Overload((STRING, STRING), BOOL, ".endswith"),),
    "matches": (Overload((STRING, STRING), BOOL, "@matches", fails=True),),
    **_STRINGS,
    **_getters(
        "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
        "getSeconds", "getMilliseconds",
    ),
}  # fmt: skip
"""Methods by name; the receiver is the first value."""

MACROS: Final = ("all", "exists", "exists_one", "filter", "map")
TYPE_NAMES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
"""Names that stand for types, where nothing else has them."""
