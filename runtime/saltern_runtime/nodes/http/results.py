"""What a server gives back."""

from __future__ import annotations

from typing import Any

from saltern_runtime.models import Model


class HttpResponse(Model):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """By lower-case name; repeated headers joined by a comma."""
    body: Any
