"""`python -m saltern_runtime.observe.health [URL | FILE]`: whether a process of a service is alive, for a container's probe.

A URL is alive when it answers 2xx; a file (a heartbeat) when it was touched within a minute. Without an argument: the file that
SALTERN_HEARTBEAT_FILE names, or the API on port 8000. Exits 0 or 1; needs the standard library alone, so that it starts quickly.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

API: Final = "http://127.0.0.1:8000/healthz"
OLD: Final = 60.0
"""Seconds after which a heartbeat that is touched every 5 counts as stopped."""
TIMEOUT: Final = 3.0


def check(what: str) -> str:
    """Return what is wrong; empty: it is alive."""
    try:
        return _url(what) if what.startswith("http://") else _file(Path(what))
    except (OSError, HTTPException) as error:
        return f"{what}: {error}"


def _url(url: str) -> str:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    finally:
        connection.close()
    return "" if 200 <= status < 300 else f"{url} answers {status}"


def _file(path: Path) -> str:
    age = time.time() - path.stat().st_mtime
    return "" if age < OLD else f"{path} was last touched {age:.0f} s ago"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run as a command."""
    what = arguments[0] if arguments else environment.get("SALTERN_HEARTBEAT_FILE") or API
    wrong = check(what)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
