"""What the page on versions shows of the commands is what they print, against a real service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.making.blocks import blocks
from docs.making.site import read_pages
from saltern_runtime.store.calls import NewRun
from saltern_runtime.store.keys import new_run_id
from saltern_runtime.store.operating import audited
from saltern_runtime.web.migrating import NOT_CURRENT, UNMOVED
from tests.support.transcripts import commands, fits

if TYPE_CHECKING:
    from tests.support.operated import Operated

PAGE = read_pages(Path(__file__).parents[2] / "docs")["versions.md"]
OLD = "sha256:" + "a1b2c3d4" * 8


def test_the_commands_print_what_stands_below_them(orders: Operated) -> None:
    """A run of an old version holds that version; one that no worker comes for says so."""
    store = orders.worker.service.store
    orders.worker.step()
    shown = [each for block in blocks(PAGE) if block.text.startswith("$ ") for each in commands(block)]
    assert len(shown) == 2
    environment = os.environ | {
        "SALTERN_URL": orders.url, "SALTERN_TOKEN": orders.token,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    paused, stranded = _open(orders), ""
    store.pause(paused, "acme", "aa", audited("pause", "me", ""))
    for command, expected in shown:
        if "STRANDED" in command:
            stranded = _open(orders)
            key = store.keys.run(stranded, ":acts")
            record = json.loads(str(store.client.hget(key, "a")))
            store.client.hset(key, "a", json.dumps(record | {"w": record["w"] - 60_000}))
        ran = subprocess.run(
            command, shell=True, env=environment | {"STRANDED": stranded}, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert fits(expected, ran.stdout.strip("\n")), f"$ {command}\n{ran.stdout}"


def test_every_reason_of_a_refusal_is_on_the_page() -> None:
    """Code by code."""
    assert [code for code, _ in (*UNMOVED.values(), NOT_CURRENT) if f"`{code}`" not in PAGE] == []


def _open(orders: Operated) -> str:
    """Make an open run of an old version."""
    entry = {
        "path": "a", "need": 1, "join": "all", "live": 0, "dead": 0, "queue": "a1b2c3d4.default", "priority": 5, "reads": "[]", "timeout": 9,
    }  # fmt: skip
    new = NewRun(
        new_run_id(0), OLD, "acme", "api", "{}", "b", "", deadline=600.0, retention=60.0, entries=(entry,)  # type: ignore[arg-type]  # mypy takes no dict for a TypedDict
    )  # fmt: skip
    return orders.worker.service.store.create(new).run_id
