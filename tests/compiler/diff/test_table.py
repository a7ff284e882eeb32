"""Every change of the table: what it is called, what it is for callers, what it is for runs in flight."""

from __future__ import annotations

import pytest

from saltern_compiler.diff.sentences import what
from tests.compiler.diff.changes import CASES, Case
from tests.support.compared import compared


@pytest.mark.parametrize("case", CASES, ids=[f"{case.base}: {case.name}" for case in CASES])
def test_change(case: Case) -> None:
    """A change is called what it is, and has both verdicts."""
    (old, old_files), (new, new_files) = case.old, case.new
    found = compared(old, new, old_files, new_files)
    said = sorted(
        f"{each.kind} {what(each).replace('input.', 'input ').replace('output.', 'output ')}"
        + (f" in {each.within}" if each.within else "")
        for each in found.changes
    )
    assert (said, found.callers.value, found.runs.verdict) == (list(case.says), case.callers, case.runs), found


def test_the_table_is_long() -> None:
    """There are more than forty changes that mean something, and each has a name of its own."""
    assert len({(case.base, case.name) for case in CASES}) == len(CASES)
    assert sum(bool(case.says) for case in CASES) > 40
