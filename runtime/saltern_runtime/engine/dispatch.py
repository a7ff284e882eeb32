"""How bells reach a worker. A bell may be lost and may ring twice; nothing depends on it but speed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from saltern_runtime.store.calls import Bell


class Dispatcher(Protocol):
    """Sends bells. Never raises: a bell that could not be sent is rung again when it is due."""

    def ring(self, bells: Iterable[Bell]) -> None:
        """Send bells now."""

    def waiting(self, queue: str) -> int | None:
        """Return how many messages wait in a queue; None where that cannot be told."""


class InProcess:
    """Keeps bells for a worker in this very process: `saltern run` and tests."""

    def __init__(self) -> None:
        self.bells: deque[Bell] = deque()

    def ring(self, bells: Iterable[Bell]) -> None:
        """See Dispatcher."""
        self.bells.extend(bells)

    def waiting(self, queue: str) -> int | None:
        """See Dispatcher."""
        return sum(bell.queue == queue for bell in self.bells)


class Silent:
    """Sends nothing: the timers ring within a sweep. For an API without the `worker` extra."""

    def ring(self, bells: Iterable[Bell]) -> None:
        """See Dispatcher."""

    def waiting(self, queue: str) -> int | None:  # noqa: ARG002 - the protocol's
        """See Dispatcher."""
        return None
