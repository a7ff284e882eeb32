"""What commands share: loading a source, showing findings, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from saltern_compiler.diagnostics.model import Diagnostic
    from saltern_compiler.driver import Result, Source
    from saltern_compiler.frontend.locate import Locator

FINDINGS = 1
MISUSE = 2


def fail(message: str) -> NoReturn:
    """Stop because the command was called wrongly."""
    click.echo(f"saltern: {message}", err=True)
    sys.exit(MISUSE)


def load(path: str) -> Source:
    """Read a source, or say why not and stop."""
    from saltern_compiler.driver.source import Source, SourceError  # noqa: PLC0415 - keeps --help quick

    try:
        return Source.load(path)
    except SourceError as error:
        fail(str(error))


def compile_clean(path: str, *, targets: Sequence[str] | None = None) -> Result:
    """Compile a pipeline for some targets (all by default); show what is wrong with it and stop if anything is."""
    from saltern_compiler.driver.compile import TARGETS, compile_loaded  # noqa: PLC0415 - keeps --help quick

    source = load(path)
    try:
        result = compile_loaded(source, targets=TARGETS if targets is None else targets)
    except LookupError as error:
        fail(str(error.args[0]))
    if result.diagnostics:
        show(result.diagnostics, source, path)
    if result.has_errors:
        sys.exit(FINDINGS)
    return result


def show(diagnostics: Sequence[Diagnostic], source: Source, path: str, *, err: bool = True) -> None:
    """Print findings for a person."""
    from saltern_compiler.diagnostics.render import render_terminal, wants_color  # noqa: PLC0415 - only where something is wrong

    stream = sys.stderr if err else sys.stdout
    color = wants_color(is_terminal=stream.isatty())
    text = render_terminal(diagnostics, source.text, shown(path, source), color, locator=locator(source))
    click.echo(text, err=err, nl=False, color=color)


def locator(source: Source) -> Locator:
    """Return what finds places in a source."""
    from saltern_compiler.frontend.locate import Locator  # noqa: PLC0415 - as above

    return Locator(source.text, source.name)


def shown(path: str, source: Source) -> str:
    """Return how a source is called in what is printed."""
    return source.name if path == "-" else path


def plural(count: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
