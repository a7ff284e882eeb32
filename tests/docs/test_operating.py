"""What the page on operating runs shows of the commands is what they print, against a real service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docs.making.blocks import blocks
from docs.making.site import read_pages
from saltern_runtime.web.operating import REFUSED
from tests.support.transcripts import commands, fits

if TYPE_CHECKING:
    from tests.support.operated import Operated

PAGE = read_pages(Path(__file__).parents[2] / "docs")["operating.md"]


def test_the_commands_print_what_stands_below_them(orders: Operated) -> None:
    """One after the other, as the page has them: a run fails, is looked at, replayed, rerun, audited."""
    orders.broken = {"unpaid": "the card is unknown"}
    (run,) = orders.started("unpaid")
    given = {"SALTERN_URL": orders.url, "SALTERN_TOKEN": orders.token, "RUN": run}
    environment = os.environ | given | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    shown = [each for block in blocks(PAGE) if block.text.startswith("$ ") for each in commands(block)]
    assert len(shown) == 7
    for command, expected in shown:
        ran = subprocess.run(
            command, shell=True, env=environment, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert fits(expected, ran.stdout.strip("\n")), f"$ {command}\n{ran.stdout}"
        orders.finish(run)


def test_every_reason_of_a_refusal_is_on_the_page() -> None:
    """Code by code."""
    assert [code for code, _ in REFUSED.values() if f"`{code}`" not in PAGE] == []
