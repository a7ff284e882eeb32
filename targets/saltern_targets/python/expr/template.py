"""Templates as Python: f-strings."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping, Sequence
from typing import Final

from saltern_compiler import pytext
from saltern_compiler.expr.ast import Call, Const, Expr
from saltern_compiler.expr.kinds import kind
from saltern_compiler.expr.typed import Typed
from saltern_runtime.spec.param import Place
from saltern_runtime.spec.types import is_nullable
from saltern_targets.precedence import ATOM, CONDITIONAL, SUM
from saltern_targets.python.expr.code import Code, call, code
from saltern_targets.python.expr.printer import print_expression

_ESCAPES: Final[Mapping[Place, str]] = {"url": "url_encode", "slack": "slack_escape"}
"""Place of a text → the helper that makes a value a part of it."""


def print_template(parts: Sequence[str | Typed], names: Mapping[str, str], place: Place = "") -> Code:
    """Print a template as an f-string; values that are neither texts nor whole numbers go through the helper `text`.

    Where the text is a part of something, values are escaped for it.
    """
    codes = [
        Code(pytext.string(part)) if isinstance(part, str) else _placed(part, names, _begins(place, number))
        for number, part in enumerate(parts)
    ]
    if all(isinstance(part, str) for part in parts):
        return Code(pytext.string("".join(part for part in parts if isinstance(part, str))))
    if len(parts) == 1:
        return codes[0]
    written = "".join(part for part in parts if isinstance(part, str))
    quote = pytext.quote_for(written)
    both = zip(codes, parts, strict=True)
    fields = [_formatted(part, names, printed) for printed, part in both if not isinstance(part, str)]
    shown = [_field(field, quote) for field in fields]
    if None in shown:
        return code(" + ".join(printed.at(SUM) for printed in codes), SUM, *codes)
    left = iter(shown)
    inside = "".join(_literal(part, quote) if isinstance(part, str) else next(left) or "" for part in parts)
    return code(f"f{quote}{inside}{quote}", ATOM, *fields)


def print_placed(typed: Typed, names: Mapping[str, str], place: Place) -> Code:
    """Print an expression as the whole of a text, escaped for what that is a part of."""
    return _placed(typed, names, _begins(place, 0))


def _begins(place: Place, number: int) -> Place:
    """Return the place of a part of a text: what a URL begins with is a URL itself."""
    return "" if place == "url" and number == 0 else place


def _placed(typed: Typed, names: Mapping[str, str], place: Place) -> Code:
    if _is_raw(typed.expr):
        return _value(typed.parts[0], names)
    value = _value(typed, names)
    if not place or kind(typed.type) in _HARMLESS or _is_meant(typed.expr):
        return value
    return call(_ESCAPES[place], value)


def _is_raw(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.function == "raw" and expr.target is None


def _is_meant(expr: Expr) -> bool:
    """Whether a text stands in the source, or is said to be as it should, whichever of several it is."""
    if isinstance(expr, Call) and expr.function == "_?_:_":
        return all(map(_is_meant, expr.args[1:]))
    return isinstance(expr, Const) or _is_raw(expr)


_HARMLESS: Final = frozenset({"int", "uint", "double", "bool"})
"""Kinds of values whose texts no place reads as anything else."""


def _value(typed: Typed, names: Mapping[str, str]) -> Code:
    value = print_expression(typed, names)
    if kind(typed.type) == "string" and not is_nullable(typed.type):
        return value
    return call("text", value)


def _formatted(typed: Typed, names: Mapping[str, str], printed: Code) -> Code:
    """Return a value for a field of an f-string, which writes a whole number as `text` does; all else as it is printed."""
    is_int = kind(typed.type) == "int" and not is_nullable(typed.type)
    return print_expression(typed, names) if is_int else printed


def _literal(text: str, quote: str) -> str:
    return pytext.escape(text, quote).replace("{", "{{").replace("}", "}}")


def _field(value: Code, quote: str) -> str | None:
    """Write `{value}` as Python 3.11 reads it inside quotes of one kind; None where it cannot be written so."""
    inner = _quoted_unlike(value.text, quote)
    if inner is None or "\\" in inner or "#" in inner:
        return None
    if inner.startswith("{"):
        return "{ " + inner + " }"
    return "{" + (inner if value.precedence >= CONDITIONAL else f"({inner})") + "}"


def _quoted_unlike(text: str, quote: str) -> str | None:
    """Write every string in an expression with the other quotes; None where one holds such quotes itself."""
    if '"' not in text and "'" not in text:
        return text
    own = "'" if quote == '"' else '"'
    out: list[str] = []
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.STRING:
            continue
        start = token.start[1]
        body = token.string.lstrip("b")
        inner = body[1:-1]
        if "'" in inner or '"' in inner:
            return None
        prefix = token.string[: len(token.string) - len(body)]
        out += [text[end:start], prefix, own, inner, own]
        end = token.end[1]
    return "".join([*out, text[end:]])
