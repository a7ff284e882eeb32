"""Every code block of the pages is what it says it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.making.blocks import Block, PageError, beside, blocks, prelude, whole
from docs.making.site import read_pages
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.rules import DEFAULT
from saltern_compiler.driver import Result, compile_source
from saltern_compiler.driver.configuration import read_configuration
from saltern_compiler.driver.upgrade import upgrade
from tests.support.transcripts import commands, fits

ROOT = Path(__file__).parents[2]
PAGES = read_pages(ROOT / "docs")
_OF_A_PART = frozenset({"unused-connection", "unused-secret", "unused-node"})
"""What a part of a pipeline may be found guilty of, since the rest of it does not stand there."""


def _all(notation: str) -> list[object]:
    return [
        pytest.param(path, block, id=f"{path}:{block.line}")
        for path, page in PAGES.items()
        for block in blocks(page)
        if block.notation == notation
    ]


def _compiled(block: Block, page: str, targets: tuple[str, ...] = ()) -> Result:
    name = block.file or "example.saltern"
    return compile_source(whole(block, page), source_name=name, targets=targets, files=beside(page))


@pytest.mark.parametrize(("path", "block"), _all("saltern"))
def test_pipelines_have_the_findings_that_are_said(path: str, block: Block) -> None:
    """A block of the language is clean, or has exactly the findings that it is there to show."""
    result = _compiled(block, PAGES[path])
    found = {each.code for each in result.diagnostics}
    if "fragment" in block.marks:
        found -= _OF_A_PART - set(block.fails)
    assert tuple(sorted(found)) == block.fails, [(each.code, each.message) for each in result.diagnostics]


@pytest.mark.parametrize(("path", "block"), _all("json"))
def test_json_is_json_and_drawings_are_pipelines(path: str, block: Block) -> None:
    """Every block parses; one that is a drawing, with nodes in it, compiles without a finding, an old one after its steps."""
    value = json.loads(block.text)
    if isinstance(value, dict) and "nodes" in value:
        files = beside(PAGES[path])
        text = upgrade(block.text, "example.json").text
        assert compile_source(text, source_name="example.json", targets=(), files=files).diagnostics == ()


@pytest.mark.parametrize(("path", "block"), _all("toml"))
def test_configurations_are_toml(path: str, block: Block) -> None:
    """A block of TOML parses, and one without a file, which no command reads, says nothing wrong either."""
    name = "pyproject.toml" if "[tool." in block.text else "saltern.toml"
    configuration = read_configuration(block.text, name, lambda: CODES)
    assert configuration.rules != DEFAULT or configuration.findings, path
    assert block.file or not configuration.findings


@pytest.mark.parametrize(("path", "block"), _all("python"))
def test_python_runs_or_comes_out(path: str, block: Block, tmp_path: Path) -> None:
    """A block of Python runs beside the page's files, or stands in what the last pipeline before it compiles to."""
    page = PAGES[path]
    if "from" in block.marks:
        before = [
            each
            for each in blocks(page)
            if each.notation == "saltern" and each.line < block.line and not each.marks.keys() & {"fragment", "fails"}
        ]
        emitted = _compiled(before[-1], page, ("python", "fastapi", "celery")).artifacts[block.marks["from"]].decode()
        assert block.text in emitted
        return
    _lay_down(page, tmp_path)
    ran = subprocess.run([sys.executable, "-c", block.text], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def _lay_down(page: str, folder: Path) -> None:
    for block in blocks(page):
        if block.file:
            (folder / block.file).parent.mkdir(exist_ok=True)
            (folder / block.file).write_text(whole(block, page), "utf-8")


_WITH_COMMANDS = [path for path, page in PAGES.items() if any(block.notation == "console" for block in blocks(page))]


@pytest.mark.parametrize("path", _WITH_COMMANDS)
def test_commands_print_what_stands_below_them(path: str, tmp_path: Path) -> None:
    """The commands of a page run one after the other, in a folder with the page's files, and print what is shown."""
    page = PAGES[path]
    _lay_down(page, tmp_path)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in (block for block in blocks(page) if block.notation == "console"):
        for command, shown in commands(block):
            ran = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            assert fits(shown, ran.stdout.strip("\n")), f"line {block.line}: $ {command}\n{ran.stdout}"


@pytest.mark.parametrize("path", PAGES)
def test_fragments_have_a_prelude(path: str) -> None:
    """A page with fragments has what completes them."""
    page = PAGES[path]
    assert prelude(page) or not any("fragment" in block.marks for block in blocks(page))


def test_words_that_mean_nothing_are_mistakes() -> None:
    """A word behind a notation is one that the tests and the site understand."""
    with pytest.raises(PageError, match="line 3: no block begins with `saltern fail`"):
        list(blocks("# a\n\n```saltern fail=cycle\n```\n"))
    with pytest.raises(PageError, match="line 1: no block begins with `ruby `"):
        list(blocks("```ruby\n```\n"))


def test_an_ellipsis_stands_for_anything() -> None:
    """What differs from run to run is left out of what a page shows, and everything else is compared."""
    assert fits("run …  SUCCEEDED", "run 0-12ab  SUCCEEDED")
    assert fits("…\ndone", "one\ntwo\ndone")
    assert not fits("run …  SUCCEEDED", "run 0-12ab  FAILED")
