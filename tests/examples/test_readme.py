"""What the README shows."""

import re
import shlex
from pathlib import Path

import click
import pytest

from saltern_compiler import compile_source
from saltern_compiler.cli.root import COMMANDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_pipeline_compiles_to_what_stands_below_it():
    """The README's pipeline has no finding, and the function shown after it is the one that comes out."""
    [pipeline] = blocks("saltern")
    result = compile_source(pipeline, source_name="readme.saltern")
    assert result.diagnostics == ()
    shown = next(block for block in blocks("python") if block.startswith("@node"))
    emitted = result.artifacts["support_triage/nodes.py"].decode()
    assert shown in emitted


def test_every_file_that_is_named_is_there():
    """Links and paths of the README lead somewhere."""
    named = [*re.findall(r"\]\(([^)#]+)\)", README), *re.findall(r"examples/\S+?\.(?:saltern|json|yml)", README)]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def commands():
    """Return the command lines of the README, without comments and what is for the shell alone."""
    lines = re.findall(r"^    (saltern .*)$", README, re.MULTILINE)
    return [part.strip() for line in lines for part in plain(line).split("&&")]


def plain(line):
    """Return a line without its comment, and with the place holders of a README filled in."""
    return re.sub(r"\s#\s.*", "", line).replace("NAME", "name").replace("RUN", "0-00")


@pytest.mark.parametrize("line", commands())
def test_every_command_is_one(line, monkeypatch, tmp_path):
    """Its name and each of its options are those of the command line; nothing of it is done."""
    words = shlex.split(line)
    assert words[0] == "saltern"
    name, *arguments = words[1:]
    assert name in COMMANDS
    command = root_command(name)
    context = click.Context(command, info_name=name)
    while isinstance(command, click.Group):
        word, *arguments = arguments
        command = command.get_command(context, word)
        assert command is not None, f"no command {name} {word}"
        context = click.Context(command, parent=context)
    (tmp_path / "order.json").write_text("{}")
    for folder in ("examples", "docs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    command.parse_args(click.Context(command), list(arguments))


def root_command(name):
    """Return a command of the command line."""
    from importlib import import_module

    return import_module(f"saltern_compiler.cli.{name}").command
