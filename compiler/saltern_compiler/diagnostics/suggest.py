"""What was probably meant: names near a misspelt one, and the words and fixes that offer them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from saltern_compiler.diagnostics.model import Edit, Fix, Origin

_SIMILARITY: Final = 0.6
_COMPARISONS: Final = 50_000
"""Names compared for one source, at most: a thousand typing errors must not take minutes."""


@dataclass(slots=True)
class Suggestions:
    """Looks for near names, as long as that is cheap."""

    comparisons: int = 0

    def nearest(self, name: str, among: Iterable[str]) -> tuple[str, ...]:
        """Return up to three names that look like a misspelt one, nearest first."""
        names = list(among)
        self.comparisons += len(names)
        return nearest(name, names) if self.comparisons <= _COMPARISONS else ()


def nearest(name: str, among: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return names that look like a misspelt one, nearest first."""
    return tuple(difflib.get_close_matches(name, list(among), n=count, cutoff=_SIMILARITY))


def closest(name: str, among: Iterable[str]) -> str:
    """Return the name that was most probably meant; empty where nothing is near."""
    return next(iter(nearest(name, sorted(among), 1)), "")


def did_you_mean(names: Iterable[str]) -> tuple[str, ...]:
    """Write the note that offers names, where there are any."""
    offered = join(names, "or")
    return (f"Did you mean {offered}?",) if offered else ()


def did_you_mean_one_of(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Write a note that offers the nearest names; where nothing is near, one that says what there is."""
    names = sorted(known)
    near = nearest(name, names)
    if near or not names:
        return did_you_mean(near)
    shown = ", ".join(f"`{one}`" for one in names[:12])
    return (f"There is {shown}{', …' if len(names) > 12 else '.'}",)


def replace_by(names: tuple[str, ...], origin: Origin) -> tuple[Fix, ...]:
    """Offer to put the nearest name in place of a misspelt one that is all that stands at a place."""
    if not names:
        return ()
    whole_json_value = origin.pointer is not None and origin.start is None
    text = json.dumps(names[0]) if whole_json_value else names[0]
    return (Fix(f"Replace by `{names[0]}`", (Edit(origin, text),)),)


def join(names: Iterable[str], word: str = "and") -> str:
    """Write names as a reader expects them: `a`, `b` and `c`; many are cut."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > 12:
        quoted = [*quoted[:10], f"{len(quoted) - 10} more"]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {word} {quoted[-1]}"
