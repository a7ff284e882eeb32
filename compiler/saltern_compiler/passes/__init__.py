"""From what was read to what can be emitted: checks, normal form, plan."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saltern_compiler.passes.analyze import Analyzed, analyze

if TYPE_CHECKING:
    from saltern_compiler.passes.planning.plan import make_plan
    from saltern_compiler.passes.planning.receipts import receipts

__all__ = ["Analyzed", "analyze", "make_plan", "receipts"]
_PLANNING = {"make_plan": "plan", "receipts": "receipts"}


def __getattr__(name: str) -> Any:
    """Import what plans where it is asked for: a check makes no plan."""
    if name not in _PLANNING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.planning.{_PLANNING[name]}"), name)
