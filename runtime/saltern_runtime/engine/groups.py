"""Groups of runs, of which only so many go on at a time: by the key of a pipeline, and those of one schedule."""

from __future__ import annotations

import json

from saltern_runtime.graph import Schedule
from saltern_runtime.spec import Concurrency, Json
from saltern_runtime.stage import Callee
from saltern_runtime.store.calls import Group
from saltern_runtime.store.keys import digest_of


def group_of(graph: Callee, tenant: str, given: Json) -> Group | None:
    """Return the group that a run with this input belongs to; None where a pipeline's runs go on side by side."""
    limit: Concurrency | None = graph.concurrency
    if limit is None:
        return None
    key = json.dumps(limit.values(given), sort_keys=True)
    return Group(digest_of("group", tenant, graph.name, key), limit.at_most, limit.then)


def group_of_schedule(schedule: Schedule) -> Group | None:
    """Return the group of a schedule's runs, which all live in its shard; None where they may overlap."""
    if schedule.overlap == "allow":
        return None
    return Group(digest_of("schedule", schedule.id), 1, schedule.overlap)
