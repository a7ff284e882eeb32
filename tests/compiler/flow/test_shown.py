"""How a way is shown: on a terminal, in SARIF as a code flow, to editors, in both notations; and its receipt."""

import json

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Schema

from saltern_compiler.cli import main
from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.checked import Checked
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.sarif import render_sarif
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import convert
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.frontend.notations import notation_of

TEXT = """pipeline p
input {
  who: { email: string @personal }
}
connection team = slack { token: env("T") }
greeting = template { text: `Hello {{ input.who.email }}` }
send = slack.post_message(team) { channel: "#x", text: greeting }
return {}
"""


def _converted(text, name, to):
    made, findings = convert(text, name, notation_of(to, ""))
    assert made is not None, findings
    return made.text


def _page(code):
    found = catalog.page(code)
    return None if found is None else found.text


def test_sarif_has_a_code_flow() -> None:
    """The steps in their order, the finding as the last; the same places are related ones."""
    result = compile_source(TEXT, source_name="p.saltern", targets=())
    document = render_sarif(
        [Checked("p.saltern", TEXT, result.diagnostics, (), Locator(TEXT, "p.saltern"))], CODES, _page
    )
    Schema.model_validate_json(document)
    (found,) = [each for each in json.loads(document)["runs"][0]["results"] if each["ruleId"] == "personal-leak"]
    ((thread,),) = [flow["threadFlows"] for flow in found["codeFlows"]]
    steps = [each["location"] for each in thread["locations"]]
    assert [each["message"]["text"] for each in steps] == [
        "`input.who.email` is personal",
        "it goes into `text` of `greeting`",
        "`text` of `send` sends personal data to `team`, which does not accept it",
    ]
    regions = [each["physicalLocation"]["region"] for each in steps]
    assert [(each["startLine"], each["startColumn"]) for each in regions] == [(3, 10), (6, 39), (7, 56)]
    assert len(found["relatedLocations"]) == 2


def test_editors_get_the_steps() -> None:
    """As related information, each with its range."""
    result = compile_source(TEXT, source_name="p.saltern", targets=())
    (found,) = [each for each in result.to_lsp("file:///p.saltern") if each["code"] == "personal-leak"]
    lines = [each["location"]["range"]["start"]["line"] for each in found["relatedInformation"]]
    assert (lines, found["range"]["start"]["line"]) == ([2, 5], 6)


def test_a_document_says_the_same() -> None:
    """The places of a drawing are pointers: of the field's schema, of each parameter."""
    drawn = _converted(TEXT, "p.saltern", "p.json")
    document = json.loads(drawn)
    assert document["inputs"]["properties"]["who"]["properties"]["email"]["x-saltern-personal"] is True
    result = compile_source(drawn, source_name="p.json", targets=())
    (found,) = [each for each in result.diagnostics if each.code == "personal-leak"]
    pointers = [each.origin.pointer for each in found.related]
    assert pointers[0] == "/inputs/properties/who/properties/email"
    text, _ = read(TEXT, "p.saltern")
    assert text is not None
    (other,) = [
        each for each in compile_source(TEXT, source_name="p.saltern").diagnostics if each.code == "personal-leak"
    ]
    assert (found.message, found.notes) == (other.message, other.notes)


def test_labels_of_connections_survive_both_notations() -> None:
    """`accepts` and `gives` are words in the language, and texts in a document; back and forth they are the same."""
    text = TEXT.replace('env("T") }', 'env("T"), accepts: [personal, secret], gives: [personal] }')
    there = _converted(text, "p.saltern", "p.json")
    settings = json.loads(there)["connections"]["team"]["settings"]
    assert (settings["accepts"], settings["gives"]) == (["personal", "secret"], ["personal"])
    back = _converted(there, "p.json", "p.saltern")
    assert "accepts: [personal, secret]" in back
    assert "gives: [personal]" in back
    assert read(back, "p.saltern")[0] == read(text, "p.saltern")[0]


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("accepts: [persnal]", "ill-typed-setting"),
        ("accepts: personal", "ill-typed-setting"),
        ("accepts: [token]", "ill-typed-setting"),
        ("gives: 1", "ill-typed-setting"),
        ("accepts: []", None),
        ('accepts: ["personal"]', None),
    ],
)
def test_labels_of_connections_are_checked(setting, code) -> None:
    """Words that are no labels, and what is no list, are findings; a label in quotes is the same."""
    text = TEXT.replace('env("T") }', f'env("T"), {setting} }}')
    codes = {each.code for each in compile_source(text, source_name="p.saltern", targets=()).diagnostics}
    assert codes - {"personal-leak"} == ({code} if code else set())


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('declassify(input.who.email, "")', "ill-typed-expression"),
        ('declassify(input.who.email, "  ")', "ill-typed-expression"),
        ("declassify(input.who.email, input.who.email)", "ill-typed-expression"),
        ("declassify(input.who.email)", "ill-typed-expression"),
        ('declassify("a", "why")', "unused-declassify"),
        ('declassify(input.who.email, "why")', None),
        ('declassify(input.who, "why").email', None),
        ('input.who.email == "" ? declassify("a", "why") : ""', "personal-leak"),
    ],
)
def test_declassify_takes_a_reason(written, code) -> None:
    """One that is written out and says something; what it is given, it gives."""
    text = TEXT.replace("text: greeting }", f"text: {written} }}")
    codes = [each.code for each in compile_source(text, source_name="p.saltern", targets=()).diagnostics]
    assert (code in codes) if code else not {"personal-leak", "unused-declassify", "ill-typed-expression"} & {*codes}


def _explained(path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["explain", "--flow", str(path)])
    assert not stopped.value.code
    return capsys.readouterr().out


def test_the_receipt_shows_what_leaves_and_what_is_let_go(tmp_path, capsys) -> None:
    """`saltern explain --flow`: by label and where it goes, each way; then each `declassify` with its reason."""
    text = TEXT.replace('env("T") }', 'env("T"), accepts: [personal] }').replace(
        "return {}", 'return { known: declassify(input.who.email != "", "tells nobody") }'
    )
    path = tmp_path / "p.saltern"
    path.write_text(text)
    assert _explained(path, capsys) == (
        "pipeline p\n\npersonal to `team`\n  `input.who.email` → `text` of `greeting` → `text` of `send`\n\n"
        "declassified in `value` of `return` at 8:1\n  because: tells nobody\n  personal of `input.who.email`\n"
    )
    path.write_text(text.replace(" @personal", "").replace('declassify(input.who.email != "", "tells nobody")', "1"))
    assert _explained(path, capsys) == "pipeline p\n\nnothing labelled leaves it\n"
