"""Runs of two tenants on one worker: the small one is soon through, whatever the big one has."""

import pytest

from saltern_runtime.graph import Context, Stage, node
from saltern_runtime.store.views import TERMINAL
from tests.support.checker import broken


@node("one", type="http.request@1")
def one(ctx: Context, *, input: int) -> int:  # noqa: A002 - as generated code calls it
    return input


@node("two", type="http.request@1")
def two(ctx: Context, *, one: int) -> int:
    return one


@node("return", type="return@1")
def return_(*, two: int) -> int:
    return two


@pytest.mark.parametrize("slice_", [0.0, 5.0])
def test_a_small_tenant_is_soon_through(local, slice_):
    """A run goes on at its worker for a slice, or for one stage where there is none: either way a turn of one's is followed by one of the other's."""
    stages = (Stage("one", nodes=(one,)), Stage("two", nodes=(two,)), Stage("return", nodes=(return_,)))
    process = local.open(*stages, slice=slice_)
    big = [process.service.start(1, tenant="big", trigger="api").run_id for _ in range(12)]
    small = process.service.start(1, tenant="small", trigger="api").run_id
    reader, before = process.service.reader, 0
    while reader.state(small) not in TERMINAL:
        before = sum(run.state in TERMINAL for run in process.service.list("big").runs)
        process.step()
    ends = [process.finish(run, 20).ended_at for run in (small, *big)]
    assert before <= 4
    assert sum(end < ends[0] for end in ends) <= 4
    assert broken(local.client, local.name) == []
