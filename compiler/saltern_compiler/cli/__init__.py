"""The command line: `saltern check`, `build`, `explain`, `dev`, `run`, `digest`, `schema`. One file a command, loaded when called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

_THRESHOLD: Final = 200_000
"""Objects that come new before any are looked through: importing the compiler makes half as many, and all of them stay."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit: 0 clean, 1 findings, 2 misuse, 70 our own bug, 130 interrupted."""
    gc.set_threshold(_THRESHOLD)
    from saltern_compiler.cli.root import cli  # importing the package stays free

    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(args=given, prog_name="saltern", standalone_mode=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the person gets a sentence and a way to report it
        from saltern_compiler.cli.crash import report  # seldom needed

        raise SystemExit(report(error, given)) from None
    finally:
        gc.freeze()  # at its end the interpreter collects three times, and all that is left is its own
    raise SystemExit(0)
