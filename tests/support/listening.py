"""An ASGI app at a real address."""

import socket
import threading
from contextlib import contextmanager

import uvicorn


@contextmanager
def listening(app, *, at=0):
    """Serve an app by uvicorn on a port of the loopback, a free one unless it is given; yields its URL."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=1))
    open_ = socket.create_server(("127.0.0.1", at))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [open_]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{open_.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
