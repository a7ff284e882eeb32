"""`saltern check --format sarif`: valid against the schema of SARIF 2.1.0, and complete."""

import json

import pytest
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Schema

from saltern_compiler.diagnostics import catalog
from saltern_compiler.diagnostics.checked import Checked
from saltern_compiler.diagnostics.codes import CODES
from saltern_compiler.diagnostics.sarif import FINGERPRINT, render_sarif
from saltern_compiler.driver import compile_source
from saltern_compiler.frontend.locate import Locator

TEXT = """pipeline p
input { name: string }
connection site = http { base_url: "https://site.example" }
# saltern: allow glued-text because the vendor wants it so
a = http.request(site) { url: "/x/" + input.name }
b = http.request(site) { url: "/ü/" + input.name }
return { a: a.status, b: inptu.name }
"""


def page(code):
    found = catalog.page(code)
    return None if found is None else found.text


def checked(text, name):
    result = compile_source(text, source_name=name, targets=())
    return Checked(name, text, result.diagnostics, result.suppressed, Locator(text, name))


def sarif(text, name="p.saltern"):
    """Return the one run, whose document fits the schema."""
    document = render_sarif([checked(text, name)], CODES, page)
    Schema.model_validate_json(document)
    return json.loads(document)["runs"][0]


def results(text, name="p.saltern"):
    return sarif(text, name)["results"]


def test_the_schema_refuses():
    """Classes that were generated from the official schema refuse what it does not have; so the other tests can fail."""
    document = json.loads(render_sarif([checked(TEXT, "p.saltern")], CODES, page))
    for change in ({"ruleIdd": "x"}, {"level": "bad"}, {"message": "text"}):
        broken = json.loads(json.dumps(document))
        broken["runs"][0]["results"][0].update(change)
        with pytest.raises(ValueError, match="validation error"):
            Schema.model_validate(broken)


@pytest.mark.parametrize("code", [code for code in CODES if (of := catalog.page(code)) and of.example])
def test_every_code_fits_the_schema(code):
    """The examples of all pages, in whatever notation, make valid documents."""
    of = catalog.page(code)
    if of.example.notation in {"saltern", "json", "yaml"}:
        name = f"example.{of.example.notation}"
        result = compile_source(of.example.text, source_name=name, targets=(), files=of.files)
        each = Checked(name, of.example.text, result.diagnostics, result.suppressed, Locator(of.example.text, name))
        Schema.model_validate_json(render_sarif([each], CODES, page))


def test_rules_have_their_pages():
    """Each code that is found stands once among the rules, with its summary, its page and how bad it is; results point to it."""
    run = sarif(TEXT)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["glued-text", "unknown-name"]
    assert rules[0]["help"]["markdown"] == page("glued-text")
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["warning", "error"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_places_count_characters():
    """Lines and columns from 1, columns in characters, the end not part of it, as the run says."""
    run = sarif(TEXT)
    [b] = [each for each in run["results"] if "`b`" in each["message"]["text"]]
    region = b["locations"][0]["physicalLocation"]["region"]
    line = TEXT.splitlines()[region["startLine"] - 1]
    assert run["columnKind"] == "unicodeCodePoints"
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == '"/ü/" + input.name'


def test_what_is_allowed_is_there_as_suppressed():
    """With its reason; every other result says that it is not."""
    by_rule = [(each["ruleId"], each["suppressions"]) for each in results(TEXT)]
    reason = {"kind": "inSource", "justification": "the vendor wants it so"}
    assert by_rule == [("glued-text", [reason]), ("glued-text", []), ("unknown-name", [])]


def test_fixes_give_the_fixed_text():
    """Regions and texts of a fix, applied to the source, mend it."""
    [name] = [each for each in results(TEXT) if each["ruleId"] == "unknown-name"]
    [change] = name["fixes"][0]["artifactChanges"]
    [replacement] = change["replacements"]
    region = replacement["deletedRegion"]
    lines = TEXT.splitlines(keepends=True)
    line = lines[region["startLine"] - 1]
    fixed = line[: region["startColumn"] - 1] + replacement["insertedContent"]["text"] + line[region["endColumn"] - 1 :]
    assert fixed == "return { a: a.status, b: input.name }\n"


def test_a_document_says_where_by_pointer_too():
    """A place in an editor's document is lines and columns, and the pointer as a logical location."""
    document = json.dumps({"schemaVersion": 1, "name": "p", "nodes": [{"id": "a", "type": "sett"}], "edges": []})
    [found] = results(document, "p.json")
    [place] = found["locations"]
    assert place["logicalLocations"] == [{"fullyQualifiedName": "/nodes/0/type"}]
    region = place["physicalLocation"]["region"]
    assert document[region["startColumn"] - 1 : region["endColumn"] - 1] == '"sett"'


def test_fingerprints_survive_moved_lines():
    """Whatever stands before or between, a finding keeps its own; findings that say the same are told apart."""
    prints = [each["partialFingerprints"][FINGERPRINT] for each in results(TEXT)]
    assert len(set(prints)) == len(prints)
    moved = TEXT.replace("pipeline p\n", "\n# Words.\n\npipeline p\n").replace("b = ", "\n\n# More.\nb = ")
    assert [each["partialFingerprints"][FINGERPRINT] for each in results(moved)] == prints
    twice = "pipeline p\nreturn { a: nobody.x, b: nobody.x }\n"
    first, second = (each["partialFingerprints"][FINGERPRINT] for each in results(twice))
    assert first != second


def test_no_secret_comes_in():
    """Neither as text nor as a digest of a line that holds one."""
    text = 'pipeline p\nconnection team = slack { token: "hunter2hunter2" }\nreturn 1\n'
    run = json.dumps(sarif(text))
    assert "hunter2" not in run
    other = results(text.replace("hunter2hunter2", "hunter3hunter3"))
    prints = [each["partialFingerprints"] for each in results(text)]
    assert prints == [each["partialFingerprints"] for each in other]


def test_names_of_files_are_uris(tmp_path, monkeypatch):
    """A blank or a sign in a path is escaped; an absolute path is a file URI."""
    for name, uri in (("a b/ü#.saltern", "a%20b/%C3%BC%23.saltern"), ("/x/p.saltern", "file:///x/p.saltern")):
        assert sarif("pipeline p\n", name)["artifacts"] == [{"location": {"uri": uri}}]


def test_nothing_found_is_a_document_too():
    """A clean source makes a run without results, so that a code host closes what was open."""
    run = sarif("pipeline p\nreturn 1\n")
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
