"""What nodes of the flow give."""

from __future__ import annotations

from typing import Any

from saltern_runtime.models import Maybe, Model


class HttpAnswer(Model):
    """What a request was answered with."""

    status: int
    headers: dict[str, str]
    body: Any


class NodeFailure(Model):
    """How a node failed after its last attempt."""

    node: str
    """Its id."""
    type: str
    """Its type, such as `http.request@1`."""
    kind: str
    """external-transient, external-permanent, internal, poison, timeout or expired."""
    code: str
    message: str
    attempts: int
    """How often it was tried; 0 where nobody began in time."""
    status: Maybe[int] = None
    """Of HTTP, where there is one."""
