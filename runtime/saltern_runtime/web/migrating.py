"""Moving a run to the version that an API starts runs of."""

from functools import partial
from typing import Annotated, Final

import anyio
from pydantic import ConfigDict, Field
from starlette.requests import Request

from saltern_runtime.store.operating import Verdict
from saltern_runtime.store.views import RunView
from saltern_runtime.web.guards import exchange
from saltern_runtime.web.operating import REFUSED, Why, by_whom
from saltern_runtime.web.problems import ProblemError, no_such_run

Digest = Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$", examples=["sha256:1a2b…"])]
UNMOVED: Final[dict[Verdict, tuple[str, str]]] = {
    "moved": ("run-moved", "the run is not of the version that it is to be moved from"),
    "started": ("run-started", "another run started this one: it stays on that one's version"),
    "busy": ("run-busy", "something of the run is at work: pause the run, and wait until nothing is RUNNING"),
    "large": ("run-large", "the run keeps too much to be moved at once"),
    "unlike": ("versions-unlike", "the two versions have not the same stages and nodes"),
    "late": REFUSED["late"],
    "older": REFUSED["older"],
}
"""Verdict → code and words of the problem."""
NOT_CURRENT: Final = (
    "version-not-current",
    "this API starts runs of another version, and moves runs to that one alone",
)


class Move(Why):
    """From which version a run is moved to which one, and why: whoever asks has proven that the one may go on as the other."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    was: Digest = Field(alias="from", description="The digest that the run is pinned to.")
    plan: Digest = Field(alias="to", description="The digest that the API starts runs of.")


async def migrate(request: Request, run: RunView, body: Move) -> None:
    """Move a run; raises ProblemError where it is refused."""
    service = exchange(request).backend.service
    if body.plan != service.plans.plan:
        raise ProblemError(409, *NOT_CURRENT)
    done = await anyio.to_thread.run_sync(partial(service.migrate, run, body.was, by=by_whom(request, body)))
    if done.verdict == "missing":
        raise no_such_run()
    if done.verdict != "ok":
        raise ProblemError(409, *UNMOVED[done.verdict])
