"""Names in a Content-Disposition (RFC 6266), of requests, of parts of a form, and of answers."""

from __future__ import annotations

from email.message import Message
from typing import Any


def filename_of(header: str) -> str | None:
    """Return the file's name as it came, `filename*` before `filename`; None without one. Whoever takes it cleans it."""
    return _parameter(header, "filename")


def field_of(header: str) -> str | None:
    """Return the name of a form's field; None without one."""
    return _parameter(header, "name")


def _parameter(header: str, name: str) -> str | None:
    message = Message()
    message["content-disposition"] = " ".join(header.splitlines())
    given: list[tuple[str, Any]] = message.get_params([], header="content-disposition")
    named = [value for key, value in given if key.lower() == name]
    plain = next((value for value in named if not isinstance(value, tuple)), None)
    wide = next((value for value in named if isinstance(value, tuple)), None)
    if wide is None:
        return plain
    charset, _, text = wide
    raw = str(text).encode("latin-1", "replace")
    try:
        return raw.decode(charset or "utf-8") or plain
    except (LookupError, UnicodeError):
        return raw.decode("latin-1") if plain is None else plain
