"""Triggers in place of those that a source has: a pipeline is an API, a webhook or a schedule without a change of its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from saltern_compiler.diagnostics.model import Diagnostic, Origin
from saltern_compiler.frontend.language.reader import read_triggers
from saltern_compiler.ir.pipeline import Pipeline
from saltern_compiler.ir.values import SecretRef
from saltern_compiler.passes.analyses.shape import all_settings
from saltern_runtime.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """A pipeline with other triggers than its text has."""

    pipeline: Pipeline
    findings: tuple[Diagnostic, ...]
    """What is wrong with how they are written."""
    text: str
    """A line each, as the language has it."""
    behind: int
    """Their places are behind this one, at which the text of the pipeline ends: none of them is taken for one of its own."""

    def split(self, found: Iterable[Diagnostic]) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        """Return the findings about the pipeline's own text, and those about the triggers that were given, whose places are in their text."""
        own: list[Diagnostic] = []
        given: list[Diagnostic] = []
        for finding in found:
            (given if self._is_given(finding.origin) else own).append(finding)
        return tuple(own), tuple(self._moved(finding) for finding in given)

    def _is_given(self, origin: Origin) -> bool:
        return origin.pointer is None and origin.start is not None and origin.start > self.behind

    def _moved(self, finding: Diagnostic) -> Diagnostic:
        """Return it with places in the text of the triggers; without fixes, since there is no file to mend."""
        related = tuple(
            replace(each, origin=self._place(each.origin)) for each in finding.related if self._is_given(each.origin)
        )
        return finding.at(self._place(finding.origin), related, ())

    def _place(self, origin: Origin) -> Origin:
        start, end = origin.start or 0, origin.end
        return Origin(None, start - self.behind - 1, None if end is None else end - self.behind - 1)


def started_by(pipeline: Pipeline, text: str, triggers: Sequence[str]) -> Given:
    """Give a pipeline these triggers in place of its own; each is what stands behind `on` in the language.

    Secrets that its own triggers alone used go with them.
    """
    lines = "".join(f"on {trigger}\n" for trigger in triggers)
    behind = len(text)
    made, secrets, findings = read_triggers(" " * behind + "\n" + lines, pipeline.secrets)
    changed = replace(pipeline, triggers=tuple(made), secrets=tuple(secrets) or pipeline.secrets)
    gone = _secrets(pipeline) - _secrets(changed)
    kept = tuple(secret for secret in changed.secrets if secret.name not in gone)
    return Given(replace(changed, secrets=kept), tuple(findings), lines, behind)


def _secrets(pipeline: Pipeline) -> set[str]:
    return {value.name for value in all_settings(pipeline) if isinstance(value, SecretRef)}
