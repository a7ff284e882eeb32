"""`python -m saltern_runtime.dev.server PACKAGE FD MARK`: the API on a socket that outlives it, so that another can take over.

FD is a bound socket. MARK.ready appears once connections are accepted; MARK.closed once, after SIGTERM, no more are: what is
under way is then still finished.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from importlib import import_module
from pathlib import Path

import uvicorn

LINGER = 0.5
"""Seconds between the last accepted connection and the end of those that have sent nothing."""


class _Server(uvicorn.Server):
    """Leaves marks for whoever started it."""

    def __init__(self, config: uvicorn.Config, mark: Path) -> None:
        super().__init__(config)
        self._mark = mark

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._mark.with_suffix(".ready").touch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._mark.with_suffix(".closed").touch()
        # uvicorn hangs up on connections without a request: those accepted last get a moment to send theirs.
        await asyncio.sleep(LINGER)
        await super().shutdown(sockets)


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    package, descriptor, mark = arguments
    # The app is made once uvicorn has set up logs, as where uvicorn is started by itself: it writes them as the settings say.
    create_app = import_module(package).create_app
    server = _Server(uvicorn.Config(create_app, factory=True, host="127.0.0.1"), Path(mark))
    server.run(sockets=[socket.socket(fileno=int(descriptor))])
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
