"""What is read of files."""

from __future__ import annotations

from typing import Any

from saltern_runtime.models import Int, Model


class TextResult(Model):
    """The text of a file, and how many pages it has."""

    text: str
    pages: Int


class RowsResult(Model):
    """Rows, by column name."""

    rows: list[dict[str, Any]]
