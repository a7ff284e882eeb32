"""The functions of expressions in Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from saltern_compiler.expr.kinds import UINT
from saltern_compiler.expr.library.lists import LISTS
from saltern_compiler.expr.signatures import Overload, T
from saltern_runtime.spec.types import ANY, BOOL, BYTES, DOUBLE, DURATION, INT, STRING, TIMESTAMP, ListType, Type

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
    "type": {None: "@type_of"},
    "reverse": {(ListType(T),): "[::-1]", None: "@reverse"},
    "replace": {(STRING, STRING, STRING): ".replace", None: "@replace"},
    **{row.name: {None: f"@list_{row.name}"} for row in LISTS},
    "contains": {None: "in"},
    "startsWith": {None: ".startswith"},
    "endsWith": {None: ".endswith"},
}
"""Function → what it takes (None: anything else) → how it prints; all others are helpers of the runtime under their own names."""


def how(name: str, overload: Overload) -> str:
    """Say how a call prints.

    `.name`: a method of the first value; `name`: a builtin; `@name`: a helper of the runtime; `[…]`: a part of the
    first value; `in`: the operator with its sides swapped; empty: the value itself.
    """
    if name not in _HOW:
        return "@" + re.sub(r"[A-Z]", lambda upper: f"_{upper[0].lower()}", name)
    known = _HOW[name]
    return known.get(overload.takes, known[None])
