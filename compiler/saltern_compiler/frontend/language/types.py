"""Types as the language writes them: the half of the builder that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from saltern_compiler.diagnostics.model import Diagnostic, Edit, Fix, Origin
from saltern_compiler.diagnostics.suggest import did_you_mean, nearest, replace_by, there_are
from saltern_compiler.expr.ast import Const, Span
from saltern_compiler.expr.lalr import Token
from saltern_compiler.expr.parse import ExprBuilder
from saltern_runtime.integers import INT_MAX, INT_MIN
from saltern_runtime.spec import (
    ANY,
    NULL,
    Field,
    ListType,
    LiteralType,
    MapType,
    ObjectType,
    Type,
    obj,
    optional,
    union,
)
from saltern_runtime.spec.types import LABELS, NAMED

_GENERIC: Final[Mapping[str, type[ListType | MapType]]] = {"list": ListType, "map": MapType}
_OTHER_WORDS: Final = {
    "str": "string", "text": "string", "integer": "int", "number": "double", "float": "double", "boolean": "bool",
    "array": "list", "object": "map", "dict": "map", "json": "any", "datetime": "timestamp", "date": "timestamp",
}  # fmt: skip


def token_span(token: Token) -> Span:
    """Return the place of a token."""
    return token.start_pos, token.end_pos


def place(span: Span) -> Origin:
    """Return the place in the source that a span of it is."""
    return Origin(None, *span)


class TypeBuilder(ExprBuilder):
    """Makes types; `findings` collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.findings: list[Diagnostic] = []

    def type(self, _span: Span, parts: Sequence[Type]) -> Type:
        return union(*parts)

    def type_member(self, _span: Span, parts: Sequence[Any]) -> Type:
        of: Type = parts[0]
        return optional(of) if len(parts) > 1 else of

    def named_type(self, span: Span, parts: Sequence[Any]) -> Type:
        name, argument = parts
        if name in NAMED:
            if argument is not None:
                self.complain("syntax-error", f"`{name}` takes no type of its own", span)
            return NAMED[name]
        if name in _GENERIC:
            if argument is None:
                note = f"Write `{name}<any>` for {'items' if name == 'list' else 'values'} of any type."
                self.complain("syntax-error", f"`{name}` is not said of what", span, note)
            return _GENERIC[name](ANY if argument is None else argument)
        self._unknown_type(name)
        return ANY

    def _unknown_type(self, name: Token) -> None:
        known = (*NAMED, *_GENERIC)
        other = _OTHER_WORDS.get(name.lower())
        near = (other,) if other is not None else nearest(name.lower(), known)
        at = place(token_span(name))
        fixes = replace_by([name for name in near[:1] if name not in _GENERIC], at)
        notes = (*did_you_mean(near), *there_are((*known, "{ … }")), "A literal is a type of its own.")
        self.findings.append(Diagnostic("unknown-type", f"there is no type `{name}`", at, notes=notes, fixes=fixes))

    def type_literal(self, span: Span, parts: Sequence[Token]) -> Type:
        value = self.constant(span, parts)
        return NULL if value is None else LiteralType(value)

    def constant(self, span: Span, parts: Sequence[Token]) -> str | int | bool | None:
        """Read a literal that may stand as a type or a case: a string, an integer, true, false or null."""
        constant = self.literal(span, parts[-1:])
        assert isinstance(constant, Const)
        value = constant.value
        assert value is None or isinstance(value, str | int)
        if isinstance(value, int) and len(parts) > 1:
            value = -value
        if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
            self.complain("number-out-of-range", "the number does not fit an int", span)
        return value

    def object_type(self, _span: Span, parts: Sequence[Any]) -> ObjectType:
        fields, is_open = parts[0] or ((), False)
        return obj({field.name: field for field in fields}, open=is_open)

    def fields(self, _span: Span, parts: Sequence[Any]) -> tuple[tuple[Field, ...], bool]:
        members: dict[str, Field] = {}
        for field, name, _ in (part for part in parts if isinstance(part, tuple)):
            if field.name in members:
                self.complain("duplicate-key", f"the field `{field.name}` is declared twice", name)
            members.setdefault(field.name, field)
        self.check_commas([part if isinstance(part, Token) else part[2] for part in parts])
        return tuple(members.values()), any(isinstance(part, Token) and part.type == "ELLIPSIS" for part in parts)

    def field(self, span: Span, parts: Sequence[Any]) -> tuple[Field, Span, Span]:
        name: Token = parts[0]
        required = not (isinstance(parts[1], Token) and parts[1].type == "QUESTION")
        of, *annotations = parts[1 if required else 2 :]
        text = str(name) if name.type == "IDENT" else str(self._text(name))
        doc = next((value for word, value in annotations if word == "doc"), "")
        words = {word for word, _ in annotations}
        field = Field(text, of, required, "personal" in words, doc, secret="secret" in words, place=token_span(name))
        return field, token_span(name), span

    def annotation(self, span: Span, parts: Sequence[Any]) -> tuple[str, str]:
        word, argument = parts
        known: dict[str, bool] = {**dict.fromkeys(LABELS, False), "doc": True}
        if word not in known:
            near, at = nearest(word, known), place(token_span(word))
            usage = 'A field may be `@personal` or `@secret`, and say what it is by `@doc("…")`.'
            notes = (*did_you_mean(f"@{name}" for name in near), usage)
            fixes = replace_by(near, at)
            message = f"there is no annotation `@{word}`"
            self.findings.append(Diagnostic("unknown-annotation", message, at, notes=notes, fixes=fixes))
        elif known[word] != (argument is not None):
            usage = '@doc("…")' if known[word] else f"@{word}"
            self.complain("syntax-error", f"the annotation is written `{usage}`", span)
        return str(word), "" if argument is None else str(self._text(argument))

    def check_commas(self, parts: Sequence[Token | Span]) -> None:
        """Ask for a comma between two parts that stand on one line."""
        before: Span | None = None
        for part in parts:
            if isinstance(part, Token) and part.type == "COMMA":
                before = None
                continue
            span = token_span(part) if isinstance(part, Token) else part
            if before and "\n" not in self.text[before[1] : span[0]]:
                fix = Fix("Put a comma between them", (Edit(place((before[1], before[1])), ","),))
                notes = ("Entries are separated by commas or by line ends.",)
                message = "a comma is missing between two entries of one line"
                at = place((before[1], span[0]))
                self.findings.append(Diagnostic("missing-comma", message, at, notes=notes, fixes=(fix,)))
            before = span

    def complain(self, code: str, message: str, span: Span, *notes: str) -> None:
        """Collect a finding."""
        self.findings.append(Diagnostic(code, message, place(span), notes=notes))
