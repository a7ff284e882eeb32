"""Both notations say the same: whatever one says, the other says too, and a second trip changes no byte."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from saltern_compiler.expr.ast import Call, Const
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.document.canvas import read_layout
from saltern_compiler.frontend.language.format import format_text
from saltern_compiler.frontend.language.printer import print_language
from saltern_compiler.frontend.notations import DOCUMENT, LANGUAGE
from saltern_compiler.frontend.remarks import Remark, Remarks
from saltern_compiler.ir.canonical import canonical, digest
from saltern_compiler.ir.pipeline import Node, map_nodes
from saltern_compiler.ir.values import Expression, Literal, Value
from saltern_compiler.ir.verify import verify
from saltern_compiler.registry import Registry
from tests.support.effort import tries
from tests.support.pipelines import pipelines, remarks

ROOT = Path(__file__).parents[3]
EXAMPLES = [
    path
    for path in sorted(ROOT.glob("examples/*/*"))
    if path.suffix in {".saltern", ".json"} and path.stem == path.parent.name
]
PAGES = sorted((ROOT / "compiler/saltern_compiler/diagnostics/docs").glob("*.md"))


def _blocks() -> list[tuple[str, str]]:
    """Return name and source of every block that a page recommends."""
    found: list[tuple[str, str]] = []
    for page in PAGES:
        better = page.read_text("utf-8").partition("## Use instead")[2]
        blocks = re.findall(r"```(saltern|json|yaml)\n(.*?)```", better, re.DOTALL)
        found += [(f"{page.stem}.{suffix}", text) for suffix, text in blocks]
    return found


def _trip(text: str, name: str) -> None:
    """Take a source to the other notation and back, twice."""
    original, _ = read(text, name)
    assert original is not None
    if name.endswith(".saltern"):
        made, findings = convert(text, name, DOCUMENT)
        assert made is not None, findings
        text = made.text
        name = "a.json"
    first, findings = convert(text, name, LANGUAGE)
    assert first is not None, findings
    document, findings = convert(first.text, "a.saltern", DOCUMENT, layout=first.layout)
    assert document is not None, findings
    second, findings = convert(document.text, "a.json", LANGUAGE)
    assert second is not None, findings
    assert second.layout is not None
    again, findings = convert(second.text, "a.saltern", DOCUMENT, layout=read_layout(second.layout.text()))
    assert again is not None, findings
    assert second.text == first.text
    assert again.text == document.text
    for each, suffix in ((first.text, "a.saltern"), (document.text, "a.json")):
        back, found = read(each, suffix)
        assert back is not None, found
        assert digest(back) == digest(original)
    formatted, findings = format_text(first.text)
    assert formatted == first.text, findings


@settings(
    max_examples=tries(20, 120),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.data())
def test_random_pipelines(data: st.DataObject) -> None:
    """A random pipeline with random remarks is written, read, converted both ways and formatted without loss."""
    pipeline = data.draw(pipelines())
    verify(pipeline)
    said = data.draw(remarks(pipeline))
    text = print_language(pipeline, Remarks.of(said), {}, Registry.load())
    back, findings = read(text, "a.saltern")
    assert back is not None, text
    assert findings == [], text
    assert canonical(back) == canonical(pipeline)
    for each in said:
        for line in each.text.split("\n"):
            assert f"# {line}".rstrip() in text
    _trip(text, "a.saltern")


@pytest.mark.parametrize(
    ("statement", "name"),
    [("kept = if true { x = set { value: 1 } }", "condition"), ("kept = foreach n in [1] { yield n }", "items")],
    ids=["if", "foreach"],
)
@pytest.mark.parametrize(
    "odd", [Literal("a\nb"), Expression(Call("duration", (Const("5s"),)))], ids=["text of lines", "duration"]
)
def test_where_only_an_expression_stands(statement: str, name: str, odd: Value) -> None:
    """A condition and the items of a foreach take no template and no duration, also where their type is wrong: a check says so later."""
    pipeline, findings = read(f"pipeline example\n\n{statement}\n", "a.saltern")
    assert pipeline is not None, findings

    def with_odd(node: Node) -> Node:
        return replace(node, params=tuple((key, odd if key == name else value) for key, value in node.params))

    pipeline = replace(pipeline, body=map_nodes(pipeline.body, with_odd))
    text = print_language(pipeline, Remarks.of([]), {}, Registry.load())
    back, _ = read(text, "a.saltern")
    assert back is not None, text
    assert canonical(back) == canonical(pipeline)


BRANCHES = {
    "else_if": """
# Before.
a = if input.x {  # first
  b = set { value: 1 }
} else if input.y {  # second
  # in it
  c = set { value: 2 }
} else {  # last
  d = set { value: 3 }
}
""",
    "empty_else_if": "\na = if input.x {} else if input.y {} else {\n  b = set { value: 1 }\n}\n",
    "try": """
# Before.
a = try {  # beside
  # in it
  b = set { value: 1 }

  # and its value
  yield b
  # at its end
} catch error {  # caught
  yield 0
  # at the other end
}
""",
    "parallel": """
