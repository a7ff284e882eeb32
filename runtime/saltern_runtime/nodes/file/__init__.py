"""Files: `file.text(ctx, file=…)` and `file.rows(ctx, file=…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.file.rows import rows
from saltern_runtime.nodes.file.text import text

if TYPE_CHECKING:
    from saltern_runtime.nodes.file.results import RowsResult, TextResult

__all__ = ["RowsResult", "TextResult", "rows", "text"]


def __getattr__(name: str) -> Any:
    if name in ("RowsResult", "TextResult"):
        from saltern_runtime.nodes.file import results  # noqa: PLC0415 - reading a spec needs no pydantic

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
