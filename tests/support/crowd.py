"""Many who watch runs at once, each over a socket of its own: raw HTTP, so that thousands fit into one process."""

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager


class Watcher:
    """One stream of events, read to its end."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.status = 0
        self.headers = {}
        self.text = ""
        self.first = asyncio.Event()
        """Set once it was told something."""

    async def head(self):
        """Read the head of the answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.rstrip().split("\r\n")
        self.status = int(line.split()[1])
        self.headers = dict(each.lower().split(": ", 1) for each in lines)

    async def read(self):
        """Read until the stream ends, or breaks off; returns the types of its events."""
        while data := await self._reader.read(65536):
            self.text += data.decode()
            if "event: " in self.text:
                self.first.set()
        return [line.partition(": ")[2] for line in self.text.splitlines() if line.startswith("event: ")]

    def close(self):
        """Go away."""
        self._writer.transport.abort()


async def watcher(port, token, run, *, buffer=None):
    """Open one stream; `buffer` is how many bytes it takes in without being read."""
    opened = socket.socket()
    opened.setblocking(False)
    if buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=opened, limit=2 * (buffer or 1 << 16))
    made = Watcher(reader, writer)
    request = (
        f"GET /runs/{run}/events HTTP/1.1\r\nHost: api\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    writer.write(request.encode())
    return made


@asynccontextmanager
async def crowd(port, token, runs):
    """Open a stream for each of these runs, all heads read; they go away at the end."""
    async with AsyncExitStack() as stack:
        made = []
        for first in range(0, len(runs), 100):
            some = [await watcher(port, token, run) for run in runs[first:][:100]]
            for each in some:
                stack.callback(each.close)
            await asyncio.gather(*(each.head() for each in some))
            made += some
        yield made
