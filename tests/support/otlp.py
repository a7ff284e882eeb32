"""What collects traces: a real receiver of OTLP over HTTP on the loopback, which keeps the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.until import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Seen:
    """A span as it came."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    """Empty: it is a root."""
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    links: tuple[tuple[str, str], ...]
    status: int
    said: str
    began: int
    ended: int


@dataclass
class Receiver:
    """A receiver that is up."""

    url: str
    spans: list[Seen] = field(default_factory=list)
    requests: list[Mapping[str, str]] = field(default_factory=list)
    """The headers of each request."""

    def named(self, *names: str) -> list[Seen]:
        """Wait until spans of these names have come, and return the first of each."""
        found = until(lambda: all(any(each.name == name for each in self.spans) for name in names))
        assert found, (names, sorted(each.name for each in self.spans))
        return [next(each for each in self.spans if each.name == name) for name in names]

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _plain(of.resource.attributes)
            for span in (span for scope in of.scope_spans for span in scope.spans):
                self.spans.append(
                    Seen(
                        span.name, span.kind, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
                        _plain(span.attributes), resource, tuple((each.name, _plain(each.attributes)) for each in span.events),
                        tuple((each.trace_id.hex(), each.span_id.hex()) for each in span.links),
                        span.status.code, span.status.message, span.start_time_unix_nano, span.end_time_unix_nano,
                    )
                )  # fmt: skip


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive spans until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append({**dict(self.headers.items()), ":path": self.path})
            receiver.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
