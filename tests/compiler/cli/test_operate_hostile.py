"""`saltern runs` and `saltern dead` against a service that means ill."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

EVIL = "\x1b]0;x\x07\x1b[31m\u202e\x9b31m"


class Ill(BaseHTTPRequestHandler):
    """Refuses everything, in words that move a cursor."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        told = {"title": "t", "status": 409, "code": f"c{EVIL}", "detail": f"d{EVIL}"}
        self._send(409, "application/problem+json", json.dumps(told))

    def _send(self, status, kind, text):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *told):
        """Say nothing."""


@pytest.fixture
def ill(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ill)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SALTERN_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("SALTERN_TOKEN", "saltern_x")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "command", [("runs", "pause", "r"), ("runs", "cancel", "r"), ("runs", "replay", "r"), ("dead", "discard", "r", "p")]
)
def test_why_it_refuses_moves_no_cursor(ill, saltern, command):
    """What the service says of a refusal is shown as text."""
    code, out, err = saltern(*command)
    assert (code, out) == (1, "")
    assert "d" in err
    assert not set(err) & set("\x1b\x07\x9b\u202e")
