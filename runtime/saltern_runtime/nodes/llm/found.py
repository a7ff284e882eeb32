"""The JSON objects in what a model says: around them may be prose, fences and thinking.

What would have to be guessed is left: an object that is cut off or broken is never looked into, and a broken one beside a
whole one makes both unsure. Of what is no JSON, only commas behind the last member are overlooked.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

_THINKING: Final = "think|thinking|thought|reasoning"
_STOP: Final = re.compile(
    rf"<(?P<opens>{_THINKING})>|(?P<closes></(?:{_THINKING})>)|\{{|\[(?=\s*[\[{{\"])", re.IGNORECASE
)
_CLOSES: Final = re.compile(rf"</(?:{_THINKING})>", re.IGNORECASE)
_STRING: Final = r'"(?:[^"\\]|\\.)*(?:"|\Z)'
_BRACKET: Final = re.compile(rf"{_STRING}|(?P<opens>[{{\[])|(?P<closes>[}}\]])", re.DOTALL)
_COMMA: Final = re.compile(rf"(?P<kept>{_STRING}|[{{\[]\s*,)|,(?=\s*[}}\]])", re.DOTALL)
_MOST_TRIES: Final = 20
"""Drafts that are never closed, each of which is read to the end of the text; with more, an answer that repeats itself takes minutes."""
_LIKE_AN_OBJECT: Final = re.compile(r"""\{[\s,]*(?:"|'|\w+\s*:)""")


class NoObjectError(ValueError):
    """There is none; the message says why, without a word of the answer."""


def objects(text: str) -> list[dict[str, Any]]:
    """Return the objects that stand outside of everything else, each once; raises NoObjectError."""
    found: list[dict[str, Any]] = []
    broken = False
    at = tries = 0
    while stop := _STOP.search(text, at):
        if stop["closes"]:
            # some endpoints leave out the tag that opens: all before was thinking
            found, broken, at = [], False, stop.end()
            continue
        end = _after_thinking(text, stop) if stop["opens"] else _after_brackets(text, stop.start())
        if end is None:
            tries += 1
            broken = broken or not stop["opens"] or tries == _MOST_TRIES
            closes = _CLOSES.search(text, stop.end())
            if closes is None or tries == _MOST_TRIES:
                break
            at = closes.start()
            continue
        if text[stop.start()] == "{":
            value = _parse(text[stop.start() : end])
            broken = broken or (value is None and bool(_LIKE_AN_OBJECT.match(text, stop.start())))
            if value is not None and value not in found:
                found.append(value)
        at = end
    if broken:
        raise NoObjectError("what it holds is no valid JSON")
    if not found:
        raise NoObjectError("it holds no JSON object")
    return found


def _after_thinking(text: str, opened: re.Match[str]) -> int | None:
    closes = re.compile(rf"</{opened['opens']}>", re.IGNORECASE).search(text, opened.end())
    return closes.end() if closes else None


def _after_brackets(text: str, start: int) -> int | None:
    """Return where the bracket that opens at `start` is closed; None if it is not."""
    depth = 0
    for token in _BRACKET.finditer(text, start):
        depth += bool(token["opens"]) - bool(token["closes"])
        if depth == 0:
            return token.end()
    return None


def _parse(text: str) -> dict[str, Any] | None:
    for each in (text, _COMMA.sub(lambda match: match["kept"] or "", text)):
        try:
            value: dict[str, Any] = json.loads(
                each, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
            )
        except (ValueError, RecursionError):
            continue
        return value
    return None


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Take a name that comes twice only where both say the same."""
    out: dict[str, Any] = {}
    for name, value in members:
        if name in out and out[name] != value:
            raise ValueError(name)
        out[name] = value
    return out


def _no_number(word: str) -> float:
    raise ValueError(word)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(digits)
    return value
