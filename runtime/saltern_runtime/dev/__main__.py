"""`python -m saltern_runtime.dev DIR [--port N] [--once|--value --input FILE [--answer NODE=ANSWER] [--file FIELD=PATH] [--save DIR] [--verbose]] [--json-events]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from saltern_runtime.dev.children import ChildError
from saltern_runtime.dev.store import StoreMissingError
from saltern_runtime.dev.tree import TreeError, find
from saltern_runtime.settings import SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a generated tree; exit code 1 with a message where it cannot, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m saltern_runtime.dev", description="Run a generated service on this machine."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="a tree that `saltern build` wrote")
    parser.add_argument("--port", type=int, default=0, help="of the API on 127.0.0.1 (default: any that is free)")
    parser.add_argument("--once", action="store_true", help="one run in this process, then end")
    parser.add_argument(
        "--value", action="store_true", help="what the node `return` gives, without an engine, then end"
    )
    parser.add_argument(
        "--input", metavar="FILE", help="JSON input of the one run, or of the value; - reads standard input"
    )
    parser.add_argument(
        "--answer", metavar="NODE=ANSWER", action="append", default=[], help="what the one run waits for"
    )
    parser.add_argument(
        "--file",
        metavar="FIELD=PATH",
        action="append",
        default=[],
        help="a file of the one run's input; several make a list",
    )
    parser.add_argument("--save", metavar="DIR", type=Path, help="where files of the one run's output are written")
    parser.add_argument("--verbose", action="store_true", help="the calls that led to each failure of the one run")
    parser.add_argument("--json-events", action="store_true", help="one JSON object a line instead of text")
    parser.add_argument("--orders", type=int, metavar="FD", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.once + given.value != (given.input is not None or (given.once and bool(given.file))):
        parser.error("--input FILE goes with either --once or --value")
    if (given.file or given.save is not None) and not given.once:
        parser.error("--file FIELD=PATH and --save DIR go with --once")
    if not 0 <= given.port <= 65_535:
        parser.error("--port is a number from 0 to 65535")
    if isinstance(sys.stdout, TextIOWrapper):
        # lines about runs, in a terminal that cannot hold them
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _run(given)
    except (TreeError, StoreMissingError, ChildError, SettingsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output is gone; the descriptor goes too, so that the interpreter's last flush finds nothing to say.
        sys.stdout = None
        return 1


def _run(given: argparse.Namespace) -> int:
    tree = find(given.folder)
    if given.once or given.value:
        from saltern_runtime.dev.desk import DeskError
        from saltern_runtime.dev.files import FileError
        from saltern_runtime.dev.given import InputError, Wanted, take

        try:
            if given.value:
                from saltern_runtime.dev import value

                return value.run(tree, given.input)
            wanted = Wanted(
                given.input, given.answer, given.file, given.save, json_events=given.json_events, verbose=given.verbose
            )
            taken = take(tree, wanted)
            from saltern_runtime.dev import once

            return once.run(tree, wanted, taken)
        except (InputError, FileError, DeskError) as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    from saltern_runtime.dev import serve

    return serve.run(tree, port=given.port, json_events=given.json_events, orders=given.orders)


if __name__ == "__main__":
    raise SystemExit(main())
