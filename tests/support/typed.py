"""What mypy says of code that tests wrote or generated."""

import fcntl
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".mypy_cache" / "tests"
"""What mypy has found out about libraries and runtime, by their content: that is nine tenths of its work."""


def typed(*paths, cwd):
    """Check packages and modules by `mypy --strict` and no configuration, in a folder that has none; returns what it says, and 0 for content."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time writes to the cache
        command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(CACHE), *map(str, paths)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode
