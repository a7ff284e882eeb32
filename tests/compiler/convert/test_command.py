"""`saltern convert` on files: what it writes, what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from saltern_compiler.cli import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def saltern(capsys):
    """Run a command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main([str(each) for each in arguments])
        out = capsys.readouterr()
        return stopped.value.code or 0, out.out, out.err

    return call


@pytest.fixture
def document(tmp_path):
    """Copy the drawing of an example to a folder of its own."""
    return Path(shutil.copy(ROOT / "examples/support_triage/support_triage.json", tmp_path / "triage.json"))


def test_there_and_back(saltern, document, tmp_path):
    """Positions, sizes, the viewport and the note's place come back from the layout file."""
    text = tmp_path / "triage.saltern"
    assert saltern("convert", document, "-o", text)[0] == 0
    assert (tmp_path / "triage.layout.json").exists()
    back = tmp_path / "back.json"
    assert saltern("convert", text, "-o", back)[0] == 0
    old, new = (json.loads(path.read_text("utf-8")) for path in (document, back))
    assert new["viewport"] == old["viewport"]
    places = [{node["id"]: (node["position"], node["measured"]) for node in each["nodes"]} for each in (old, new)]
    assert places[0] == places[1]
    assert [node["data"]["text"] for node in new["nodes"] if node["type"] == "note"] == [
        "Only one of the two messages is sent, and none for other tickets."
    ]


def test_a_note_becomes_a_comment_on_the_nearest_node(saltern, document):
    """A note that says nothing about where it belongs is a comment on the node beside it."""
    _, out, _ = saltern("convert", document)
    before = out.partition("classify = llm.chat")[0]
    assert "# Only one of the two messages is sent" in before


def test_nothing_is_overwritten_unasked(saltern, document, tmp_path):
    """A file that is there stays, and so does a layout, unless --force is given."""
    text, layout = tmp_path / "triage.saltern", tmp_path / "triage.layout.json"
    layout.write_text("mine")
    code, _, err = saltern("convert", document, "-o", text)
    assert code == 2
    assert "triage.layout.json: there already" in err
    assert not text.exists()
    assert saltern("convert", document, "-o", text, "--force")[0] == 0
    assert layout.read_text() != "mine"


def test_a_suffix_that_is_only_read(saltern, document, tmp_path):
    """No document is written as YAML; the message names what is."""
    code, _, err = saltern("convert", document, "-o", tmp_path / "x.yaml")
    assert code == 2
    assert "becomes a .saltern file" in err


def test_the_outputs_suffix_tells_the_notation(saltern, document, tmp_path):
    """A document in YAML becomes a text, or the document in JSON that it is, with its places."""
    source = tmp_path / "triage.yaml"
    source.write_text(document.read_text())
    again = tmp_path / "again.json"
    assert saltern("convert", source, "-o", again)[0] == 0
    assert json.loads(again.read_text())["viewport"] == json.loads(document.read_text())["viewport"]
    assert saltern("convert", source)[1].startswith("pipeline support_triage")
    assert "becomes a .saltern or .json file" in saltern("convert", source, "-o", tmp_path / "x.txt")[2]


def test_broken_input(saltern, tmp_path):
    """What cannot be read is shown as `check` shows it, and nothing is written."""
    bad = tmp_path / "bad.saltern"
    bad.write_text("pipeline bad\nx = set { value: }\n")
    code, _, err = saltern("convert", bad, "-o", tmp_path / "bad.json")
    assert code == 1
    assert "syntax-error" in err
    assert not (tmp_path / "bad.json").exists()


def test_a_broken_layout(saltern, document, tmp_path):
    """A layout file that is none is named, never silently lost."""
    text = tmp_path / "triage.saltern"
    saltern("convert", document, "-o", text)
    (tmp_path / "triage.layout.json").write_text('{"layoutVersion": 1, "nodes": 3}')
    code, _, err = saltern("convert", text)
    assert code == 2
    assert "`nodes` is not as layouts have it" in err


def test_a_pipeline_that_the_language_cannot_say(saltern, tmp_path):
    """Mistakes that only the checks find are shown by them."""
    bad = tmp_path / "bad.json"
    node = {"id": "no identifier", "type": "set", "data": {"params": {"value": 1}}}
    bad.write_text(json.dumps({"schemaVersion": 1, "name": "bad", "nodes": [node]}))
    code, _, err = saltern("convert", bad)
    assert code == 1
    assert "invalid-name" in err


def test_new_nodes_are_placed_beside_those_that_have_a_place(saltern, document, tmp_path):
    """A node written in text gets a place of its own; the others stay where they were."""
    text = tmp_path / "triage.saltern"
    saltern("convert", document, "-o", text)
    text.write_text(text.read_text("utf-8") + "\nextra = set { value: classify.urgency }\n", "utf-8")
    _, out, _ = saltern("convert", text)
    nodes = {node["id"]: node for node in json.loads(out)["nodes"]}
    assert nodes["classify"]["position"] == {"x": 240, "y": 150}
    assert nodes["extra"]["position"] not in [node["position"] for key, node in nodes.items() if key != "extra"]


@pytest.mark.parametrize("depth", [90, 97])
def test_a_value_that_nests_too_deeply_for_a_document(saltern, tmp_path, depth):
    """What a text can just nest may be too deep for a document, which stands more around it: that is said, and is no crash."""
    text = tmp_path / "deep.saltern"
    text.write_text(f"pipeline deep\n\noutput {{ a: any }}\n\non api\n\nreturn {{ a: {'[' * depth}1{']' * depth} }}\n")
    assert saltern("check", text)[0] == 0
    code, _, err = saltern("convert", text)
    assert (code, "nested too deeply" in err) == ((0, False) if depth == 90 else (2, True))
