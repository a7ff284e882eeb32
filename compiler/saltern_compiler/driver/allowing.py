"""Findings that a source says are meant: `# saltern: allow CODE because …`, or `data.allow` of a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from saltern_compiler.diagnostics.model import Diagnostic, Suppressed, has_errors
from saltern_compiler.diagnostics.rules import is_fixed
from saltern_compiler.diagnostics.suggest import did_you_mean, nearest
from saltern_compiler.driver.configuration import fixed_severity
from saltern_compiler.driver.result import Result
from saltern_compiler.frontend.notation import Directive
from saltern_compiler.frontend.notations import notation_of
from saltern_compiler.frontend.remarks import Allow, read_allow
from saltern_compiler.registry import Registry
from saltern_runtime.spec.codes import Code

_SHAPE = "A finding that is meant is allowed by `# saltern: allow CODE because REASON`."


def allow_what_is_meant(result: Result, registry: Registry) -> Result:
    """Take out what the source of a result allows, and tell what it allows in vain.

    A directive counts for what it stands before, beside or inside of, as comments do: a node, one of its parameters, a section.
    """
    notation = notation_of(result.source_name, result.text)
    directives = notation.directives(result.text, registry) if notation is not None and notation.directives else None
    if directives is None or not directives.lines:
        return result
    codes = registry.codes()
    told: list[Diagnostic] = []
    allowances: list[tuple[Directive, Allow]] = []
    for line in directives.lines:
        read = _read(line, codes)
        if isinstance(read, Diagnostic):
            told.append(read)
        else:
            allowances.append((line, read))
    left: list[Diagnostic] = []
    suppressed: list[Suppressed] = []
    used: set[int] = set()
    for finding in result.diagnostics:
        anchor, part = directives.about(finding.origin)
        fitting = [
            number
            for number, (line, allow) in enumerate(allowances)
            if (allow.code, line.anchor) == (finding.code, anchor) and line.part in ("", part)
        ]
        if fitting:
            used.update(fitting)
            suppressed.append(Suppressed(finding, allowances[fitting[0]][1].because))
        else:
            left.append(finding)
    if not has_errors(left):
        told += [_unused(*each) for number, each in enumerate(allowances) if number not in used]
    return replace(result, diagnostics=(*left, *told), suppressed=tuple(suppressed))


def _read(line: Directive, codes: Mapping[str, Code]) -> Allow | Diagnostic:
    """Return what a directive allows, or what is wrong with it."""
    allow = read_allow(line.text)
    if allow is None:
        return Diagnostic(
            "malformed-suppression", "a comment speaks to the checks in vain", line.origin, notes=(_SHAPE,)
        )
    known = codes.get(allow.code)
    if known is None:
        notes = (*did_you_mean(nearest(allow.code, codes)), _SHAPE)
        return Diagnostic("unknown-code", f"there is no code `{allow.code}`", line.origin, notes=notes)
    if is_fixed(known.severity):
        return fixed_severity(allow.code, line.origin)
    if not allow.because:
        message = f"`{allow.code}` is allowed without a reason"
        notes = ("It counts once it says why, behind `because`: whoever reads it next cannot ask.", _SHAPE)
        return Diagnostic("malformed-suppression", message, line.origin, notes=notes)
    return allow


def _unused(line: Directive, allow: Allow) -> Diagnostic:
    message = f"nothing here has the finding `{allow.code}`"
    notes = ("What is allowed in vain hides the next finding: take it out, or put it before what it is about.",)
    return Diagnostic("unused-suppression", message, line.origin, notes=notes)
