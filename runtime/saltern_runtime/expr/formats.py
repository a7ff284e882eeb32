"""Texts made by clauses, and quoted: `format` and `strings.quote` of CEL's extension of strings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from saltern_runtime.dataclass import dataclass
from saltern_runtime.expr.bounds import fitting
from saltern_runtime.expr.errors import ExprError
from saltern_runtime.expr.values import TypeName, is_model, members, to_string, type_name

MAX_PRECISION: Final = 1000
"""Digits after the point at most."""
_DIGITS: Final = 6
"""After the point, where a clause names no number of them."""
_CLAUSE: Final = re.compile(r"%(?:\.(\d+))?(.?)", re.ASCII | re.DOTALL)
_ESCAPES: Final[Mapping[int, str]] = str.maketrans(
    {
        "\a": "\\a",
        "\b": "\\b",
        "\f": "\\f",
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\v": "\\v",
        "\\": "\\\\",
        '"': '\\"',
    }
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a format that a value takes the place of: `%.2f`. Offsets are those of the format."""

    letter: str
    precision: int
    start: int
    end: int


def clauses(form: str) -> Iterator[Clause]:
    """Yield the clauses of a format, `%%` among them; raises `ExprError` at one that is none."""
    for match in _CLAUSE.finditer(form):
        digits, letter = match.groups()
        if letter not in _WRITERS and (letter != "%" or digits is not None):
            raise ExprError("invalid-argument", f"{match.group()!a} is no clause of a format: there are {CLAUSES}")
        precision = int(digits[:9]) if digits else _DIGITS
        if precision > MAX_PRECISION:
            raise ExprError("invalid-argument", f"{precision} digits after the point are over {MAX_PRECISION}")
        yield Clause(letter, precision, *match.span())


def format_text(form: str, values: Sequence[Any]) -> str:
    """Put values in the place of the clauses of a format: `%s`, `%d`, `%.2f`, `%e`, `%x`, `%X`, `%o`, `%b`; `%%` is one `%`."""
    parts: list[str] = []
    end = used = 0
    for clause in clauses(form):
        parts.append(form[end : clause.start])
        end = clause.end
        if clause.letter == "%":
            parts.append("%")
            continue
        if used == len(values):
            raise ExprError("out-of-range", f"the format wants more than {len(values)} values")
        parts.append(_WRITERS[clause.letter](values[used], clause))
        used += 1
    return fitting("".join([*parts, form[end:]]))


def strings_quote(value: str) -> str:
    """Return a text in double quotes, with escapes for what cannot stand there as it is."""
    safe = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return fitting(f'"{safe.translate(_ESCAPES)}"')


def _refused(value: object, clause: Clause) -> ExprError:
    return ExprError("no-overload", f"%{clause.letter} does not take {type_name(value)}")


def _special(value: object) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _decimal(value: Any, clause: Clause) -> str:
    special = _special(value)
    if special is not None:
        return special
    if not _is_whole(value):
        raise _refused(value, clause)
    return str(int(value))


def _fixed(value: Any, clause: Clause) -> str:
    special = _special(value)
    if special is not None:
        return special
    if not _is_whole(value) and not isinstance(value, float):
        raise _refused(value, clause)
    return f"{float(value):.{clause.precision}{clause.letter}}"


def _in_base(value: Any, clause: Clause) -> str:
    whole = int(value) if clause.letter == "b" and isinstance(value, bool) else value
    if not _is_whole(whole):
        raise _refused(value, clause)
    return f"{int(whole):{clause.letter}}"


def _hexadecimal(value: Any, clause: Clause) -> str:
    if isinstance(value, str) and not isinstance(value, TypeName):
        value = value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return value.hex() if clause.letter == "x" else value.hex().upper()
    return _in_base(value, clause)


def _string(value: Any, _clause: Clause) -> str:
    return _shown(value)


def _shown(value: Any) -> str:
    special = _special(value)
    if special is not None:
        return special
    if value is None:
        return "null"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, Mapping) or is_model(value):
        whole = members(value) if is_model(value) else value
        pairs = sorted((_shown(key), _shown(item)) for key, item in whole.items())
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    return str(value) if isinstance(value, TypeName) else to_string(value)


_WRITERS: Final[Mapping[str, Callable[[Any, Clause], str]]] = {
    "s": _string, "d": _decimal, "f": _fixed, "e": _fixed, "x": _hexadecimal, "X": _hexadecimal, "o": _in_base, "b": _in_base,
}  # fmt: skip
CLAUSES: Final = ", ".join(f"%{letter}" for letter in (*_WRITERS, "%"))
"""The clauses that there are."""
