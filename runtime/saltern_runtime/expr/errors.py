"""What an expression raises."""

from __future__ import annotations


class ExprError(Exception):
    """An expression has no value; `code` is a short stable word (`division-by-zero`). The same values fail again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def no_overload(operation: str, *values: object) -> ExprError:
    """Make the error of an operation that its operands' types do not have."""
    from saltern_runtime.expr.values import type_name  # noqa: PLC0415 - values import this module

    return ExprError("no-overload", f"{operation} does not take {' and '.join(type_name(value) for value in values)}")
