"""HTTP: `http.request(ctx, url=…)`."""

from saltern_runtime.nodes.http.request import HttpResponse, request

__all__ = ["HttpResponse", "request"]
