"""Places of a run: what an activation's path says. `outer[3]/inner[0]/page` is stage `outer/inner/page` in two items."""

from __future__ import annotations

import re
from typing import Final

_INDEX: Final = re.compile(r"\[\d+\]")
_ITEM: Final = re.compile(r"(.*)\[(\d+)\]/")
ANY: Final = "[*]/"
"""Stands for any item of a foreach, where a script fills in the index."""


def stage_of(path: str) -> str:
    """Return the stage of an activation's path: `summaries[17]/page` → `summaries/page`."""
    return _INDEX.sub("", path) if "[" in path else path


def scopes_of(path: str) -> tuple[str, ...]:
    """Return what stands before names, from the run's own (nothing) down to the innermost item's: `outer[3]/inner[0]/`."""
    if "]/" not in path:
        return ("",)
    parts = path.split("]/")[:-1]
    return ("", *("]/".join(parts[: depth + 1]) + "]/" for depth in range(len(parts))))


def items_of(path: str) -> tuple[tuple[str, int], ...]:
    """Return the items that an activation is in, the innermost first: each the path of its foreach, and its index."""
    matches = [_ITEM.fullmatch(scope) for scope in reversed(scopes_of(path)[1:])]
    return tuple((match[1], int(match[2])) for match in matches if match is not None)
