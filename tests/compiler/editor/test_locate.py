"""From JSON Pointers and offsets to lines and columns, in JSON and YAML."""

import json

import pytest
import yaml as pyyaml

from saltern_compiler.diagnostics.model import NOWHERE, Origin
from saltern_compiler.diagnostics.places import LineColumn, Source
from saltern_compiler.frontend.document.jsontext import scan_json
from saltern_compiler.frontend.document.yamltext import scan_yaml
from saltern_compiler.frontend.locate import Locator

JSON = """{
  "a": [1, {"b/c~d": "x\\n\\u00e9\\ud83d\\ude00yz"}],
  "näme": "é😀!"
}
"""
YAML = """a:
  - 1
  - {b/c~d: "x\\né\\U0001F600yz"}
näme: é😀! # comment
text: |
  first
    second
folded: >
  one
  two
quoted: 'it''s
  here'
last:
  - end
# comment

"""


def cut(text, name, origin):
    start, end = Locator(text, name).offsets(origin)
    return text[start:end]


@pytest.mark.parametrize(
    ("pointer", "shown"),
    [
        ("/a", '[1, {"b/c~d": "x\\n\\u00e9\\ud83d\\ude00yz"}]'),
        ("/a/0", "1"),
        ("/a/1/b~1c~0d", '"x\\n\\u00e9\\ud83d\\ude00yz"'),
        ("/näme", '"é😀!"'),
        ("/a/7/deeper", '[1, {"b/c~d": "x\\n\\u00e9\\ud83d\\ude00yz"}]'),
    ],
)
def test_a_pointer_finds_its_value_in_json(pointer, shown):
    """Escapes of the pointer and of the text are both seen through; a missing value gives the one around it."""
    assert cut(JSON, "p.json", Origin(pointer)) == shown


def test_the_root_is_the_whole_document():
    """The empty pointer stands for everything but the white space around it."""
    assert cut(JSON, "p.json", Origin("")) == JSON.strip()
    assert cut(YAML, "p.yaml", Origin("")) == YAML[: YAML.index("# comment\n\n")].strip()


@pytest.mark.parametrize(("name", "text"), [("p.json", JSON), ("p.yaml", YAML)])
def test_lines_and_columns_count_characters_from_one(name, text):
    """A character outside of the basic plane is one column."""
    found = Source(text, Locator(text, name)).span(Origin("/näme"))
    line = text[: text.index("näme")].count("\n") + 1
    width = 5 if name == "p.json" else 3
    start = text.split("\n")[line - 1].index("é😀") + (0 if name == "p.json" else 1)
    assert (found.first, found.last) == (LineColumn(line, start), LineColumn(line, start + width))


@pytest.mark.parametrize(
    ("start", "end", "shown"), [(0, 1, "x"), (1, 2, "\\n"), (2, 3, "\\u00e9"), (3, 4, "\\ud83d\\ude00"), (4, 6, "yz")]
)
def test_characters_of_a_json_string_are_found_through_its_escapes(start, end, shown):
    """An offset counts characters of the value, wherever they stand in the text."""
    assert cut(JSON, "p.json", Origin("/a/1/b~1c~0d", start, end)) == shown


@pytest.mark.parametrize(
    ("pointer", "part", "shown"),
    [
        ("/a/1/b~1c~0d", "😀y", "\\U0001F600y"),
        ("/text", "second", "second"),
        ("/text", "first\n  sec", "first\n    sec"),
        ("/quoted", "'s h", "''s\n  h"),
        ("/näme", "!", "!"),
        ("/last/0", "nd", "nd"),
    ],
)
def test_characters_of_yaml_scalars_are_found_in_every_style(pointer, part, shown):
    """Plain, quoted and literal scalars are walked character by character."""
    value = pyyaml.safe_load(YAML)
    for key in pointer[1:].split("/"):
        value = value[int(key)] if isinstance(value, list) else value[key.replace("~1", "/").replace("~0", "~")]
    start = value.index(part)
    assert cut(YAML, "p.yaml", Origin(pointer, start, start + len(part))) == shown


def test_a_place_between_two_characters_is_kept():
    """An expression that ends too early is shown at its end; no characters at all, at its start, mean the whole value."""
    assert Locator(JSON, "p.json").offsets(Origin("/näme", 3, 3)) == (JSON.index("!") + 1,) * 2
    assert cut(JSON, "p.json", Origin("/näme", 0, 0)) == '"é😀!"'


def test_where_characters_cannot_be_told_the_whole_value_is_shown():
    """Folded scalars, offsets beyond the end, and offsets in what is no string."""
    assert cut(YAML, "p.yaml", Origin("/folded", 4, 7)).startswith(">")
    assert cut(JSON, "p.json", Origin("/näme", 40, 41)) == '"é😀!"'
    assert cut(JSON, "p.json", Origin("/a/0", 0, 1)) == "1"


@pytest.mark.parametrize(("name", "text", "key"), [("p.json", JSON, '"näme"'), ("p.yaml", YAML, "näme")])
def test_a_key_can_be_meant_instead_of_its_value(name, text, key):
    """What has no key gives the value."""
    assert cut(text, name, Origin("/näme").name()) == key
    assert cut(text, name, Origin("/a/0").name()) == "1"


def test_offsets_without_a_pointer_count_from_the_start_of_the_text():
    """So places of the language and of syntax errors are found by the same means."""
    source = Source("ab\ncd", Locator("ab\ncd", "p.saltern"))
    near, far = source.span(Origin(None, 3, 5)), source.span(Origin(None, 99, 200))
    assert (near.first, near.last) == (LineColumn(2, 1), LineColumn(2, 3))
    assert (far.first, far.last) == (LineColumn(2, 3), LineColumn(2, 3))
    assert source.span(NOWHERE) is None


@pytest.mark.parametrize(("name", "text"), [("p.json", '{"a": '), ("p.yaml", "a: ["), ("p.json", ""), ("p.yaml", "")])
def test_a_text_that_is_none_has_places_all_the_same(name, text):
    """A finding about a broken text must not break its rendering."""
    assert Source(text, Locator(text, name)).span(Origin("/a/b")).first == LineColumn(1, 1)


def test_json_and_yaml_find_the_same_pointers():
    """JSON is YAML; both scanners agree on it."""
    text = json.dumps({"a": [1, {"b": {}}, []], "": {"x": None}, "c": "d"}, indent=1)
    in_json, in_yaml = scan_json(text), scan_yaml(text)
    assert in_json.places == in_yaml.places


def test_nothing_is_scanned_before_it_is_asked_for(monkeypatch):
    """A clean build never computes a place."""
    monkeypatch.setattr(
        "saltern_compiler.frontend.document.pointers.jsontext.scan_json", lambda _: pytest.fail("scanned")
    )
    assert Locator(JSON, "p.json").offsets(Origin(None, 0, 1)) == (0, 1)
