"""The last resort for a node that lets no other thread have a turn: native code that keeps the interpreter to itself.

The lease thread cannot end such a process, so a watchdog of `faulthandler` does, which needs no interpreter. It is put off while there is
somebody to do so, and prints where each thread stands before it ends the process. A process that was frozen as a whole looks at the clock as it
wakes, since whoever puts the watchdog off may have a turn before it.
"""

from __future__ import annotations

import faulthandler
import os
import threading
import time
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

STDERR: Final = 2
"""What is printed goes there as it is: `sys.stderr` may be something that makes records, for which there is no turn."""


@dataclass(slots=True)
class Pulse:
    """Puts off the end of this process while a thread lives, and there is work."""

    lease: float
    """A process that gave no turn for so long, in seconds, is ended within a third of it: its claims are lost by then."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False
    _end: float = 0.0
    """When the watchdog ends the process, by the monotonic clock."""
    _current: ClassVar[Self | None] = None
    _paused: ClassVar[Self | None] = None

    def start(self, watched: threading.Thread) -> None:
        """Begin, for as long as this thread lives: where it dies before `stop`, so does the process."""
        threading.Thread(target=self._beat, args=(watched,), name="saltern-pulse", daemon=True).start()
        with self._lock:
            Pulse._current = self
            self._put_off()

    def stop(self) -> None:
        """Let the process live: there is no work."""
        with self._lock:
            self._is_over = True
            Pulse._current = None
            faulthandler.cancel_dump_traceback_later()

    def _beat(self, watched: threading.Thread) -> None:
        while True:
            watched.join(self.lease / 3)
            with self._lock:
                if self._is_over or not watched.is_alive():
                    return
                if time.monotonic() > self._end:
                    faulthandler.dump_traceback(file=STDERR)
                    os._exit(1)
                self._put_off()

    def _put_off(self) -> None:
        left = self.lease * 4 / 3
        self._end = time.monotonic() + left
        faulthandler.dump_traceback_later(left, exit=True, file=STDERR)

    def pause(self) -> None:
        """Take the watchdog away until `resume`."""
        self._lock.acquire()
        faulthandler.cancel_dump_traceback_later()

    def resume(self) -> None:
        """Put it back, where there is work."""
        if not self._is_over:
            self._put_off()
        self._lock.release()

    @classmethod
    def before_fork(cls) -> None:
        """Take it away: a child inherits that there is one, but not its thread, for which it would wait at its end."""
        cls._paused = cls._current
        if cls._paused is not None:
            cls._paused.pause()

    @classmethod
    def after_fork(cls) -> None:
        """Put it back in the parent."""
        if cls._paused is not None:
            cls._paused.resume()

    @classmethod
    def in_child(cls) -> None:
        """Forget the parent's: the child has no thread that would put it off."""
        cls._current = cls._paused = None


os.register_at_fork(before=Pulse.before_fork, after_in_parent=Pulse.after_fork, after_in_child=Pulse.in_child)
