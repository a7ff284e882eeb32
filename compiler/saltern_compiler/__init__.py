"""The compiler as a library: a pure function from source text to findings and files.

    from saltern_compiler import compile_source

    result = compile_source(text, source_name="orders.saltern", files={"money.py": money})
    result.to_lsp()      # findings for an editor: LSP 3.17 diagnostics, fixes among them
    result.to_json()     # the same as `saltern check --format json` prints them
    result.hovers()      # what each node gives: its type and its place
    result.artifacts     # path → bytes of the tree, where nothing is an error

    session = Session(text, source_name="orders.saltern")
    session.edit((start, end), "typed")    # offsets in characters; `edit_lsp` takes a Range
    session.diagnostics                    # what a check of the whole says, for the work of what was touched

Nothing is written, no socket is opened, no clock is read and none of the pipeline's own code is run; whatever the text says,
the answer is a Result. `targets=()` checks without emitting, which is what an editor wants between two keystrokes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saltern_compiler.diagnostics.model import Diagnostic
    from saltern_compiler.driver.compile import compile_source
    from saltern_compiler.driver.result import Result
    from saltern_compiler.driver.session import Session
    from saltern_runtime.spec import Severity

_HOME = {
    "Diagnostic": "saltern_compiler.diagnostics.model",
    "Result": "saltern_compiler.driver.result",
    "Session": "saltern_compiler.driver.session",
    "Severity": "saltern_runtime.spec",
    "compile_source": "saltern_compiler.driver.compile",
}

__all__ = ["Diagnostic", "Result", "Session", "Severity", "compile_source"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
