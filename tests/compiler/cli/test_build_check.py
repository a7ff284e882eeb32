"""`saltern build --check` tells whether the tree is what the pipeline compiles to."""

import json
from pathlib import Path

import pytest

from saltern_compiler import compile_source
from saltern_compiler.driver import BUILD_FILE
from saltern_compiler.driver.manifest import digest

ROOT = Path(__file__).parents[3]
TOTALS = ROOT / "examples/order_totals/order_totals.saltern"


@pytest.fixture
def tree(saltern, tmp_path):
    """Build an example."""
    assert saltern("build", TOTALS, "-o", tmp_path / "out")[0] == 0
    return tmp_path / "out"


def state(folder):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_tree(saltern, tree):
    """Exit code 0 and one line; files that no build wrote do not count."""
    (tree / "mine.txt").write_text("mine")
    code, out, err = saltern("build", "--check", TOTALS, "-o", tree)
    assert (code, err) == (0, "")
    assert out.startswith(f"{tree}: fresh, ")


def test_a_stale_tree_is_named_file_by_file(saltern, tree):
    """Missing, hand-changed and left-over files and links are told apart; texts are shown as a diff; nothing is written."""
    (tree / "requirements.txt").unlink()
    readme = (tree / "README.md").read_text()
    (tree / "README.md").write_text(readme + "by hand\n")
    models = tree / "order_totals" / "models.py"
    models.unlink()
    models.symlink_to(tree / "README.md")
    (tree / "old.py").write_text("old = 1\n")
    listed = json.loads((tree / BUILD_FILE).read_text())
    listed["files"]["old.py"] = {"digest": digest(b"old = 1\n"), "target": "python"}
    (tree / BUILD_FILE).write_text(json.dumps(listed))
    before = state(tree)
    code, out, err = saltern("build", "--check", TOTALS, "-o", tree)
    assert code == 1
    assert out.startswith("--- a/README.md\n+++ b/README.md\n")
    assert out.endswith("\n-by hand\n")
    assert err.splitlines()[1:6] == [
        "  README.md: changed by hand",
        "  old.py: no longer generated",
        "  order_totals/models.py: not a regular file",
        "  requirements.txt: missing",
        "  saltern-build.json: stale",
    ]
    assert err.splitlines()[-1] == f"Nothing was written. To write it again: saltern build {TOTALS} -o {tree} --force"
    assert state(tree) == before


def test_a_folder_that_is_not_there(saltern, tmp_path):
    """Every file is missing, and the folder is not made."""
    code, out, err = saltern("build", "--check", TOTALS, "-o", tmp_path / "out")
    assert (code, out) == (1, "")
    assert "  README.md: missing\n" in err
    assert not (tmp_path / "out").exists()


def test_other_targets_are_named(saltern, tmp_path):
    """A tree that was built for fewer targets says so, since that is why it differs."""
    saltern("build", TOTALS, "-o", tmp_path / "out", "--target", "celery")
    assert saltern("build", "--check", TOTALS, "-o", tmp_path / "out", "--target", "celery")[0] == 0
    code, _, err = saltern("build", "--check", TOTALS, "-o", tmp_path / "out")
    assert code == 1
    assert "The tree was built for celery, python" in err


def test_another_level_is_named(saltern, tmp_path):
    """A tree that was optimized otherwise says so, and the command that writes it again keeps the level that was asked for."""
    saltern("build", TOTALS, "-o", tmp_path / "out", "-O0")
    assert saltern("build", "--check", TOTALS, "-o", tmp_path / "out", "-O0")[0] == 0
    assert json.loads((tmp_path / "out/saltern-build.json").read_text())["optimize"] == 0
    code, _, err = saltern("build", "--check", TOTALS, "-o", tmp_path / "out", "-O2")
    assert code == 1
    assert "The tree was built with -O0, this compares with -O2." in err
    assert " -O2" in err.splitlines()[-1]


def test_there_are_three_levels(saltern, tmp_path):
    """Any other level is misuse, and so is one for a folder that is built already."""
    code, _, err = saltern("build", TOTALS, "-o", tmp_path / "out", "-O3")
    assert code == 2
    assert "0<=x<=2" in err
    code, _, err = saltern("deploy", tmp_path, "--context", "none", "-O1")
    assert code == 2
    assert "-O is for a pipeline" in err
    with pytest.raises(ValueError, match="no level 3"):
        compile_source("pipeline a\n", source_name="a.saltern", optimize=3)


def test_the_level_is_behaviour(saltern):
    """Runs are pinned to a digest, and each level has its own; so has what explains them."""
    digests = {saltern("explain", TOTALS, *level)[1].splitlines()[1] for level in ((), ("-O0",), ("-O1",), ("-O2",))}
    assert len(digests) == 3


