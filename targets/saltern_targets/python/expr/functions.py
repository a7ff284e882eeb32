"""The functions of expressions in Python."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from saltern_compiler.expr.kinds import UINT, widened
from saltern_compiler.expr.library.lists import LISTS
from saltern_compiler.expr.signatures import NUMBER, Overload, T
from saltern_runtime.spec.types import ANY, BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, ListType, Type
from saltern_targets.python.expr.operators import is_sorted_alike

_AS_IT_IS: Final = ""
_HOW: Final[Mapping[str, Mapping[tuple[Type, ...] | None, str]]] = {
    "size": {(ANY,): "@size", None: "len"},
    "string": {(STRING,): _AS_IT_IS, (INT,): "str", None: "@to_string"},
    "int": {(INT,): _AS_IT_IS, None: "@to_int"},
    "uint": {(UINT,): _AS_IT_IS, None: "@to_uint"},
    "double": {(DOUBLE,): _AS_IT_IS, (INT,): "float", None: "@to_double"},
    "bool": {(BOOL,): _AS_IT_IS, None: "@to_bool"},
    "bytes": {(BYTES,): _AS_IT_IS, None: "@to_bytes"},
    "timestamp": {(TIMESTAMP,): _AS_IT_IS, None: "@to_timestamp"},
    "duration": {(DURATION,): _AS_IT_IS, None: "@to_duration"},
    "dyn": {None: _AS_IT_IS},
    "raw": {None: _AS_IT_IS},
    "declassify": {None: _AS_IT_IS},
    "type": {None: "@type_of"},
    "reverse": {(ListType(T),): "[::-1]", None: "@reverse"},
    "math.greatest": {(NUMBER,): _AS_IT_IS, None: "@math_greatest"},
    "math.least": {(NUMBER,): _AS_IT_IS, None: "@math_least"},
    "math.isNaN": {None: "math.isnan"},
    "math.isInf": {None: "math.isinf"},
    "math.isFinite": {None: "math.isfinite"},
    "format": {None: "@format_text"},
    **{row.name: {None: f"@list_{row.name}"} for row in LISTS},
    "contains": {None: "in"},
    "startsWith": {None: ".startswith"},
    "endsWith": {None: ".endswith"},
}
"""Function → what it takes (None: anything else) → how it prints; all others are helpers of the runtime under their own names."""


_PLAIN: Final[Mapping[str, tuple[Type, str]]] = {
    "math.greatest": (INT, "max"),
    "math.least": (INT, "min"),
    "math.abs": (DOUBLE, "abs"),
    "math.bitAnd": (INT, "&"),
    "math.bitOr": (INT, "|"),
    "math.bitXor": (INT, "^"),
    "math.bitNot": (INT, "~"),
}
"""Function → a type, and how it prints where all its values are of that."""


def how(name: str, overload: Overload, types: Collection[Type] = ()) -> str:
    """Say how a call prints whose values have some types.

    `.name`: a method of the first value; `name`: a builtin; `module.name`: a function of the standard library; `@name`: a
    helper of the runtime; `[…]`: a part of the first value; `in`: the operator with its sides swapped; another sign: that
    operator; empty: the value itself.
    """
    if name == "sort" and all(isinstance(of, ListType) and is_sorted_alike(of.item) for of in types) and types:
        return "sorted"
    known = _HOW.get(name, {})
    if overload.takes in known:
        return known[overload.takes]
    if name in _PLAIN and {widened(of) for of in types} == {_PLAIN[name][0]}:
        return _PLAIN[name][1]
    return (
        known[None] if known else "@" + re.sub(r"[A-Z]", lambda upper: f"_{upper[0].lower()}", name.replace(".", "_"))
    )
