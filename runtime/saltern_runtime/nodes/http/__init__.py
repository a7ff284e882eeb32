"""HTTP: `http.request(ctx, url=…)`."""

from typing import TYPE_CHECKING, Any

from saltern_runtime.nodes.http.request import request

if TYPE_CHECKING:
    from saltern_runtime.nodes.http.results import HttpResponse

__all__ = ["HttpResponse", "request"]


def __getattr__(name: str) -> Any:
    if name == "HttpResponse":
        from saltern_runtime.nodes.http import results  # noqa: PLC0415 - reading the spec needs no pydantic

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
