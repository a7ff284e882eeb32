"""Regular expressions: RE2's, as CEL has them. Their time is linear in the text, whoever wrote the pattern."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import re2

from saltern_runtime.expr.bounds import room
from saltern_runtime.expr.errors import ExprError

_REFERENCE: Final = re.compile(r"\\(.?)", re.DOTALL)


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """Return a pattern that is ready to be used; raises `ExprError` for one that is none."""
    try:
        return re2.compile(_whole(pattern), _options())
    except re2.error as error:
        said = b" ".join(error.args).decode("utf-8", "replace")
        raise ExprError("invalid-argument", f"{_short(pattern)} is no regular expression: {said}") from None


def _short(pattern: str) -> str:
    shown = ascii(pattern)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _whole(text: str) -> str:
    """Return a text that has UTF-8, which is what RE2 reads."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ExprError("invalid-argument", "the text has half of a character in it") from None
    return text


def matches(value: str, pattern: str) -> bool:
    """Whether a pattern matches anywhere in a text."""
    return compiled(pattern).search(_whole(value)) is not None


def regex_extract(value: str, pattern: str) -> str | None:
    """Return the first match of a pattern, or what its one group matched there; null where there is none."""
    group = _group(pattern)
    found = compiled(pattern).search(_whole(value))
    part: str | None = None if found is None else found.group(group)
    return part


def regex_extract_all(value: str, pattern: str) -> list[str]:
    """Return every match of a pattern, or what its one group matched there."""
    group = _group(pattern)
    parts: list[str] = []
    for found in compiled(pattern).finditer(_whole(value)):
        part = found.group(group)
        if part is not None:
            parts.append(part)
            room(len(parts), items=True)
    return parts


def _group(pattern: str) -> int:
    groups: int = compiled(pattern).groups
    if groups > 1:
        raise ExprError("invalid-argument", f"{_short(pattern)} has {groups} groups: one may be extracted at most")
    return groups


def regex_replace(value: str, pattern: str, replacement: str, limit: int = -1) -> str:
    r"""Replace the matches of a pattern, at most `limit` of them (negative: all); `\1` is what a group matched, `\0` all."""
    parts = _parts(replacement, compiled(pattern).groups)
    pieces: list[str] = []
    end = length = 0
    for count, found in enumerate(compiled(pattern).finditer(_whole(value))):
        if count == limit:
            break
        made = "".join(part if isinstance(part, str) else found.group(part) or "" for part in parts)
        length += found.start() - end + len(made)
        room(length)
        pieces += [value[end : found.start()], made]
        end = found.end()
    room(length + len(value) - end)
    return "".join([*pieces, value[end:]])


def _parts(replacement: str, groups: int) -> list[str | int]:
    """Split a replacement into texts and numbers of groups."""
    parts: list[str | int] = []
    end = 0
    for match in _REFERENCE.finditer(replacement):
        parts.append(replacement[end : match.start()])
        end = match.end()
        escaped = match.group(1)
        if escaped == "\\":
            parts.append("\\")
        elif not escaped.isdecimal() or not escaped.isascii():
            raise ExprError("invalid-argument", f"{match.group()!a} in a replacement is neither a group nor `\\\\`")
        elif int(escaped) > groups:
            raise ExprError("invalid-argument", f"the pattern has no group {escaped}")
        else:
            parts.append(int(escaped))
    return [*parts, replacement[end:]]
