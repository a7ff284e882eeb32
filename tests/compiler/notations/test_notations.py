"""Notations are rows of a table: which one a source is written in, and what a third one needs."""

import importlib.util
from pathlib import Path

import pytest

from saltern_compiler.diagnostics.places import Source
from saltern_compiler.frontend import read
from saltern_compiler.frontend.convert import ConvertError, convert
from saltern_compiler.frontend.locate import Locator
from saltern_compiler.frontend.notations import DOCUMENT, LANGUAGE, NOTATIONS, YAML, notation_like, notation_of
from saltern_compiler.ir.canonical import canonical
from saltern_compiler.passes import analyze
from saltern_compiler.registry import Registry

_spec = importlib.util.spec_from_file_location("steps", Path(__file__).with_name("steps.py"))
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
STEPS = _module.STEPS
WITH_STEPS = (STEPS, *NOTATIONS)
TEXT = "steps:\n  hello: Good morning\n  night: ''\n"
OURS = "schemaVersion: 1\nname: p\nnodes: []\n"


@pytest.mark.parametrize(
    ("name", "text", "notation"),
    [
        ("a.saltern", "", LANGUAGE),
        ("A.JSON", "", DOCUMENT),
        ("a.yaml", "", YAML),
        ("a.yml", TEXT, YAML),
        ("a.txt", "{", None),
        ("saltern", "", None),
    ],
)
def test_the_suffix_tells_the_notation(name, text, notation):
    """Whatever is in the file; a file of no suffix of ours is of none."""
    assert notation_of(name, text) is notation


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("\ufeff \n{", DOCUMENT),
        (OURS, YAML),
        ("# mine\npipeline p\n", LANGUAGE),
        ("x = set { value: 1 }", LANGUAGE),
        ("", LANGUAGE),
    ],
)
def test_a_text_without_a_name_is_of_what_it_looks_like(text, notation):
    """A brace begins a document, its keys one in YAML; all else is the language."""
    assert notation_like(text) is notation


def test_a_suffix_of_several_notations_is_told_by_the_text():
    """So that the `.yml` of another editor does not collide with ours; where nothing fits, the first row with that suffix reports."""
    assert notation_of("a.yml", TEXT, WITH_STEPS) is STEPS
    assert notation_of("a.yml", OURS, WITH_STEPS) is YAML
    assert notation_of("a.yml", "x: 1", WITH_STEPS) is STEPS
    assert notation_of("a.yaml", TEXT, WITH_STEPS) is YAML


def test_a_third_notation_is_read_checked_and_located():
    """Its row is all that reading, checks and places know of it."""
    registry = Registry.load()
    pipeline, findings = read(TEXT, "a.yml", registry, WITH_STEPS)
    analysis = analyze(pipeline, registry)
    assert [each.code for each in analysis.diagnostics] == ["unused-node"]
    source = Source(TEXT, Locator(TEXT, "a.yml", WITH_STEPS))
    assert [TEXT[slice(*Locator(TEXT, "a.yml", WITH_STEPS).offsets(each.origin))] for each in findings] == ["night"]
    place = source.span(analysis.diagnostics[0].origin).first
    assert (place.line, place.column) == (2, 3)


def test_a_third_notation_is_converted():
    """To each that is written and back, with the same meaning."""
    text = TEXT.replace("''", "Good night")
    before, _ = read(text, "a.steps", notations=WITH_STEPS)
    for to in (LANGUAGE, DOCUMENT):
        there, findings = convert(text, "a.steps", to, notations=WITH_STEPS)
        assert there is not None, findings
        back, _ = convert(there.text, f"a{to.suffixes[0]}", STEPS, notations=WITH_STEPS)
        after, _ = read(back.text, "a.steps", notations=WITH_STEPS)
        assert canonical(after) == canonical(before)


def test_what_a_third_notation_cannot_say_is_told():
    """Not written wrongly, and no crash."""
    with pytest.raises(ConvertError, match="steps only say texts"):
        convert("pipeline steps\nx = set { value: run.id }\nreturn x\n", "a.saltern", STEPS, notations=WITH_STEPS)
