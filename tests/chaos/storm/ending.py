"""Ending processes with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress


def send(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a process that leads a group, and to all of that group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the whole group, whether its first process still lives or not."""
    send(process, signal.SIGKILL)
    process.wait()
