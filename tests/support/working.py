"""A worker in this process that works beside the test."""

import threading
from contextlib import contextmanager


@contextmanager
def working(worker):
    """Let a service in this process work until the block ends."""
    over = threading.Event()

    def work():
        while not over.is_set():
            if not worker.step():
                over.wait(0.005)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
