"""A process that is told to stop while files come in."""

from saltern_runtime.files import CHUNK
from tests.runtime.web.files.test_files import begin
from tests.support.until import until


def test_a_stop_ends_what_trickles_in(serve, keyring, redis_client, pipeline):
    """Uploads whose clients have stopped sending do not keep the process; what has come of them expires."""

    def payloads():
        return redis_client.keys(f"*{pipeline}*payload:*")

    with serve() as (process, _):
        head = ("POST /files HTTP/1.1", "Content-Length: 5000000")
        held = [begin(process, keyring, *head, body=b"x" * 2 * CHUNK) for _ in range(3)]
        assert until(lambda: len(payloads()) >= 3)
        process.process.terminate()
        process.process.wait(20)
        assert all(redis_client.pttl(key) > 0 for key in payloads())
        for sock in held:
            sock.close()
