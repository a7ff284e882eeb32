"""What commands share: loading a source, showing findings, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from saltern_compiler.diagnostics.model import Diagnostic
    from saltern_compiler.driver import Result, Source
    from saltern_compiler.driver.configuration import Configuration
    from saltern_compiler.frontend.locate import Locator

F = TypeVar("F", bound=Callable[..., Any])
FINDINGS = 1
MISUSE = 2
LEVEL = 1
"""How much is optimized where nobody says."""


def optimize_option(command: F) -> F:
    """Give a command that plans a pipeline the option `-O LEVEL`, as `optimize`."""
    return click.option(
        "-O",
        "optimize",
        type=click.IntRange(0, 2),
        default=LEVEL,
        metavar="LEVEL",
        help="How much to optimize: -O0 nothing, a checkpoint after each node; -O1, the default; -O2 speed before checkpoints.",
    )(command)


def trigger_option(command: F) -> F:
    """Give a command that compiles a pipeline the option `--trigger TRIGGER`, as `triggers`."""
    return click.option(
        "--trigger",
        "triggers",
        multiple=True,
        metavar="TRIGGER",
        help="What starts a run, in place of all that the source says: what stands behind `on`, such as 'schedule \"0 7 * * *\"'; may be repeated.",
    )(command)


def fail(message: str) -> NoReturn:
    """Stop because the command was called wrongly."""
    click.echo(f"saltern: {message}", err=True)
    sys.exit(MISUSE)


def load(path: str) -> Source:
    """Read a source, or say why not and stop."""
    from saltern_compiler.driver.source import Source, SourceError

    try:
        return Source.load(path)
    except SourceError as error:
        fail(str(error))


def compile_clean(
    path: str,
    *,
    targets: Sequence[str] | None = None,
    options: Mapping[str, str] | None = None,
    optimize: int = LEVEL,
    triggers: Sequence[str] = (),
) -> Result:
    """Compile a pipeline for some targets (all by default); show what is wrong with it and stop if anything is."""
    from saltern_compiler.driver.compile import TARGETS, UnknownTargetError, compile_loaded, known_options
    from saltern_compiler.target import OptionError

    source = load(path)
    chosen = TARGETS if targets is None else targets
    try:
        for name in options or {}:
            if name not in known_options(chosen):
                fail(f"no option {name!r}; there are {', '.join(known_options(chosen)) or 'none for these targets'}")
        result = compile_loaded(source, targets=chosen, options=options, optimize=optimize, triggers=triggers)
    except UnknownTargetError as error:
        fail(str(error))
    except OptionError as error:
        fail(str(error))
    if result.configuration.findings:
        show_configuration(result.configuration)
    if result.diagnostics:
        show(result.diagnostics, source, path)
    if result.of_given:
        show(result.of_given, replace(source, name="triggers.saltern", text=result.given), "--trigger")
    if result.has_errors or result.configuration.has_errors:
        sys.exit(FINDINGS)
    return result


def read_options(pairs: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` words, or say which one is none and stop."""
    bad = [pair for pair in pairs if "=" not in pair]
    if bad:
        fail(f"an option is NAME=VALUE, such as image=registry.example/orders:1; {bad[0]!r} is not")
    return dict(pair.split("=", 1) for pair in pairs)


def show(diagnostics: Sequence[Diagnostic], source: Source, path: str, *, err: bool = True) -> None:
    """Print findings for a person."""
    color = wants_color(sys.stderr if err else sys.stdout)
    click.echo(rendered(diagnostics, source, path, color=color), err=err, nl=False, color=color)


def show_configuration(configuration: Configuration, *, err: bool = True) -> None:
    """Print what is wrong with a configuration for a person."""
    from saltern_compiler.diagnostics.render import render_terminal  # only where something is wrong

    color = wants_color(sys.stderr if err else sys.stdout)
    text = render_terminal(configuration.findings, configuration.text, configuration.name, color)
    click.echo(text, err=err, nl=False, color=color)


def rendered(diagnostics: Sequence[Diagnostic], source: Source, path: str, *, color: bool) -> str:
    """Write findings for a person."""
    from saltern_compiler.diagnostics.render import render_terminal  # only where something is wrong

    return render_terminal(diagnostics, source.text, shown(path, source), color, locator=locator(source))


def wants_color(stream: IO[Any]) -> bool:
    """Whether what is printed there may be coloured."""
    from saltern_compiler.diagnostics import render

    return render.wants_color(is_terminal=stream.isatty())


def locator(source: Source) -> Locator:
    """Return what finds places in a source."""
    from saltern_compiler.frontend.locate import Locator

    return Locator(source.text, source.name)


def shown(path: str, source: Source) -> str:
    """Return how a source is called in what is printed."""
    return source.name if path == "-" else path


def difference(old: str, new: str, path: str) -> str:
    """Write what differs between two texts of a file."""
    import difflib  # only with --diff

    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), path, path)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def plural(count: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
