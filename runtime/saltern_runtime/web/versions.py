"""The versions of a service over HTTP: which have open runs, and workers."""

import os
import socket

import anyio
from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from saltern_runtime.spec import Json
from saltern_runtime.store.versions import Version
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.models import PlainResponse, time_json


class VersionModel(BaseModel):
    """A version that has open runs, or workers."""

    plan: str = Field(description="The digest that its runs are pinned to.")
    version: str = Field(description="Its short form, as queues and Deployments carry it.", examples=["1a2b3c4d"])
    current: bool = Field(description="Whether the API that answers starts runs of it.")
    open: int = Field(description="Runs that are not over, of all tenants.")
    states: dict[str, int] = Field(description="How many of them are in which state; of the oldest five hundred.")
    oldest_at: AwareDatetime | None = Field(description="When the oldest of them was created.")
    ready: int = Field(description="Activations that wait for a worker.")
    stranded: int = Field(description="Those of them in queues that no worker takes from.")
    served: bool = Field(description="Whether a worker of it was seen within half a minute.")
    seen_at: AwareDatetime | None = Field(description="When one was last seen; null: never.")


class VersionList(BaseModel):
    """The versions of a service, the one with the oldest open run first."""

    at: AwareDatetime = Field(description="Now, by the store's clock.")
    counted: bool = Field(description="Whether every open run is among those counted: once timers have swept.")
    instance: str = Field(description="Who answers: in Kubernetes, the name of the pod.")
    versions: list[VersionModel]
    gone: list[str] = Field(description="Digests of those that had runs or workers, and have neither now.")


def instance() -> str:
    """Return what this process is called by whoever runs it: the name of its host, which in Kubernetes is the pod's name."""
    return os.environ.get("HOSTNAME") or socket.gethostname()


async def list_versions(request: Request) -> Response:
    """List the versions that have open runs or workers, and the one that new runs are of."""
    service = exchange(request).backend.service
    found = await anyio.to_thread.run_sync(service.versions)
    current = service.plans.plan
    shown = found.all
    if all(version.plan != current for version in shown):
        shown = (*shown, Version(plan=current))
    return PlainResponse(
        {
            "at": time_json(found.at),
            "counted": found.is_counted,
            "instance": instance(),
            "versions": [_json(version, current) for version in shown],
            "gone": [plan for plan in found.gone if plan != current],
        }
    )


def _json(version: Version, current: str) -> dict[str, Json]:
    return {
        "plan": version.plan,
        "version": version.short,
        "current": version.plan == current,
        "open": version.open,
        "states": dict(version.states),
        "oldest_at": time_json(version.oldest),
        "ready": version.ready,
        "stranded": version.stranded,
        "served": version.is_served,
        "seen_at": time_json(version.seen),
    }
