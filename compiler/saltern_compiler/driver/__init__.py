"""From source text to files: `compile_source` is pure; `Source.load` and `write_tree` are the only parts that touch the disk."""

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
