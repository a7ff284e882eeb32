"""Every change of the table: what it is called, what it is for callers, what it is for runs in flight."""

from __future__ import annotations

import pytest

from saltern_compiler.diff import compare
from saltern_compiler.diff.sentences import what
from saltern_compiler.ir.graph import dependencies
from tests.compiler.diff.changes import CASES, Case
from tests.support.compared import compared, side_of


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


@pytest.mark.parametrize("case", CASES, ids=[f"{case.base}: {case.name}" for case in CASES])
def test_points(case: Case) -> None:
    """The nodes from which a run may go on are those at whose start no hurdle holds; where runs may not go on, there are none."""
    old, new = side_of(*case.old), side_of(*case.new)
    runs = compare(old, new).runs
    needs = dependencies(old.pipeline.body)

    def before(node_id: str) -> frozenset[str]:
        return needs[node_id].union(*map(before, needs[node_id]))

    free = {node_id for node_id in needs if "/compensate" not in node_id and runs.may_go_on(before(node_id))}
    assert set(runs.starts) == free
    assert not (runs.verdict == "no" and free)
    assert (runs.verdict == "yes") == (not runs.hurdles)


def test_the_table_is_long() -> None:
    """There are more than forty changes that mean something, and each has a name of its own."""
    assert len({(case.base, case.name) for case in CASES}) == len(CASES)
    assert sum(bool(case.says) for case in CASES) > 40
