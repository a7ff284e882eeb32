"""The group of all commands."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from saltern_runtime.version import __version__

COMMANDS: Final = {
    "check": "Check pipelines and show everything that is wrong with them.",
    "build": "Compile a pipeline into a folder.",
    "image": "Compile a pipeline and build its container image.",
    "deploy": "Apply a pipeline to a Kubernetes cluster, and wait until it runs.",
    "explain": "Explain a pipeline's plan, or a diagnostic code.",
    "bounds": "Show what a run costs at most: time, calls, tokens, bytes.",
    "diff": "Show what changed in meaning, for callers and for runs in flight.",
    "dev": "Run a pipeline's whole service here, on an embedded server.",
    "run": "Run a pipeline once, in one process, and print its output.",
    "runs": "Look at the runs of a service and operate them: pause, resume, replay, rerun, cancel.",
    "schedules": "Look at the schedules of a service, pause and resume them.",
    "dead": "Work through dead letters: list, show, replay, discard.",
    "drained": "Show which versions have open runs, and whether old workers may go.",
    "migrate": "Let open runs go on with a newer version, where that is proven.",
    "eval": "Evaluate one expression over a JSON or YAML file.",
    "fmt": "Format pipelines: one look, the same meaning, every comment kept.",
    "upgrade": "Bring pipelines to the newest versions of documents and node types.",
    "convert": "Turn an editor's document into the language, or the other way.",
    "graph": "Draw a pipeline: SVG, Mermaid or DOT.",
    "nodes": "List the node types, or show the parameters of one.",
    "digest": "Print the digest of what a pipeline means.",
    "schema": "Print the JSON Schema of the editor's documents.",
    "wheel": "Write the wheel of saltern-runtime, which images need.",
}
"""Every command with its line in the help, in the order people need them; each is a module of this package."""

_DEBUG: Final = click.Option(["--debug"], is_flag=True, hidden=True, expose_value=False)
"""Every command takes it; the crash report looks for it among the arguments."""


class _Lazy(click.Group):
    """Loads a command when it is called, so that help and checks start quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"saltern_compiler.cli.{cmd_name}").command
        if _DEBUG not in command.params:
            command.params.append(_DEBUG)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            from saltern_compiler.diagnostics.suggest import did_you_mean, nearest  # only on a mistake

            hint = did_you_mean(nearest(name, COMMANDS, 1))
            raise click.UsageError(" ".join((f"no command `{name}`.", *hint)), ctx)
        return super().resolve_command(ctx, args)


_HELP: Final = """
Compile an AI workflow into a service that your team owns.

\b
  saltern check orders.saltern            what is wrong with it?
  saltern dev orders.saltern              run it here, all of it
  saltern build orders.saltern -o orders  write the service
"""


@click.group(
    cls=_Lazy,
    help=_HELP,
    epilog="Exit codes: 0 clean, 1 findings, 2 misuse, 70 a bug of saltern.",
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[_DEBUG],
)
@click.version_option(__version__, prog_name="saltern")
def cli() -> None:
    """Compile an AI workflow into a service that your team owns."""
