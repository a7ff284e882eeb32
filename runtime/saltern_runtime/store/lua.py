"""The scripts as one library of functions: what they share stands once, and before each its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

SHARED: Final = ("prelude", "lines", "groups", "ending", "claims", "items", "frontier", "runs")
"""What stands before all scripts, each behind what it needs."""
_BESIDE: Final = {
    **dict.fromkeys(("advance", "again", "fail", "lose", "open"), ("items",)),
    **dict.fromkeys(("reconcile", "replay", "rerun", "resume"), ("frontier",)),
    "take_due": ("items", "frontier"),
    **dict.fromkeys(("create", "tick"), ("runs",)),
}
"""Script → what it is made of beside the first five, where it is."""


@cache
def parts_of(script: str) -> tuple[tuple[str, str], ...]:
    """Return the parts that a script is made of, in their order: name and text."""
    return tuple((name, _read(name)) for name in (*SHARED[:5], *_BESIDE.get(script, ()), script))


@cache
def _read(name: str) -> str:
    return (resources.files("saltern_runtime.store") / "scripts" / f"{name}.lua").read_text("utf-8")


class Library:
    """The functions of some scripts. Names say what they are of, so that runtimes of several versions use one server side by side."""

    def __init__(self, scripts: Iterable[str]) -> None:
        shared = "\n".join(map(_read, SHARED))
        own = {script: _read(script) for script in sorted(scripts)}
        digest = hashlib.sha256("\0".join([shared, *own, *own.values()]).encode()).hexdigest()[:12]
        self.name = f"saltern_{digest}"
        made = [f"#!lua name={self.name}", shared]
        for script, text in own.items():
            made += [
                f"redis.register_function('{self.function(script)}', function(KEYS, ARGV)",
                "enter(KEYS, ARGV)",
                text,
                "end)",
            ]
        self.text = "\n".join(made)

    def function(self, script: str) -> str:
        """Return the name of a script's function."""
        return f"{self.name}_{script}"
