"""`python -m tests.chaos.storm.slowly ADDRESS PORT TARGET_PORT SECONDS`: pass on what comes to a port, half of SECONDS late each way.

Stands before Redis while that is slow (the kernel may know no `tc netem`), and before each process where there are no namespaces: stopped, it
is a network that passes nothing on.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, each part so much later; all that is on its way at once."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while (part := await parts.get())[1]:
            await asyncio.sleep(part[0] - loop.time())
            writer.write(part[1])
            await writer.drain()

    with suppress(OSError):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(write())
            data = b"."
            while data:
                data = await reader.read(65_536)
                parts.put_nowait((loop.time() + seconds, data))
    writer.close()


async def serve(address: str, port: int, target: int, seconds: float) -> None:
    """Listen for ever."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ExceptionGroup):
            from_there, to_there = await asyncio.open_connection(address, target)
            await asyncio.gather(
                _pass_on(reader, to_there, seconds / 2),
                _pass_on(from_there, writer, seconds / 2),
            )
        writer.close()

    async with await asyncio.start_server(connected, address, port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
