"""Each case file shows one thing: its second line says which codes the compiler reports, and no others."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from saltern_compiler.frontend import read
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry

CASES = Path(__file__).with_name("cases")
PAGES = Path(analyze.__code__.co_filename).parents[1] / "diagnostics" / "docs"
FILES = sorted(path for path in CASES.rglob("*") if path.is_file())
CHECKS = {path.stem for path in (Path(analyze.__code__.co_filename).parent / "checks").glob("*.py")} - {"__init__"}


def codes(text: str, name: str) -> list[str]:
    pipeline, found = read(text, name)
    diagnostics = list(found)
    if pipeline is not None:
        diagnostics += analyze(pipeline, Registry.load(), {}, incomplete=bool(found)).diagnostics
    return sorted(each.code for each in diagnostics)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_case(path):
    """A case gives exactly the codes that it names."""
    text = path.read_text("utf-8")
    expected = text.splitlines()[1].removeprefix("# expect:").replace("nothing", "").split()
    assert codes(text, path.name) == sorted(expected)


def test_every_check_has_cases():
    """Each check has a folder of cases, or a page whose example the tests of the catalogue run."""
    without = CHECKS - {path.parent.name for path in FILES}
    assert without == {"size"}


def test_every_code_has_a_page():
    """Each code that a check can report is explained."""
    sources = Path(analyze.__code__.co_filename).parent.rglob("*.py")
    constants = {
        each.value
        for path in sources
        for each in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
    used = {each for each in constants if re.fullmatch(r"[a-z]+(-[a-z]+)+", each)} | {"cycle"}
    assert len(used) > 35
    assert used <= {path.stem for path in PAGES.glob("*.md")}


def test_no_message_repeats_a_secret():
    """What may be a secret is never shown, in whatever finding."""
    text = (
        "pipeline example\n\n"
        'connection team = slack { token: "hunter2hunter2" }\n'
        'tell = slack.post_message(team) { channel: "#ops", text: "xoxb-hunter2-hunter2-hunter2" }\n'
    )
    pipeline, _ = read(text, "example.saltern")
    assert pipeline is not None
    found = analyze(pipeline, Registry.load()).diagnostics
    assert {each.code for each in found} == {"literal-secret", "looks-like-secret"}
    assert not any("hunter2" in str(each) for each in found)
