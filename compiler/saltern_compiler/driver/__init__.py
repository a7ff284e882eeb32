"""From source text to files: `compile_source` is pure; `Source.load` and `write_tree` are the only parts that touch the disk."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saltern_compiler.driver.compare import Comparison, Difference, compare_tree
    from saltern_compiler.driver.compile import compile_loaded, compile_source
    from saltern_compiler.driver.manifest import BUILD_FILE
    from saltern_compiler.driver.result import Result
    from saltern_compiler.driver.source import Source, SourceError
    from saltern_compiler.driver.tree import ChangedError, TreeError, Written, write_tree

__all__ = [
    "BUILD_FILE", "ChangedError", "Comparison", "Difference", "Result", "Source", "SourceError", "TreeError", "Written",
    "compare_tree", "compile_loaded", "compile_source", "write_tree",
]  # fmt: skip

_HOMES = {
    "compare": ("Comparison", "Difference", "compare_tree"),
    "compile": ("compile_loaded", "compile_source"),
    "manifest": ("BUILD_FILE",),
    "result": ("Result",),
    "source": ("Source", "SourceError"),
    "tree": ("ChangedError", "TreeError", "Written", "write_tree"),
}
"""Module → what of it this package offers; loaded when it is asked for, since a check writes and compares no tree."""


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
