"""Own code of the storm: each act is written down outside of Redis, under its effect key, in the folder that CHAOS_LEDGER names."""

import json
import os
import time
from pathlib import Path

from saltern_runtime.errors import TransientError
from saltern_runtime.observe.here import HERE


def act(run: str, label: str, value: int, fails: int = 0, seconds: float = 0.1) -> int:
    """Act for some seconds, and give the next number; the first `fails` times it is refused once it has acted."""
    where = HERE.get()
    if where is None:
        raise RuntimeError("no node is at hand")
    ledger = Path(os.environ["CHAOS_LEDGER"]) / run
    line = json.dumps({"key": f"{where.run}:{where.path}:{where.node}", "label": label})
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"{line}\n".encode())  # one write: lines of two processes never mix
    finally:
        os.close(file)
    time.sleep(seconds)
    if ledger.read_text().count(f'"label": {json.dumps(label)}') <= fails:
        raise TransientError("not now", code="not-now")
    return value + 1


def large(value: int) -> str:
    """Give a text that is kept outside of its run's record."""
    return "x" * (40_000 + value)
