"""What services that Saltern compiled stand on. Names load when first used, so that reading a spec stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saltern_runtime.version import __version__, require

if TYPE_CHECKING:
    from saltern_runtime.files import File
    from saltern_runtime.graph import (
        SKIPPED,
        Ask,
        Awaits,
        Calls,
        Carries,
        Connection,
        Context,
        Elided,
        Graph,
        Node,
        On,
        Opens,
        Responds,
        RunInfo,
        Schedule,
        Skipped,
        Sleeps,
        Stage,
        Starts,
        node,
    )
    from saltern_runtime.spec import Assumes, Concurrency, Limits, Retry

_HOME = dict.fromkeys(
    (
        *(
            "SKIPPED",
            "Ask",
            "Awaits",
            "Calls",
            "Carries",
            "Connection",
            "Context",
            "Elided",
            "Graph",
            "Node",
            "On",
            "Opens",
            "Responds",
            "RunInfo",
            "Schedule",
            "Skipped",
            "Sleeps",
        ),
        *("Stage", "Starts", "node"),
    ),
    "saltern_runtime.graph",
) | {
    "Assumes": "saltern_runtime.spec",
    "Concurrency": "saltern_runtime.spec",
    "File": "saltern_runtime.files",
    "Limits": "saltern_runtime.spec",
    "Retry": "saltern_runtime.spec",
}

__all__ = [
    "SKIPPED", "Ask", "Assumes", "Awaits", "Calls", "Carries", "Concurrency", "Connection", "Context", "Elided", "File", "Graph", "Limits", "Node", "On", "Opens", "Responds", "Retry",
    "RunInfo", "Schedule", "Skipped", "Sleeps", "Stage", "Starts", "__version__", "node", "require",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
