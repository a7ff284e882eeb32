"""`saltern upgrade`: what it writes, what it says, what it leaves to a person."""

from __future__ import annotations

import io
import json

import pytest

from saltern_compiler.registry import Registry
from tests.support.demo import REGISTRY

OLD = 'pipeline p\n\n# Says it.\na = demo.tell { text: "x", loud: true }  # loudly\nreturn a.said\n'
NEW = 'pipeline p\n\n# Says it.\na = demo.tell@3 { message: "x", tone: "loud", times: 1 }  # loudly\nreturn a.said\n'
BY_HAND = 'pipeline p\ninput { b: bool }\na = demo.tell { text: "x" }\nb = demo.tell { text: "y", loud: input.b }\nreturn [a.said, b.said]\n'


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """Let the demo plugin be installed."""
    monkeypatch.setattr(Registry, "load", classmethod(lambda cls: REGISTRY))


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.saltern"
    path.write_text(OLD)
    return path


def test_it_writes_the_file(saltern, old):
    """The file is of the newest versions, comments where they were; each step is told; a second time nothing is left."""
    status, out, err = saltern("upgrade", old)
    assert (status, err) == (0, "")
    assert old.read_text() == NEW
    assert out.splitlines() == [
        f"{old}: 2 steps taken",
        "  `a` is demo.tell@2: `text` is `message`, and `loud` a `tone`.",
        "  `a` is demo.tell@3: `times` is required; `channel`, which did nothing, is gone.",
    ]
    assert saltern("upgrade", old) == (0, "1 file of the newest versions already\n", "")


def test_check_writes_nothing(saltern, old):
    """--check tells which files are old by the exit code; one that is new gives 0."""
    assert saltern("upgrade", "--check", old) == (1, f"{old}: 2 steps to take\n", "")
    assert old.read_text() == OLD
    old.write_text(NEW)
    assert saltern("upgrade", "--check", old)[0] == 0


def test_diff_writes_nothing(saltern, old):
    """--diff shows what would change, and is no complaint."""
    status, out, _ = saltern("upgrade", "--diff", old)
    assert status == 0
    assert [line for line in out.splitlines() if line[0] in "+-"][2:] == [
        '-a = demo.tell { text: "x", loud: true }  # loudly',
        '+a = demo.tell@3 { message: "x", tone: "loud", times: 1 }  # loudly',
    ]
    assert old.read_text() == OLD


def test_no_further(saltern, old):
    """--to stops at a version of a node type; one that is not there is misuse."""
    assert saltern("upgrade", "--to", "demo.tell@2", old)[0] == 0
    assert 'demo.tell@2 { message: "x", tone: "loud" }' in old.read_text()
    for wrong in ("demo.tell@4", "demo.none@2", "demo.tell", "two", "-1", "demo.tell@²"):
        assert saltern("upgrade", f"--to={wrong}", old)[0] == 2


def test_what_a_person_has_to_do(saltern, old):
    """It is told at its place, with what is to be done; the rest is upgraded, and the exit code says that something is left."""
    old.write_text(BY_HAND)
    status, _, err = saltern("upgrade", old)
    assert status == 1
    assert "error[step-by-hand]: `b` needs a person to become one of `demo.tell@2`" in err
    assert f"{old}:4:28" in err
    assert 'Write `tone`, which is "loud" where `loud` is true' in err
    assert 'a = demo.tell@3 { message: "x", times: 1 }' in old.read_text()
    assert 'b = demo.tell { text: "y", loud: input.b }' in old.read_text()


def test_a_folder(saltern, tmp_path):
    """All pipelines of a folder, in either notation; other files, and hidden folders, are left alone."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/one.saltern").write_text(OLD)
    (tmp_path / "two.json").write_text('{"name": "p", "nodes": []}')
    (tmp_path / "data.json").write_text('{"name": "p"}')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/one.saltern").write_text(OLD)
    status, out, _ = saltern("upgrade", tmp_path)
    assert (status, out.count("taken")) == (0, 2)
    assert (tmp_path / "a/one.saltern").read_text() == NEW
    assert json.loads((tmp_path / "two.json").read_text()) == {"schemaVersion": 1, "name": "p", "nodes": []}
    assert (tmp_path / "data.json").read_text() == '{"name": "p"}'
    assert (tmp_path / ".git/one.saltern").read_text() == OLD


def test_an_empty_folder_is_misuse(saltern, tmp_path):
    """So that a wrong path in CI is no success."""
    assert saltern("upgrade", tmp_path)[0] == 2
    assert saltern("upgrade", tmp_path / "none.saltern")[0] == 2


def test_what_cannot_be_read(saltern, old, tmp_path):
    """Its findings are shown and it stays, and the others are upgraded all the same."""
    broken = tmp_path / "broken.saltern"
    broken.write_text("pipeline p\na = demo.tell {")
    status, _, err = saltern("upgrade", broken, old)
    assert (status, f"{broken}:2" in err) == (1, True)
    assert (broken.read_text(), old.read_text()) == ("pipeline p\na = demo.tell {", NEW)


def test_standard_input(saltern, monkeypatch):
    """The result goes to standard output; what is left stands on the other one."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(OLD.encode())))
    assert saltern("upgrade", "-") == (0, NEW, "")


def test_a_file_is_old_or_new(saltern, old, monkeypatch):
    """Where the new text cannot be put in place, the old one stands there whole, and nothing lies beside it."""
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    status, _, err = saltern("upgrade", old)
    assert (status, "No space left" in err) == (2, True)
    assert old.read_text() == OLD
    assert list(old.parent.iterdir()) == [old]


def test_line_ends_and_mark_stay(saltern, old):
    """A byte order mark and the line ends of Windows are the author's."""
    old.write_bytes(b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode())
    assert saltern("upgrade", old)[0] == 0
    assert old.read_bytes() == b"\xef\xbb\xbf" + NEW.replace("\n", "\r\n").encode()


def test_the_fix_of_a_finding_is_the_same_step(saltern, old, tmp_path):
    """`check --fix` ends at the bytes that `upgrade` ends at."""
    other = tmp_path / "other.saltern"
    other.write_text(OLD)
    assert saltern("check", "--fix", other)[0] == 0
    saltern("upgrade", old)
    assert other.read_text() == old.read_text() == NEW


def test_versions_that_there_are_not(saltern, tmp_path):
    """No step leads anywhere from these: they are said, and it is not all of the newest versions."""
    path = tmp_path / "ahead.saltern"
    path.write_text("pipeline ahead\nx = set@99 { value: 1 }\nreturn x\n")
    code, out, err = saltern("upgrade", path)
    assert code == 1
    assert "unknown-node-version" in out + err
    assert "already" not in out


def test_no_name_is_misuse(saltern):
    """An empty argument is not the folder that one happens to stand in."""
    code, out, err = saltern("upgrade", "")
    assert (code, out) == (2, "")
    assert "a file has no name" in err
