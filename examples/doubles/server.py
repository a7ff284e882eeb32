"""What every double is made of: a small server that keeps what it got and fails when told to.

    GET  /_received   what came in, oldest first: method, path, query, headers, body
    POST /_faults     a list of faults, used up one a request: {"status", "headers", "json" or "body", "delay", "close"}
    POST /_reset      forget both

A fault that only has a `delay` (seconds) answers late; `close` hangs up without an answer.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_BODY = 10_000_000


@dataclass(frozen=True)
class Received:
    """A request. Header names are in lower case; a JSON or form body is read, other text stays text."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is sent back; a body that is no string is sent as JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Double(ThreadingHTTPServer):
    """A running double; `answer` is the vendor's part of it."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Received], Answer], *, port: int = 0, base_path: str = "") -> None:
        """Listen on loopback; port 0 takes a free one."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_address[1]}{base_path}"
        self.received: list[Received] = []
        self._faults: deque[Mapping[str, Any]] = deque()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def __enter__(self) -> Self:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.shutdown()
        self.server_close()

    def fail(self, *faults: Mapping[str, Any]) -> None:
        """Add faults, used up one a request."""
        with self._lock:
            self._faults.extend(faults)

    def reset(self) -> None:
        """Forget what came in and what should fail."""
        with self._lock:
            self.received.clear()
            self._faults.clear()

    def take(self, request: Received) -> Mapping[str, Any]:
        """Keep a request and return the fault that it meets; empty where it meets none."""
        with self._lock:
            self.received.append(request)
            return self._faults.popleft() if self._faults else {}

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the end of the double."""
        self._stopping.wait(seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Double

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # a client that gave up is no news
            self.close_connection = True

    def _serve(self) -> None:
        request = self._read()
        if request is None:
            return
        if request.path.startswith("/_"):
            self._send(self._control(request))
            return
        fault = self.server.take(request)
        self.server.sleep(float(fault.get("delay", 0)))
        if fault.get("close"):
            self.close_connection = True
            return
        if {"status", "json", "body"} & fault.keys():
            body = fault.get("json", fault.get("body", ""))
            self._send(Answer(body, int(fault.get("status", 200)), fault.get("headers", {})))
            return
        self._send(self.server.answer(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - the base class's names

    def _read(self) -> Received | None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self._send(Answer("too large", 413))
            return None
        raw = self.rfile.read(length).decode("utf-8", "replace")
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Received(
            self.command, parts.path, dict(parse_qsl(parts.query)), headers, _body(headers.get("content-type", ""), raw)
        )

    def _control(self, request: Received) -> Answer:
        match request.method, request.path, request.body:
            case "GET", "/_received", _:
                return Answer([asdict(each) for each in self.server.received])
            case "POST", "/_faults", list() as faults:
                self.server.fail(*faults)
                return Answer({"ok": True})
            case "POST", "/_reset", _:
                self.server.reset()
                return Answer({"ok": True})
        return Answer({"ok": False}, 404)

    def _send(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        content = (answer.body if is_text else json.dumps(answer.body)).encode()
        headers = {"content-type": "text/plain; charset=utf-8" if is_text else "application/json; charset=utf-8"}
        headers |= {name.lower(): value for name, value in answer.headers.items()}
        self.send_response(answer.status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Stay silent: what came in is asked for at /_received."""


def _body(content_type: str, raw: str) -> Any:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw, keep_blank_values=True))
    if kind == "application/json":
        try:
            return json.loads(raw)
        except ValueError:
            return raw
    return raw


def bearer(request: Received) -> str:
    """Return the bearer token of a request; empty where it has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def main(make: Callable[[int], Double], what: str, arguments: Iterable[str] | None = None) -> None:
    """Run a double until it is stopped; its URL is the first line on standard output."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    given = parser.parse_args(None if arguments is None else list(arguments))
    stop = stopped()
    with make(given.port) as double:
        print(double.url, flush=True)
        stop.wait()


def stopped() -> threading.Event:
    """Return what is set once the process is told to stop."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    return stop
