"""A piece of Python and what it needs."""

from __future__ import annotations

from collections.abc import Iterable

from saltern_runtime.dataclass import dataclass
from saltern_targets.precedence import ATOM


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression on one line."""

    text: str
    precedence: int = ATOM
    """How tightly its outermost operator binds: `LAMBDA` (loosest) to `ATOM`."""
    helpers: frozenset[str] = frozenset()
    """Names to import from `saltern_runtime.expr`."""
    imports: frozenset[tuple[str, str]] = frozenset()
    """Other names to import, as (module, name)."""

    def at(self, precedence: int) -> str:
        """Return the text for a place that wants at least this precedence, in parentheses where it must be."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def code(text: str, precedence: int, *parts: Code, helper: str = "", name: tuple[str, str] | None = None) -> Code:
    """Make a piece out of parts, keeping what they need."""
    helpers = frozenset[str]().union(*(part.helpers for part in parts), [helper] if helper else [])
    imports = frozenset[tuple[str, str]]().union(*(part.imports for part in parts), [name] if name else [])
    return Code(text, precedence, helpers, imports)


def call(function: str, *args: Code, helper: bool = True) -> Code:
    """Call a helper of the runtime, or a builtin."""
    return code(f"{function}({listed(args)})", ATOM, *args, helper=function if helper else "")


def listed(parts: Iterable[Code]) -> str:
    """Write arguments."""
    return ", ".join(part.text for part in parts)
