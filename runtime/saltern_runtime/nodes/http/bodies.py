"""What the bytes of an answer say: JSON as its value, other text as a string."""

from __future__ import annotations

import re
from typing import Final

from saltern_runtime.jsontext import JsonTextError, read_json
from saltern_runtime.nodes.charsets import charset_in, decoded, has_mark
from saltern_runtime.spec import Json

_JSON: Final = re.compile(r"(application|text)/json|.*\+json")
_TEXT: Final = re.compile(r"text/.*|.*(json|xml|yaml|csv|script|urlencoded)")
_PAGE: Final = re.compile(r".*(html|xml)|")


class BodyError(Exception):
    """A body is not what its type says; `code` is a short stable word."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def value_of(content: bytes, content_type: str) -> Json:
    """Return what a body says, None for an empty one; raises BodyError."""
    if not content:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    text = _decoded(content, kind, charset_in(content_type))
    if text is None:
        raise BodyError(f'{kind or "bytes"}, which is no text: take it as a file (`as: "file"`)', "not-text")
    return _parsed(text) if _JSON.fullmatch(kind) else text


def _decoded(content: bytes, kind: str, charset: str) -> str | None:
    """Read text by the first sign that explains all of it; with replacements where none does but it is called text."""
    is_text = bool(charset or _TEXT.fullmatch(kind) or has_mark(content))
    text = decoded(
        content,
        charset=charset,
        is_json=_JSON.fullmatch(kind) is not None,
        is_page=_PAGE.fullmatch(kind) is not None,
        guess=is_text or not kind,
    )
    return content.decode(errors="replace").removeprefix("\ufeff") if text is None and is_text else text


def _parsed(text: str) -> Json:
    try:
        return read_json(text)
    except JsonTextError as error:
        raise BodyError(f"a body that {error}", "not-json") from error
