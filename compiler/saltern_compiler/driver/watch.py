"""Whether a pipeline's files have changed since they were last looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

_State: TypeAlias = tuple[int, int, int] | None


class Watch:
    """Polls times, sizes and inodes of a handful of files: nothing to install, and the same on every file system.

    A change counts once two looks in a row saw the same, so a file is not read while it is being written.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._known: dict[Path, _State] = {}
        self._last: dict[Path, _State] = {}
        self.look_at(paths)

    def look_at(self, paths: Iterable[Path]) -> None:
        """Watch these files from now on; of those that were watched before, no change is missed."""
        self._known = {path: self._known[path] if path in self._known else _state(path) for path in paths}

    def changed(self) -> bool:
        """Look; whether something is settled that was otherwise before."""
        now = {path: _state(path) for path in self._known}
        settled, self._last = now == self._last, now
        if not settled or now == self._known:
            return False
        self._known = now
        return True


def _state(path: Path) -> _State:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
