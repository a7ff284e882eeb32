"""Names in a Content-Disposition (RFC 6266), of requests, of parts of a form, and of answers."""

from __future__ import annotations

import contextlib
from email.message import Message
from typing import Any, Final

LONGEST: Final = 2000
"""Characters of a header that is read: parameters of longer ones take time that grows with their square."""
_CHARSETS: Final = frozenset({"", "utf-8", "us-ascii", "iso-8859-1"})
"""What RFC 8187 knows, and what is sent all the same."""


def filename_of(header: str) -> str | None:
    """Return the file's name as it came, `filename*` before `filename`; None without one. Whoever takes it cleans it."""
    return _parameter(header, "filename")


def field_of(header: str) -> str | None:
    """Return the name of a form's field; None without one."""
    return _parameter(header, "name")


def _parameter(header: str, name: str) -> str | None:
    if len(header) > LONGEST:
        return None
    message = Message()
    message["content-disposition"] = " ".join(header.splitlines())
    try:
        given: list[tuple[str, Any]] = message.get_params([], header="content-disposition")
    except ValueError:  # a number that no part of a parameter has
        return None
    named = [value for key, value in given if key.lower() == name]
    plain = next((value for value in named if not isinstance(value, tuple)), None)
    wide = next((value for value in named if isinstance(value, tuple)), None)
    if wide is None:
        return plain
    charset, _, text = wide
    raw = str(text).encode("latin-1", "replace")
    with contextlib.suppress(UnicodeError):
        if (charset or "").lower() in _CHARSETS:
            return raw.decode(charset or "utf-8") or plain
    return raw.decode("latin-1") if plain is None else plain
