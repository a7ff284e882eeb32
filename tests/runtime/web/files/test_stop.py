"""A process that is told to stop while files come in."""

import time

from saltern_runtime.files import CHUNK
from tests.runtime.web.files.test_files import begin, until


def test_a_stop_ends_what_trickles_in(serve, keyring, redis_client, name):
    """Uploads whose clients have stopped sending do not keep the process; what has come of them expires."""

    def payloads():
        return redis_client.keys(f"*{name}*payload:*")

    with serve() as (process, _):
        head = ("POST /files HTTP/1.1", "Content-Length: 5000000")
        held = [begin(process, keyring, *head, body=b"x" * 2 * CHUNK) for _ in range(3)]
        assert until(lambda: len(payloads()) >= 3)
        process.process.terminate()
        end = time.monotonic() + 20
        while process.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert process.process.poll() is not None
        assert all(redis_client.pttl(key) > 0 for key in payloads())
        for sock in held:
            sock.close()
