"""The last resort for a node that lets no other thread have a turn: native code that keeps the interpreter to itself.

The lease thread cannot end such a process, so a watchdog of `faulthandler` does, which needs no interpreter. It is put off while there is
somebody to do so, and prints where each thread stands before it ends the process.
"""

from __future__ import annotations

import faulthandler
import threading
from dataclasses import dataclass, field
from typing import Final

STDERR: Final = 2
"""What is printed goes there as it is: `sys.stderr` may be something that makes records, for which there is no turn."""


@dataclass(slots=True)
class Pulse:
    """Puts off the end of this process while a thread lives, and there is work."""

    lease: float
    """A process that gave no turn for so long, in seconds, is ended within a third of it: its claims are lost by then."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def start(self, watched: threading.Thread) -> None:
        """Begin, for as long as this thread lives: where it dies before `stop`, so does the process."""
        self._put_off()
        threading.Thread(target=self._beat, args=(watched,), name="saltern-pulse", daemon=True).start()

    def stop(self) -> None:
        """Let the process live: there is no work."""
        with self._lock:
            self._is_over = True
            faulthandler.cancel_dump_traceback_later()

    def _beat(self, watched: threading.Thread) -> None:
        while True:
            watched.join(self.lease / 3)
            with self._lock:
                if self._is_over or not watched.is_alive():
                    return
                self._put_off()

    def _put_off(self) -> None:
        faulthandler.dump_traceback_later(self.lease * 4 / 3, exit=True, file=STDERR)
