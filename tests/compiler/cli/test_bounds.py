"""`saltern bounds`, and the pictures that mark its critical path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from docs.making.blocks import blocks
from saltern_compiler.bounds.document import text as schema_text
from saltern_compiler.cli.root import cli

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*/*.saltern"))
LOOP = """pipeline loop
{budget}
input {{ rows: list<string> }}
connection bank = http {{ base_url: "https://bank.example" }}
x = foreach row in input.rows {{
  @retry(2)
  a = http.request(bank) {{ url: `/{{{{ row }}}}` }}
  yield a.status
}}
return x
"""


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments], catch_exceptions=False)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    path = tmp_path / "loop.saltern"
    path.write_text(LOOP.format(budget=""), "utf-8")
    return path


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_has_bounds_in_every_form(path: Path) -> None:
    """Exit code 0; JSON fits its schema; the other notation says the same."""
    document = json.loads(_run("bounds", str(path), "--json").stdout)
    jsonschema.validate(document, json.loads(schema_text()))
    other = json.loads(_run("bounds", str(path.with_suffix(".json")), "--format", "json").stdout)
    assert {**other, "source": ""} == {**document, "source": ""}
    assert _run("bounds", str(path)).exit_code == 0
    assert _run("bounds", str(path), "--format", "markdown").stdout.startswith(f"### Bounds of `{path.stem}`\n")


def test_the_schema_is_the_file() -> None:
    """schemas/bounds.v1.json is what `python -m saltern_compiler.bounds` prints; `saltern schema bounds` prints as much."""
    assert (ROOT / "schemas/bounds.v1.json").read_text("utf-8") == schema_text()
    assert json.loads(_run("schema", "bounds").stdout) == json.loads(schema_text())


def test_why_goes_down_to_the_node(loop: Path) -> None:
    """A loop is shown with its rounds, and below it what one round gives."""
    shown = _run("bounds", str(loop), "--why", "tries:bank").stdout.splitlines()
    assert shown[0] == "tries:bank of loop: 2·size(input.rows)"
    assert [line.split()[0] for line in shown[1:]] == ["x", "each", "a"]


def test_a_measure_that_there_is_not_is_misuse(loop: Path) -> None:
    """It says which there are."""
    ran = _run("bounds", str(loop), "--why", "money")
    assert ran.exit_code == 2
    assert "there are time, bytes, calls:bank, claims" in ran.stderr


def test_a_budget_that_is_not_kept_is_exit_code_1_and_still_has_bounds(loop: Path) -> None:
    """The bounds on standard output, the finding on the other one."""
    loop.write_text(LOOP.format(budget="budget { calls: { bank: 3 } }"), "utf-8")
    ran = _run("bounds", str(loop))
    assert ran.exit_code == 1
    assert "2·size(input.rows) with retries" in ran.stdout
    assert "undecided-budget" in ran.stderr


def test_what_is_assumed_is_put_in_and_said(loop: Path) -> None:
    """Bounds are numbers then."""
    loop.write_text(LOOP.format(budget='budget { assume: { "size(input.rows)": 7 } }'), "utf-8")
    ran = _run("bounds", str(loop))
    assert "14 with retries" in ran.stdout
    assert "at most 7" in ran.stdout


@pytest.mark.parametrize(("style", "between"), [("text", "  "), ("markdown", "` ")])
def test_what_is_assumed_is_written_as_people_read_it(loop: Path, style: str, between: str) -> None:
    """Every digit of a number, and waits with their units."""
    budget = 'budget { assume: { "size(input.rows)": 1234567, "wait(asked)": 2d } }'
    text = LOOP.format(budget=budget).replace("return x", 'asked = approval { ask: "Well?" }\nreturn x')
    loop.write_text(text.replace("return x", "return { x: x, asked: asked.decision }"), "utf-8")
    ran = _run("bounds", str(loop), "--format", style)
    assert f"size(input.rows){between}at most 1,234,567" in ran.stdout
    assert re.search(rf"wait\(asked\){between} *at most 2d", ran.stdout)


def test_a_pipeline_with_mistakes_has_none(loop: Path) -> None:
    """They are shown as `check` shows them."""
    loop.write_text("pipeline loop\nreturn nothing\n", "utf-8")
    ran = _run("bounds", str(loop))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "unknown-name" in ran.stderr


@pytest.mark.parametrize(
    ("style", "marked"),
    [("svg", '<g class="region critical">'), ("mermaid", "stroke:#cf222e"), ("dot", 'color="#cf222e"; penwidth=2.5;')],
)
def test_a_picture_marks_the_critical_path(loop: Path, style: str, marked: str) -> None:
    """Only where that is asked for."""
    assert marked in _run("graph", "--critical", "--format", style, str(loop)).stdout
    assert "cf222e" not in _run("graph", "--format", style, str(loop)).stdout


def test_bounds_are_those_of_a_level(saltern, tmp_path) -> None:
    """-O0 has a stage for each node, which takes longer; a budget is judged for the level that is built, and never raised by --fix."""
    path = tmp_path / "tight.saltern"
    path.write_text(
        "pipeline tight\nbudget { time: 4m }\ninput { n: int }\na = set { value: 1 / input.n }\n"
        "b = set { value: 1 / a }\nc = set { value: 1 / b }\nreturn { c: c }\n"
    )
    assert saltern("bounds", path)[0] == 0
    code, _, err = saltern("bounds", "-O0", path)
    assert code == 1
    assert "over-budget" in err
    assert "This is at -O0" in err
    assert saltern("build", "-O0", path, "-o", tmp_path / "out")[0] == 1
    before = path.read_text()
    saltern("check", "--fix", path)
    assert path.read_text() == before


def test_what_goes_with_why_is_text(saltern) -> None:
    """A program that asks for JSON gets no text."""
    code, out, err = saltern(
        "bounds", ROOT / "examples/invoice_intake/invoice_intake.saltern", "--why", "time", "--json"
    )
    assert (code, out) == (2, "")
    assert "--why is shown as text" in err


def test_the_page_shows_the_example() -> None:
    """The pipeline of docs/bounds.md is the one in examples/."""
    page = (ROOT / "docs/bounds.md").read_text("utf-8")
    shown = next(block.text for block in blocks(page) if block.file == "invoice_intake.saltern")
    assert shown == (ROOT / "examples/invoice_intake/invoice_intake.saltern").read_text("utf-8")
