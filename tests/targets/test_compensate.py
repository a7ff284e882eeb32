"""A pipeline that takes back what it did, from its source to the world that it changed."""

import json

from saltern_compiler.driver import compile_source, write_tree
from tests.support.built import importable
from tests.support.once import run_once

RULES = """
from pathlib import Path


def book(diary: str, what: str) -> str:
    with Path(diary).open("a") as lines:
        lines.write(f"book {what}\\n")
    return what.upper()


def free(diary: str, what: str) -> None:
    with Path(diary).open("a") as lines:
        lines.write(f"free {what}\\n")
"""
SOURCE = """
pipeline trip

input { diary: string, pays: bool }

room = python.call { function: "rules:book", args: { diary: input.diary, what: "room" } } compensate {
  leave = python.call { function: "rules:free", args: { diary: input.diary, what: room } }
}
seat = python.call after room { function: "rules:book", args: { diary: input.diary, what: "seat" } } compensate {
  cancel = python.call { function: "rules:free", args: { diary: input.diary, what: seat + " of " + room } }
}
paid = if input.pays {
  ok = python.call after seat { function: "rules:free", args: { diary: "/dev/null", what: "" } }
} else {
  no = stop after seat { state: "failed", message: "no money" }
}
return room
"""


def test_it_is_taken_back_last_first(tmp_path, redis_url):
    """Where the run fails, and nowhere else; what runs is generated code."""
    compiled = compile_source(SOURCE, source_name="trip.saltern", files={"rules.py": RULES})
    assert [each.code for each in compiled.diagnostics] == []
    write_tree(compiled.artifacts, tmp_path / "tree")
    diary = tmp_path / "diary"
    with importable(tmp_path / "tree", "trip") as load:
        graph = load("graph").GRAPH
        view = run_once(graph, {"diary": str(diary), "pays": True}, redis_url=redis_url)
        assert (view.state, diary.read_text().splitlines()) == ("SUCCEEDED", ["book room", "book seat"]), view
        diary.unlink()
        view = run_once(graph, {"diary": str(diary), "pays": False}, redis_url=redis_url)
    assert (view.state, view.failure.message) == ("FAILED", "no money")
    assert diary.read_text().splitlines() == ["book room", "book seat", "free SEAT of ROOM", "free ROOM"]
    assert json.loads(compiled.artifacts["trip/source_map.json"])["nodes"]["room/compensate"]