a = parallel, join any {  # beside
  # before it
  fast => {  # beside it
    # in it
    b = set { value: 1 }

    # and its value
    yield b
    # at its end
  }
  good => {
    yield 0
  }
  # at the end
}
""",
    "on_error_of_a_type_that_is_not_installed": """
a = acme.call { prompt: "x" } on error e {
  b = set { value: e.code }
}
""",
    "compensate": """
a = llm.chat(model) { prompt: "x" } compensate {  # beside
  # in it
  b = set { value: 1 }
  # at its end
} on error {  # failed
  c = set { value: 2 }
}
""",
    "cases": """
a = switch input.x {
  # Some.
  "b", "c" => {  # beside
    d = set { value: 1 }
    e = set { value: d + 1 }
  }
  "f" => {
    g = set { value: 2 }
  }
}
""",
}


@pytest.mark.parametrize("name", BRANCHES)
def test_what_branches_say_is_written_again(name: str) -> None:
    """`else if` and several literals in a case come back as they were written, remarks among them."""
    text = f"pipeline example\n\ninput {{ x: any, y: any }}\n{BRANCHES[name]}"
    _trip(text, "a.saltern")
    made, _ = convert(text, "a.saltern", DOCUMENT)
    assert made is not None
    again, _ = convert(made.text, "a.json", LANGUAGE)
    assert again is not None
    assert again.text == text


@pytest.mark.parametrize(
    "said",
    ['@label("l")', "@timeout(5s)", "@disabled", "# said"],
)
def test_an_if_with_more_to_say_is_no_else_if(said: str) -> None:
    """Whatever stands at the inner one keeps its place."""
    inner = f"  {said}\n  a_else = if input.y {{\n    b = set {{ value: 1 }}\n  }}\n"
    _trip(f"pipeline example\n\na = if input.x {{\n}} else {{\n{inner}}}\n", "a.saltern")


def test_remarks_about_an_input_without_fields() -> None:
    """What stands inside stays there, also where a remark about a field that is gone moves away."""
    pipeline, _ = read("pipeline example\n\nx = set { value: 1 }\n", "a.saltern")
    assert pipeline is not None
    said = [Remark("input", "Of a field.", "key", "inside"), Remark("input", "Of the whole.", "", "inside")]
    text = print_language(pipeline, Remarks.of(said), {}, Registry.load())
    assert "# Of a field.\n" in text
    assert "input {\n  # Of the whole.\n}\n" in text
    _trip(text, "a.saltern")


def test_a_parameter_without_a_name_is_no_port():
    """A reader refuses an edge that ends at no parameter, so what reads the input stays a value there."""
    _trip('pipeline example\n\nfirst = set { "": input.name, value: input.name }\n', "a.saltern")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples(path: Path) -> None:
    """Every example survives the way to the other notation and back."""
    _trip(path.read_text("utf-8"), path.name)


@pytest.mark.parametrize("case", _blocks(), ids=lambda case: case[0])
def test_pages(case: tuple[str, str]) -> None:
    """What the pages of the diagnostics recommend survives the way too."""
    name, text = case
    _trip(text, name)


@pytest.mark.parametrize(
    "trigger",
    [
        'on schedule "0 7 * * *" { time_zone: "UTC", input: { b: 1, a: 2 }, catch_up: last }',
        'on schedule "0 7 * * *" { catch_up: last, time_zone: "UTC", input: { a: 2, b: 1 } }',
        'on webhook "/a" { signature: standard, respond: 5s, secret: env("S") }',
    ],
)
def test_the_keys_of_a_trigger_stay_as_they_were_written(trigger: str) -> None:
    """What stands in the head is the first key of a document, and the head again; nothing of it counts for the digest."""
    text = f"pipeline example\n\ninput {{ b: int, a: int }}\n\n{trigger}\n\nreturn {{ x: input.a }}\n"
    document, findings = convert(text, "a.saltern", DOCUMENT)
    assert document is not None, findings
    back, findings = convert(document.text, "a.json", LANGUAGE)
    assert back is not None, findings
    written = trigger.replace('env("S")', "s")
    assert written in back.text
    original, again = read(text, "a.saltern")[0], read(back.text, "a.saltern")[0]
    assert original is not None
    assert again is not None
    assert digest(again) == digest(original)


def test_the_keys_of_a_documents_trigger_stay_in_order_wherever_its_head_stands() -> None:
    """A canvas saves keys as it likes; the head is taken out, and the others keep their order."""
    settings = {"time_zone": "UTC", "cron": "0 7 * * *", "catch_up": "last"}
    document = {
        "schemaVersion": 1,
        "name": "example",
        "triggers": [{"type": "schedule", "settings": settings}],
        "nodes": [],
    }
    made, findings = convert(json.dumps(document), "a.json", LANGUAGE)
    assert made is not None, findings
    assert 'on schedule "0 7 * * *" { time_zone: "UTC", catch_up: last }' in made.text
