"""Codes of findings, as they are declared: by the compiler for its own, by a plugin for those of its node types."""

from __future__ import annotations

from enum import StrEnum

from saltern_runtime.dataclass import dataclass


class Severity(StrEnum):
    """How bad a finding is: only errors stop a build."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, in one line, and how bad that is. How a finding is worded is up to whoever reports it."""

    summary: str
    severity: Severity = Severity.ERROR
    is_strict: bool = False
    """Told only to those who ask for it: in strict mode, or by a severity of its own in a configuration."""
