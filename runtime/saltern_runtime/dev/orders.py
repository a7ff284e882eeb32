"""What whoever started the service wants of it while it runs: JSON lines on a pipe.

`{"tree": "DIR"}`: run that tree from now on. `{"text": "…", "event": {…}}`: show that. The end of the pipe: stop.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any


class Orders:
    """Reads a pipe in a thread of its own."""

    def __init__(self, descriptor: int, at_end: Callable[[], None]) -> None:
        self._waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._at_end = at_end
        threading.Thread(target=self._read, args=(descriptor,), name="saltern-orders", daemon=True).start()

    def take(self) -> Iterator[dict[str, Any]]:
        """Yield what has come, without waiting."""
        while not self._waiting.empty():
            yield self._waiting.get()

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as lines:
            for line in lines:
                self._waiting.put(json.loads(line))
        self._at_end()
