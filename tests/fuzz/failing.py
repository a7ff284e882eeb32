"""What a text breaks, told apart by where it breaks, and the smallest text that breaks the same."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Final, TypeAlias

from tests.fuzz.properties import TARGETS

Failure: TypeAlias = tuple[str, ...]
"""The name of what was raised, and the innermost places of ours that it went through."""
_FRAMES: Final = 3
_TRIES: Final = 600
"""Texts that are tried for a smaller one, at most."""


def failure(target: str, text: str) -> Failure | None:
    """Give a text to a target; None where all that should hold of it does."""
    try:
        TARGETS[target](text)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        frames = [
            each
            for each in traceback.extract_tb(error.__traceback__)
            if "saltern" in each.filename or "fuzz" in each.filename
        ]
        return type(error).__name__, *(f"{Path(each.filename).name}:{each.lineno}" for each in frames[-_FRAMES:])
    return None


def smallest(target: str, text: str, of: Failure) -> str:
    """Cut pieces out of a text, halves first, single characters last, as long as it breaks the same."""
    tries = 0
    size = max(1, len(text) // 2)
    while tries < _TRIES:
        at, before = 0, len(text)
        while at < len(text) and tries < _TRIES:
            less = text[:at] + text[at + size :]
            tries += 1
            if failure(target, less) == of:
                text = less
            else:
                at += size
        if size == 1 and len(text) == before:
            return text
        size = max(1, size // 2)
    return text
