"""How much memory a node may take: what asks for more fails, before whatever else is in the container or on the machine has to."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import Final

LEAST: Final = 256 << 20
"""Bytes that a process gets even where that is more than half of what there is: it has some 80 MB before it does anything."""
_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's limit stands: version 2 of control groups, and 1."""


def bound_of(setting: int) -> int:
    """Return the bytes that a process of a worker may have: as set, or half of what its container has, or its machine."""
    return setting or max(LEAST, min(_machine(), *map(_limit, _LIMITS)) // 2)


def confine(most: int) -> None:
    """Let this process have so many bytes of memory of its own, and no more: who asks for more gets a MemoryError.

    RLIMIT_DATA counts what is writable and private, stacks of threads (8 MB each, mostly) and what was never touched among it, but no programs;
    what is started from here may raise it.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError, OSError):  # whoever started us allows less
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def most_resident(most: int) -> int:
    """Return the kibibytes of a process at which another one takes its place, between two stages: three quarters."""
    return most * 3 // 4096


def _machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _limit(file: str) -> int:
    """Return what a file says, or all there is: where it is not there, or says `max`."""
    try:
        return int(Path(file).read_text("ascii"))
    except (OSError, ValueError):
        return _machine()
