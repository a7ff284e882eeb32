"""The drain flag: memory that is shared with the prefork children, because the stop signal reaches the parent alone."""

from __future__ import annotations

import mmap
import struct
import time


class Drain:
    """When draining began. Make it before the fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def begin(self) -> None:
        """Claim nothing from now on."""
        if not self.since():
            self._memory[:] = struct.pack("d", time.monotonic())

    def since(self) -> float:
        """Return the monotonic time at which draining began, 0.0 while it has not; that clock is the same in all children."""
        return float(struct.unpack("d", self._memory[:])[0])
