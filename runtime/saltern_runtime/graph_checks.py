"""What is wrong with a part of a graph, whatever stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from saltern_runtime.spec import Assumes, Concurrency, Limits, OnError, OnLimit, OnSkip, Over
from saltern_runtime.spec.concurrency import MOST_AT_ONCE, MOST_JITTER, Overlap, path_of
from saltern_runtime.spec.limits import AT_ONCE
from saltern_runtime.spec.names import SCHEDULE_ID
from saltern_runtime.stage import Opens, Schedule


class GraphError(TypeError):
    """Generated code does not fit together; raised at import."""


def check_settings(where: str, body: Opens) -> None:
    """Raise GraphError for a region that no engine runs."""
    if not 1 <= body.at_most <= AT_ONCE:
        raise GraphError(f"{where} runs {body.at_most} items at once; 1 to {AT_ONCE} may")
    if body.on_error not in get_args(OnError):
        raise GraphError(f"{where} has the unknown on_error {body.on_error!r}")
    if body.on_skip not in get_args(OnSkip):
        raise GraphError(f"{where} has the unknown on_skip {body.on_skip!r}")
    if body.carries is None:
        return
    if body.at_most != 1:
        raise GraphError(f"{where} carries a state from round to round, but runs {body.at_most} rounds at once")
    within = body.carries.within
    if within is not None and not 0 < within < float("inf"):
        raise GraphError(f"{where} carries a state from round to round for {within!r} seconds")
    if body.carries.at_most < 1 or body.carries.on_limit not in get_args(OnLimit):
        raise GraphError(f"{where} carries a state to no end that is known")


def check_assumptions(where: str, assumes: tuple[Assumes, ...]) -> tuple[Assumes, ...]:
    """Return assumptions; raise GraphError for one that is about nothing of an input."""
    for each in assumes:
        if not each.path:
            raise GraphError(f"{where} assumes {each.name!r}, which is nothing of its input")
    return assumes


def check_concurrency(where: str, limit: Concurrency | None) -> Concurrency | None:
    """Return how many runs go on at a time; raise GraphError where that is none, or by nothing of an input."""
    if limit is None:
        return None
    if not 1 <= limit.at_most <= MOST_AT_ONCE:
        raise GraphError(f"{where} lets {limit.at_most!r} runs go on at a time; 1 to {MOST_AT_ONCE} may")
    if limit.then not in get_args(Over):
        raise GraphError(f"{where} does the unknown {limit.then!r} with a run over its limit")
    for text in limit.key:
        if not path_of(text):
            raise GraphError(f"{where} counts its runs by {text!r}, which is no field of its input")
    return limit


def check_schedules(where: str, schedules: Sequence[Schedule], limit: Concurrency | None) -> None:
    """Raise GraphError for schedules that are not told apart, and for one that no timers fire."""
    if len({schedule.id for schedule in schedules}) != len(schedules):
        raise GraphError(f"{where}: two schedules share an id")
    for schedule in schedules:
        if not re.fullmatch(SCHEDULE_ID, schedule.id):
            raise GraphError(f"{where}: a schedule cannot have the id {schedule.id!r}")
        if schedule.catch_up not in ("skip", "last", "all"):
            raise GraphError(f"{where}: schedule {schedule.id!r} has the unknown catch_up {schedule.catch_up!r}")
        _check_overlap(f"{where}: schedule {schedule.id!r}", schedule, limit)


def _check_overlap(where: str, schedule: Schedule, limit: Concurrency | None) -> None:
    """Raise GraphError for a schedule whose runs would be of two groups, or of one that is unknown, or come at no time."""
    if schedule.overlap not in get_args(Overlap):
        raise GraphError(f"{where} has the unknown overlap {schedule.overlap!r}")
    if limit is not None and schedule.overlap != "allow":
        raise GraphError(f"{where} has an overlap, and its pipeline a limit of its own")
    if not 0 <= schedule.jitter <= MOST_JITTER:
        raise GraphError(f"{where} has a jitter of {schedule.jitter!r} seconds; 0 to {MOST_JITTER:.0f} may be")


def check_limits(where: str, limits: Limits | None) -> None:
    """Raise GraphError for limits that nothing can keep to."""
    if limits is None:
        return
    rate, concurrency = limits.per_second, limits.concurrency
    if rate is None and concurrency is None:
        raise GraphError(f"{where} has limits that say nothing")
    if rate is not None and not 0 < rate < float("inf"):
        raise GraphError(f"{where} lets {rate!r} attempts begin in a second")
    if concurrency is not None and concurrency < 1:
        raise GraphError(f"{where} lets {concurrency!r} attempts run at a time")
    if limits.by not in (None, "tenant"):
        raise GraphError(f"{where} counts by the unknown {limits.by!r}")
