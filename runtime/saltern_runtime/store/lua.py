"""The texts of the scripts: each is made of the prelude, what it shares with others, and its own."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Final

_SHARED: Final = {
    **dict.fromkeys(("advance", "again", "fail", "lose", "open"), ("items",)),
    **dict.fromkeys(("reconcile", "replay", "rerun", "resume"), ("frontier",)),
    "take_due": ("items", "frontier"),
    **dict.fromkeys(("create", "tick"), ("runs",)),
}
"""Script → what it shares with others beside the prelude."""


@cache
def parts_of(script: str) -> tuple[tuple[str, str], ...]:
    """Return the parts that a script is made of, in their order: name and text."""
    folder = resources.files("saltern_runtime.store") / "scripts"
    names = ("prelude", "ending", "claims", *_SHARED.get(script, ()), script)
    return tuple((name, folder.joinpath(f"{name}.lua").read_text("utf-8")) for name in names)


@cache
def text_of(script: str) -> tuple[str, str]:
    """Return a whole script and its SHA-1, by which the server knows it."""
    text = "\n".join(part for _, part in parts_of(script))
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
