"""What a target is: a named, pure emitter of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from saltern_runtime.dataclass import dataclass

if TYPE_CHECKING:
    from saltern_compiler.ir.plan import Plan  # a check makes none


class OptionError(ValueError):
    """A value that an option cannot have; the message is for whoever called the compiler."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a target adds to files that no target owns alone; the driver merges all targets' contributions."""

    exports: tuple[tuple[str, str], ...] = ()
    """(submodule, name) pairs that the package's `__init__.py` exports: `("api", "router")`."""
    extras: tuple[str, ...] = ()
    """Extras of saltern-runtime that the emitted code needs: `web`, `worker`."""
    readme: str = ""
    """A section of the tree's README (Markdown, ends with a newline): how to run what was emitted."""


@dataclass(frozen=True, slots=True)
class Target:
    """A named emitter: a pure function from a plan to files, with what it contributes to shared ones."""

    name: str
    summary: str
    emit: Callable[[Plan, Mapping[str, str]], Mapping[str, bytes]]
    """`emit(plan, options)` returns path (POSIX, relative to the tree) → bytes; two targets never emit one path."""
    contribute: Callable[[Plan], Contribution] = field(default=lambda _: Contribution())
    assemble: Callable[[Plan, Contribution], Mapping[str, bytes]] | None = None
    """Writes the shared files out of what all selected targets contribute, merged in the order of their names."""
    needs: tuple[str, ...] = ()
    """Targets whose files this one's import; selected along with it."""
    options: tuple[str, ...] = ()
    """Names of the options that it takes. They say how the service is deployed, never what it does: no digest depends on them."""