def test_control_characters_do_not_reach_the_terminal(saltern, tree):
    """What a person put into a file is shown, not acted on; a file that is no text says only that it differs."""
    (tree / "README.md").write_text("\x1b[2J\u202e evil\n")
    (tree / "requirements.txt").write_bytes(b"\xff\xfe\x00")
    _, out, _ = saltern("build", "--check", TOTALS, "-o", tree)
    assert "-<U+001B>[2J<U+202E> evil" in out
    assert "Binary file requirements.txt differs" in out
    assert "\x1b" not in out


def test_a_missing_newline_at_the_end_is_shown(saltern, tree):
    """Two texts that differ only there do not look alike."""
    (tree / "README.md").write_text((tree / "README.md").read_text().removesuffix("\n"))
    assert "\\ No newline at end of file\n" in saltern("build", "--check", TOTALS, "-o", tree)[1]


def test_colours_on_a_terminal(saltern, tree, monkeypatch):
    """Added lines are green and removed ones red where the terminal takes colours."""
    from saltern_compiler.cli import build

    monkeypatch.setattr(build, "wants_color", lambda _: True)
    (tree / "README.md").write_text("mine\n")
    _, out, _ = saltern("build", "--check", TOTALS, "-o", tree)
    assert "\x1b[31m-mine\x1b[0m" in out
    assert "\x1b[32m+" in out


@pytest.mark.parametrize("broken", ["{", "[]", '{"files": {"../../x": {"digest": "sha256:0"}}}'])
def test_a_broken_build_file_is_one_difference(saltern, tree, broken):
    """Without a build file that can be read, what differs counts as changed by hand; nothing outside is looked at."""
    (tree / BUILD_FILE).write_text(broken)
    code, _, err = saltern("build", "--check", TOTALS, "-o", tree)
    assert code == 1
    assert [line for line in err.splitlines() if line.startswith("  ")] == [f"  {BUILD_FILE}: stale"]


def test_misuse(saltern, tree, tmp_path):
    """--check with --force, and a file for a folder, are misuse; findings come first."""
    assert saltern("build", "--check", "--force", TOTALS, "-o", tree)[0] == 2
    assert saltern("build", "--check", TOTALS, "-o", tree / "README.md")[0] == 2
    bad = tmp_path / "bad.saltern"
    bad.write_text("pipeline bad\nreturn nope\n")
    code, _, err = saltern("build", "--check", bad, "-o", tree)
    assert (code, "unknown-name" in err) == (1, True)


def test_the_build_file_tells_what_was_made_of_what(tree):
    """The source, digests of what it means and how it runs, and for each file its digest and the target that emits it."""
    told = json.loads((tree / BUILD_FILE).read_text())
    assert told["source"] == "order_totals.saltern"
    assert all(told[name].startswith("sha256:") for name in ("pipeline", "plan"))
    assert {path: entry["target"] for path, entry in told["files"].items() if path.endswith(("tasks.py", "api.py", "money.py"))} == {
        "order_totals/api.py": "fastapi",
        "order_totals/money.py": "python",
        "order_totals/tasks.py": "celery",
    }  # fmt: skip
    assert all(entry["digest"] == digest((tree / path).read_bytes()) for path, entry in told["files"].items())


def test_triggers_that_are_given(saltern, tree):
    """A tree with other triggers than the source has is stale beside it, and how to write it again says both."""
    code, _, err = saltern("build", TOTALS, "-o", tree, "--trigger", "api")
    assert (code, err) == (0, "")
    assert saltern("build", "--check", TOTALS, "-o", tree, "--trigger", "api")[0] == 0
    code, _, err = saltern("build", "--check", TOTALS, "-o", tree)
    assert code == 1
    assert "The tree was built with --trigger api, this compares with the triggers of its source." in err
    code, _, err = saltern("build", "--check", TOTALS, "-o", tree, "--trigger", 'webhook "/t" { signature: none }')
    assert code == 1
    assert err.splitlines()[-1].endswith(f"{tree} --trigger 'webhook \"/t\" {{ signature: none }}'")


def test_a_trigger_that_is_none(saltern, tree):
    """It is shown as any other mistake is, at its place in the option; nothing is written."""
    before = state(tree)
    code, out, err = saltern("build", TOTALS, "-o", tree, "--trigger", "webhok")
    assert (code, out) == (1, "")
    assert err.startswith("error[unknown-trigger]: unknown trigger `webhok`\n --> --trigger:1:1\n")
    assert err.endswith("1 error in --trigger\n")
    assert state(tree) == before
