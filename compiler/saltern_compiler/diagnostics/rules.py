"""How findings count for those who check: as their codes are declared, unless a configuration says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import Final

from saltern_compiler.diagnostics.model import Diagnostic
from saltern_runtime.dataclass import dataclass
from saltern_runtime.spec.codes import Code, Severity


class Level(StrEnum):
    """What a configuration can make of a code."""

    OFF = "off"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a configuration says of findings; without one, nothing."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    """Code → what counts for it."""
    strict: bool = False
    """Whether codes are told that are declared for those who ask for them."""

    def apply(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return the findings that are told, each as bad as it counts."""
        return tuple(filter(None, map(self._settled, diagnostics)))

    def _settled(self, diagnostic: Diagnostic) -> Diagnostic | None:
        level = self.levels.get(diagnostic.code)
        if is_fixed(diagnostic.severity):
            return diagnostic
        if level is Level.OFF or (diagnostic.is_strict and not self.strict and level is None):
            return None
        if level is None or level.value == diagnostic.severity.value:
            return diagnostic
        return replace(diagnostic, declared=Code("", Severity(level.value), diagnostic.is_strict))


def is_fixed(severity: Severity) -> bool:
    """Tell whether findings that are declared this bad stay so: a plan is made only where there are no errors."""
    return severity is Severity.ERROR


DEFAULT: Final = Rules()
