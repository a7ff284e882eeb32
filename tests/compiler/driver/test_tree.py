"""Trees are written whole or not at all, and what a person wrote stays."""

import json
import os
from pathlib import Path

import pytest

from saltern_compiler.driver import BUILD_FILE, ChangedError, TreeError, tree, write_tree
from saltern_compiler.driver.manifest import digest, is_inside


def artifacts(**files):
    """Return a tree with its build file; `a__b` stands for `a/b`."""
    made = {name.replace("__", "/"): text.encode() for name, text in files.items()}
    listed = {path: {"digest": digest(data), "target": "python"} for path, data in made.items()}
    return {**made, BUILD_FILE: json.dumps({"files": listed}).encode()}


def content(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_new_folder_appears_whole(tmp_path):
    """The folder and its parents are made, with every file."""
    out = tmp_path / "x" / "y"
    written = write_tree(artifacts(a="1", p__b="2"), out)
    assert written.written == ("a", "p/b", BUILD_FILE)
    assert content(out) == {"a": "1", "p/b": "2", BUILD_FILE: artifacts(a="1", p__b="2")[BUILD_FILE].decode()}
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["y"]


def test_a_failed_first_build_leaves_nothing(tmp_path, monkeypatch):
    """An error while a new folder is filled leaves neither the folder nor a draft of it."""
    monkeypatch.setattr(tree.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(TreeError, match="No space left"):
        write_tree(artifacts(a="1"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_longer_emitted_goes(tmp_path):
    """Files of the build before are removed, and folders that are empty then; what others wrote stays."""
    write_tree(artifacts(a="1", p__b="2", q__c="3"), tmp_path / "out")
    (tmp_path / "out" / "q" / "mine").write_text("mine")
    written = write_tree(artifacts(a="1"), tmp_path / "out")
    assert written.removed == ("p/b", "q/c")
    assert written.unchanged == ("a",)
    assert set(content(tmp_path / "out")) == {"a", "q/mine", BUILD_FILE}


def test_the_same_build_writes_nothing(tmp_path):
    """Files that hold what they should are not touched."""
    write_tree(artifacts(a="1"), tmp_path / "out")
    before = (tmp_path / "out" / "a").stat().st_mtime_ns
    assert write_tree(artifacts(a="1"), tmp_path / "out").written == ()
    assert (tmp_path / "out" / "a").stat().st_mtime_ns == before


def test_changed_files_are_refused_all_at_once(tmp_path):
    """A file that a person changed stops the build before anything is written; all of them are named."""
    out = tmp_path / "out"
    write_tree(artifacts(a="1", b="2", c="3", d="4"), out)
    (out / "a").write_text("mine")
    (out / "c").write_text("mine too")
    with pytest.raises(ChangedError) as refused:
        write_tree(artifacts(a="9", b="9", d="9"), out)
    assert refused.value.paths == ("a", "c")
    assert (out / "b").read_text() == "2"
    write_tree(artifacts(a="9", b="9", d="9"), out, force=True)
    assert set(content(out)) == {"a", "b", "d", BUILD_FILE}
    assert (out / "a").read_text() == "9"


def test_a_change_that_equals_the_new_build_is_fine(tmp_path):
    """Who wrote by hand what the new build writes is not asked."""
    write_tree(artifacts(a="1"), tmp_path / "out")
    (tmp_path / "out" / "a").write_text("2")
    assert write_tree(artifacts(a="2"), tmp_path / "out").unchanged == ("a",)


def test_a_file_in_the_way_counts_as_changed(tmp_path):
    """A build into a folder with files of the same names does not take them for its own."""
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ChangedError) as refused:
        write_tree({"README.md": b"new", BUILD_FILE: b"{}"}, tmp_path)
    assert refused.value.paths == ("README.md",)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_deleted_file_is_written_again(tmp_path):
    """Deleting is no change that a build asks about."""
    write_tree(artifacts(a="1"), tmp_path / "out")
    (tmp_path / "out" / "a").unlink()
    assert write_tree(artifacts(a="1"), tmp_path / "out").written == ("a",)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("what", ["file", "folder", "build file"])
def test_links_are_refused(tmp_path, what, force):
    """A build never writes through a link, not even when forced."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("safe")
    out = tmp_path / "out"
    write_tree(artifacts(p__b="1"), out)
    link = {"file": out / "p" / "b", "folder": out / "p", "build file": out / BUILD_FILE}[what]
    if what == "folder":
        (out / "p" / "b").unlink()
        (out / "p").rmdir()
    else:
        link.unlink()
    link.symlink_to(outside if what == "folder" else outside / "b")
    with pytest.raises(TreeError, match="link"):
        write_tree(artifacts(p__b="2"), out, force=force)
    assert (outside / "b").read_text() == "safe"


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../../x", "a//b", "", ".", "a/./b", "a\\b", "C:x", "a/\0", "con:", "a/"]
)
def test_paths_out_of_the_tree_are_refused(tmp_path, path):
    """No artifact and no old build file leads out of the tree."""
    assert not is_inside(path)
    with pytest.raises(TreeError, match="no path inside"):
        write_tree({path: b""}, tmp_path / "out")


def test_an_old_build_file_cannot_delete_outside(tmp_path):
    """A build file that names other places is not believed."""
    victim = tmp_path / "victim"
    victim.write_text("safe")
    out = tmp_path / "out"
    out.mkdir()
    (out / BUILD_FILE).write_text(json.dumps({"files": {"../victim": {"digest": digest(b"safe")}}}))
    with pytest.raises(TreeError, match="outside"):
        write_tree(artifacts(a="1"), out)
    write_tree(artifacts(a="1"), out, force=True)
    assert victim.read_text() == "safe"


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"files": 1}', '{"files": {"a": 1}}', '{"files": {"a": {"digest": 1}}}', "[" * 100_000]
)
def test_a_broken_build_file_is_named(tmp_path, broken):
    """Without knowing what it wrote before, a build does not guess."""
    (tmp_path / BUILD_FILE).write_text(broken)
    with pytest.raises(TreeError, match="cannot be read"):
        write_tree(artifacts(a="1"), tmp_path)


class CrashError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("at", range(14))
def test_a_crash_leaves_the_old_or_the_new_tree(tmp_path, monkeypatch, at):
    """Killed at any step of an update: before the commit the old tree stands; after it the next build ends with the new one."""
    out = tmp_path / "out"
    old, new = artifacts(a="1", b="2", p__c="3", gone="x"), artifacts(a="9", b="2", p__c="8", q__d="7")
    write_tree(old, out)
    count = 0

    def crashing(real):
        def step(*args, **kwargs):
            nonlocal count
            if count == at:
                raise CrashError
            count += 1
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "mkdir"):
            patch.setattr(Path, name, crashing(getattr(Path, name)))
        patch.setattr(tree.os, "fsync", crashing(os.fsync))
        try:
            write_tree(new, out)
            crashed = False
        except CrashError:
            crashed = True
    committed = (out / tree.STAGE / "commit.json").exists()
    if crashed and not committed and (out / tree.STAGE).exists():
        assert {path: text for path, text in content(out).items() if not path.startswith(tree.STAGE)} == {
            path: data.decode() for path, data in old.items()
        }
    write_tree(new, out)
    assert content(out) == {path: data.decode() for path, data in new.items()}


def test_two_builds_do_not_meet(tmp_path):
    """A build that finds another one at work says so."""
    write_tree(artifacts(a="1"), tmp_path / "out")
    with tree._locked(tmp_path / "out"), pytest.raises(TreeError, match="another build"):
        write_tree(artifacts(a="2"), tmp_path / "out")


def test_a_file_where_a_folder_must_be(tmp_path):
    """What stands in the way is named."""
    (tmp_path / "p").write_text("mine")
    with pytest.raises(TreeError, match="folder"):
        write_tree(artifacts(p__b="1"), tmp_path)
    with pytest.raises(TreeError, match="this is a file"):
        write_tree(artifacts(a="1"), tmp_path / "p")
