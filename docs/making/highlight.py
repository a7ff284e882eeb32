"""The language in colours: words only, since pages have fragments that no grammar would take."""

from __future__ import annotations

from html import escape
from typing import Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import RegexLexer, bygroups, include, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Text

_SECTIONS: Final = ("pipeline", "description", "settings", "input", "output", "secret", "connection", "on", "use")
_STATEMENTS: Final = (
    "if", "else", "switch", "foreach", "in", "while", "return", "yield", "next", "after", "join", "when", "any", "all",
    "at", "most", "error", "limit", "within", "do", "type", "try", "catch", "parallel", "call", "with", "compensate",
)  # fmt: skip
_TYPES: Final = (
    "any", "null", "bool", "int", "double", "string", "bytes", "timestamp", "duration", "list", "map",
)  # fmt: skip


class SalternLexer(RegexLexer):
    """Words of the language, for the colours of a theme."""

    name = "Saltern"
    tokens = {  # noqa: RUF012 - the base class declares it so
        "root": [
            (r"`", String.Backtick, "template"),
            (r"[{}]", Punctuation),
            include("expression"),
        ],
        "expression": [
            (r"#[^\n]*", Comment.Single),
            (r"\s+", Text),
            (r"@\w+", Name.Decorator),
            (r'"(?:[^"\\\n]|\\.)*"', String.Double),
            (r"'(?:[^'\\\n]|\\.)*'", String.Single),
            (r"[0-9]+(?:\.[0-9]+)?(?:ms|[smhd])\b", Number),
            (r"[0-9]+(?:\.[0-9]+)?", Number),
            (r"(?:true|false|null)\b", Keyword.Constant),
            (r"(\w+)(\??)(\s*)(:)", bygroups(Name.Attribute, Operator, Text, Operator)),
            (r"(\w+)(\s*)(=)(?![=>])", bygroups(Name.Variable, Text, Operator)),
            (r"(?<== )\w+(?:\.\w+)+(?=\s*[({])", Name.Function),
            (words(_SECTIONS, prefix=r"^", suffix=r"\b"), Keyword.Namespace),
            (words(_STATEMENTS, prefix=r"(?<![\w.])", suffix=r"\b(?!\s*[.,)\]])"), Keyword),
            (words(_TYPES, prefix=r"(?<![\w.])", suffix=r"\b(?=\s*[?,}<>|\n)])"), Keyword.Type),
            (r"\w+", Name),
            (r"=>|[-+*/%=<>!&|?:.]+", Operator),
            (r"[\[\](),]", Punctuation),
            (r".", Text),
        ],
        "template": [
            (r"`", String.Backtick, "#pop"),
            (r"\{\{", String.Interpol, "inside"),
            (r"[^`{\\]+|\\.|\{", String.Backtick),
        ],
        "inside": [(r"\}\}", String.Interpol, "#pop"), include("expression")],
    }


def as_html(text: str, title: str = "") -> str:
    """Return a block of the language as HTML, in the classes that themes colour."""
    code = highlight(text, SalternLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
    name = f'<span class="filename">{escape(title)}</span>' if title else ""
    return f'<div class="language-saltern highlight">{name}<pre><span></span><code>{code}\n</code></pre></div>'
