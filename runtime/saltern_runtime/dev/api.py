"""The little of an HTTP client that the live view needs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Api:
    """The API of the service that was started here."""

    base: str
    token: str

    def ready(self) -> bool:
        """Whether it answers and reaches its store."""
        return self._get("/readyz") is not None

    def runs(self) -> list[dict[str, Any]]:
        """Return the newest runs, without their nodes, newest first; none while it does not answer."""
        page = self._get("/runs?limit=100") or {}
        return list(page.get("runs", ()))

    def run(self, run_id: str) -> dict[str, Any] | None:
        """Return a run in full."""
        return self._get(f"/runs/{run_id}")

    def _get(self, path: str) -> dict[str, Any] | None:
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310 - our own http address
        # No proxy stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                document: dict[str, Any] = json.load(answer)
                return document
        except (OSError, ValueError):
            return None
