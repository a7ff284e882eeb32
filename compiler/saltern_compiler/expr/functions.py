"""The functions of expressions: one table, of which calls are typed, printed and documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saltern_compiler.expr.library.core import CONVERSIONS, TEXTS, TIME_PARTS
from saltern_compiler.expr.library.encoders import ENCODERS
from saltern_compiler.expr.library.lists import LISTS, SETS
from saltern_compiler.expr.library.macros import MACRO_ROWS
from saltern_compiler.expr.library.maths import MATHS
from saltern_compiler.expr.library.regex import REGEX
from saltern_compiler.expr.library.strings import STRINGS
from saltern_compiler.expr.library.times import TIMES
from saltern_compiler.expr.signatures import Function, MacroRow, Overload, table

LIBRARY: Final[tuple[Function, ...]] = (
    *CONVERSIONS,
    *MATHS,
    *ENCODERS,
    *SETS,
    *REGEX,
    *TEXTS,
    *STRINGS,
    *LISTS,
    *TIMES,
    *TIME_PARTS,
)
"""Every function and method; their signatures stand in the order in which they are tried."""

FUNCTIONS: Final[Mapping[str, tuple[Overload, ...]]] = table(LIBRARY, methods=False)
"""Functions by name; those of a library with its name before them: `math.abs`."""
METHODS: Final[Mapping[str, tuple[Overload, ...]]] = table(LIBRARY, methods=True)
"""Methods by name; the receiver is the first value."""
MACROS: Final[Mapping[str, MacroRow]] = {row.name: row for row in MACRO_ROWS}
NAMESPACES: Final = frozenset(name.split(".")[0] for name in (*FUNCTIONS, *MACROS) if "." in name)
"""Names of libraries. A node may have one too: only what calls a function of the library is read as such."""

TYPE_NAMES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
"""Names that stand for types, where nothing else has them."""
