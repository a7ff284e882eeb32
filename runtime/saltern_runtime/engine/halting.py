"""What people do to schedules: look at them, halt them, let them go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saltern_runtime.engine.operating import By
from saltern_runtime.engine.schedules import TENANT, home_of, later, ticks
from saltern_runtime.engine.service import Service
from saltern_runtime.graph import Schedule
from saltern_runtime.store.halting import Stand, audit_of, stands
from saltern_runtime.store.operating import audited


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule of this version of a pipeline, and how it stands."""

    schedule: Schedule
    next: float | None
    """When it makes a run next, in Unix seconds; None while it is halted."""
    halted: dict[str, Any] | None
    """Since when (`at`, Unix seconds), by whom (`by`) and why (`why`) it makes no runs."""


def planned(service: Service, tenant: str) -> list[Planned]:
    """Return the schedules of a tenant, by id; they are all the default tenant's."""
    if tenant != TENANT:
        return []
    return [_planned(service, schedule) for _, schedule in sorted(service.graph.schedules.items())]


def _planned(service: Service, schedule: Schedule) -> Planned:
    now, [stand] = stands(service.store, home_of(schedule, service.settings.shards), [schedule.id])
    return Planned(schedule, None if stand.halted else _next(service, schedule, stand, now), stand.halted)


def _next(service: Service, schedule: Schedule, stand: Stand, now: int) -> float | None:
    moved = later(service.graph.name, schedule)
    after = now - moved if stand.tick is None else max(stand.tick, now - moved)
    found = next((tick for tick in ticks(schedule, after) if tick > after), None)
    return None if found is None else (found + moved) / 1000


def set_halted(service: Service, schedule_id: str, tenant: str, by: By, *, halted: bool) -> Planned | None:
    """Halt a schedule, or let it go on; returns how it stands then, None where the tenant has none of that id."""
    schedule = service.graph.schedules.get(schedule_id) if tenant == TENANT else None
    if schedule is None:
        return None
    what = "pause" if halted else "resume"
    home = home_of(schedule, service.settings.shards)
    service.store.halt(home, schedule.id, audited(what, by.name, by.why), goes=not halted)
    return _planned(service, schedule)


def audit(service: Service, schedule_id: str, tenant: str) -> list[dict[str, Any]] | None:
    """Return what people did to a schedule; None where the tenant has none of that id."""
    schedule = service.graph.schedules.get(schedule_id) if tenant == TENANT else None
    if schedule is None:
        return None
    return audit_of(service.store, home_of(schedule, service.settings.shards), schedule.id)
