"""Schedules over HTTP: how each stands, and halting one."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import Body
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.engine.halting import Planned, audit, planned, set_halted
from saltern_runtime.engine.service import Service
from saltern_runtime.spec import Json
from saltern_runtime.spec.concurrency import Overlap
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import PlainResponse, time_json
from saltern_runtime.web.operating import Why, by_whom
from saltern_runtime.web.problems import ProblemError

T = TypeVar("T")


class HaltedModel(BaseModel):
    """Why a schedule makes no runs."""

    at: AwareDatetime
    by: str = Field(examples=["token:1b4f0e98"])
    why: str


class ScheduleModel(BaseModel):
    """A schedule of this version of the pipeline."""

    id: str
    cron: str = Field(examples=["0 7 * * 1-5"])
    time_zone: str = Field(examples=["Europe/Zurich"])
    overlap: Overlap
    next: AwareDatetime | None = Field(description="When it makes a run next; null while it is paused.")
    paused: HaltedModel | None = Field(description="Null unless it is.")


class ScheduleList(BaseModel):
    """The schedules of the token's tenant."""

    schedules: list[ScheduleModel]


class ScheduleAuditEntry(BaseModel):
    """Something that somebody did to a schedule."""

    what: str = Field(examples=["pause", "resume"])
    at: AwareDatetime
    by: str
    why: str


class ScheduleAudit(BaseModel):
    """What people did to a schedule, the first thing first: the last thousand."""

    entries: list[ScheduleAuditEntry]


async def list_schedules(request: Request) -> Response:
    """List schedules, and when each makes a run next."""
    found = await _asked(request, planned)
    return PlainResponse({"schedules": [_json(each) for each in found]})


async def pause_schedule(request: Request, schedule: str, body: Annotated[Why | None, Body()] = None) -> Response:
    """Let a schedule make no runs until it is resumed; what passes until then is not made up for. Its runs go on."""
    return await _set(request, schedule, body, halted=True)


async def resume_schedule(request: Request, schedule: str, body: Annotated[Why | None, Body()] = None) -> Response:
    """Let a schedule go on from now."""
    return await _set(request, schedule, body, halted=False)


async def audit_schedule(request: Request, schedule: str) -> Response:
    """Show what people did to a schedule: who, what, when and why."""
    found = await _asked(request, lambda service, tenant: audit(service, schedule, tenant))
    if found is None:
        raise _no_schedule()
    return PlainResponse({"entries": [{**entry, "at": time_json(entry["at"])} for entry in found]})


async def _set(request: Request, schedule: str, body: Why | None, *, halted: bool) -> Response:
    by = by_whom(request, body)
    found = await _asked(request, lambda service, tenant: set_halted(service, schedule, tenant, by, halted=halted))
    if found is None:
        raise _no_schedule()
    return PlainResponse(_json(found))


async def _asked(request: Request, what: Callable[[Service, str], T]) -> T:
    admitted = exchange(request)
    service: Any = admitted.backend.service
    return await anyio.to_thread.run_sync(what, service, admitted.caller.tenant)


def _no_schedule() -> ProblemError:
    return ProblemError(404, "schedule-not-found", "this version of the pipeline has no such schedule")


def _json(of: Planned) -> dict[str, Json]:
    halted = of.halted and {name: of.halted[name] for name in ("by", "why")} | {"at": time_json(of.halted["at"])}
    return {
        "id": of.schedule.id,
        "cron": of.schedule.cron,
        "time_zone": of.schedule.time_zone,
        "overlap": of.schedule.overlap,
        "next": time_json(of.next),
        "paused": halted,
    }
