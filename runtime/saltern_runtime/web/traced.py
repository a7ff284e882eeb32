"""The span of a request that changes something: what only looks is not traced.

Whoever has a token, or signs, is known; but a webhook's sender is another company, whose trace is theirs: it is noted beside ours.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

from starlette.requests import Request

from saltern_runtime.observe import tracing
from saltern_runtime.observe.recorders import NOTHING, Call
from saltern_runtime.observe.tracecontext import HEADER

_LOOKS: Final = frozenset({"GET", "HEAD"})


def traced(request: Request, route: str, *, is_trusted: bool, began: int) -> AbstractContextManager[Call]:
    """Trace a request to a route (its path as a template: links and ids stay out) that began at a moment in Unix nanoseconds."""
    if request.method in _LOOKS:
        return NOTHING
    about = {"http.request.method": request.method, "http.route": route, "url.scheme": request.url.scheme}
    sent = request.headers.get(HEADER)
    return tracing.serving(f"{request.method} {route}", sent, about, is_trusted=is_trusted, began=began)
