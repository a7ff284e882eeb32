"""What the world saw: a file a run, a line an act, written by own code (pipelines/acts.py) and by the bank, which runs call over HTTP."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

from tests.chaos.storm.judge import Act


def acts_of(folder: Path, run: str) -> tuple[Act, ...]:
    """Read what the world saw of a run, in the order in which it happened."""
    try:
        lines = (folder / run).read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(Act(**json.loads(line)) for line in lines)


class Bank(ThreadingHTTPServer):
    """What runs call: it writes each act down under the `Idempotency-Key` that came with it, and gives the next number."""

    daemon_threads = True

    def __init__(self, address: str, folder: Path) -> None:
        super().__init__((address, 0), _Handler)
        self.folder = folder
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.server_address[0]!s}:{self.server_address[1]}"

    def close(self) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked was killed, or cut off."""


def hangs_up(run: str, label: str) -> bool:
    """Say whether the bank gives no answer to the first call of an act: one in eight, whatever else goes wrong."""
    return crc32(f"{run} {label}".encode()) % 8 == 0


def _lines(folder: Path, body: dict[str, Any]) -> list[Act]:
    return [act for act in acts_of(folder, body["run"]) if act.label == body["label"]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Bank

    def do_POST(self) -> None:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line = json.dumps({"key": self.headers["Idempotency-Key"], "label": body["label"]})
        file = os.open(self.server.folder / body["run"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)
        if hangs_up(body["run"], body["label"]) and len(_lines(self.server.folder, body)) == 1:
            self.close_connection = True  # it has acted, and nobody hears of it
            return
        answer = json.dumps({"value": body["value"] + 1}).encode()
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Say nothing."""
