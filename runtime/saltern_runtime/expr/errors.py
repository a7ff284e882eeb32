"""What an expression raises."""

from __future__ import annotations


class ExprError(Exception):
    """An expression has no value; `code` is a short stable word (`division-by-zero`). The same values fail again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
