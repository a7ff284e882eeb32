"""`saltern run --file` and `--save`: files of this machine go in, those of the output come out, nothing is overwritten."""

import base64
import json
import os
import subprocess
import sys

import pytest

from saltern_runtime.dev.files import safe
from saltern_runtime.files import File
from tests.support.tree import write_tree

REPLACED = {
    "models.py": '''
        """Values."""

        from saltern_runtime.files import File
        from saltern_runtime.models import Maybe, Model


        class Input(Model):
            """What a run starts with."""

            doc: Maybe[File] = None
            docs: Maybe[list[File]] = None
            either: File | list[File] | None = None
            text: Maybe[str] = None


        class Output(Model):
            """What a run returns."""

            files: list[File]
            text: str
        ''',
    "nodes.py": '''
        """Nodes."""

        from saltern_runtime import Context, node
        from saltern_runtime.files import files_in

        from echo.models import Input, Output


        @node("return", type="return@1")
        def return_(ctx: Context, *, input: Input) -> Output:
            """Give back what came, and one more."""
            given = list(files_in(input))
            text = "".join(b"".join(ctx.files.chunks(file)).decode() for file in given)
            made = ctx.files.keep([b"made"], name="..", media_type="text/plain")
            return Output(files=[*given, made], text=text)
        ''',
    "graph.py": '''
        """The plan."""

        from saltern_runtime import Graph, Retry, Stage

        from echo import nodes

        GRAPH = Graph("echo", package="echo", stages=(Stage("return", nodes=(nodes.return_,), retry=Retry(attempts=1)),))
        ''',
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("tree"), REPLACED)


@pytest.fixture
def run(tree, tmp_path):
    """Run once in a folder of the test's own."""

    def run(*arguments, text=None, **env):
        given = () if text is None else ("--input", "-")
        return subprocess.run(
            [sys.executable, "-m", "saltern_runtime.dev", str(tree), "--once", *given, *arguments],
            input=text, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path, env={**os.environ, **env},
        )  # fmt: skip

    (tmp_path / "a.pdf").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    return run


def test_files_go_in_and_come_out(run, tmp_path):
    """A field takes one, a list several; the output's are written under clean names, beside what is there already."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.pdf").write_text("mine")
    done = run("--file", "doc=./a.pdf", "--file", "docs=b.txt", "--save", "out")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert File(**shown["files"][0]) == File.of("a.pdf", b"one") or File(**shown["files"][1]) == File.of(
        "a.pdf", b"one"
    )
    assert sorted(shown["text"]) == sorted("onetwo")
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert written == {"a.pdf": "mine", "a (2).pdf": "one", "b.txt": "two", "file": "made"}
    assert "saved out/a (2).pdf\n" in done.stderr


@pytest.mark.parametrize("pairs", [["docs=a.pdf"], ["either=a.pdf"], ["either=a.pdf", "either=b.txt"]])
def test_a_list_is_made_where_the_type_is_one(run, pairs):
    """Of one file too; beside an input of JSON."""
    done = run(*[word for pair in pairs for word in ("--file", pair)], text='{"text": "x"}')
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["files"]) == len(pairs) + 1


def test_base64_of_the_input_is_stored(run):
    """As at the API."""
    given = {"doc": {"name": "a", "base64": base64.b64encode(b"inline").decode()}}
    assert json.loads(run(text=json.dumps(given)).stdout)["text"] == "inline"


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["--file", "doc"], None, "--file takes FIELD=PATH, not 'doc'"),
        (["--file", "doc="], None, "--file takes FIELD=PATH, not 'doc='"),
        (
            ["--file", "other=a.pdf"],
            None,
            "the input has no field 'other'; of its fields, 'doc', 'docs', 'either' take one",
        ),
        (["--file", "text=a.pdf"], None, "'text' takes no file; of its fields, 'doc', 'docs', 'either' take one"),
        (["--file", "doc=no.pdf"], None, "cannot read no.pdf: No such file or directory"),
        (["--file", "doc=."], None, "cannot read .: it is no regular file"),
        (["--file", "doc=/dev/zero"], None, "cannot read /dev/zero: it is no regular file"),
        (["--file", "doc=a.pdf", "--file", "doc=b.txt"], None, "'doc' takes one file, not 2"),
        (["--file", "doc=a.pdf"], '{"doc": null}', "'doc' stands in the input, and is given as --file too"),
        (["--file", "doc=a.pdf"], "[]", "--file needs an input that is a JSON object"),
        (["--file", "doc=a.pdf", "--save", "a.pdf"], None, "cannot make the folder a.pdf: File exists"),
        ([], json.dumps({"doc": File.of("a", b"a").to_json()}), "no such file, or no longer, or of another size: /doc"),
    ],
)
def test_mistakes_are_a_line(run, arguments, text, said):
    """Which file, which field, and why; nothing on standard output."""
    done = run(*arguments, text=text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {said}\n"


def test_a_file_over_the_limit_is_a_line(run):
    """With the setting that says so."""
    done = run("--file", "doc=a.pdf", SALTERN_MAX_FILE="2")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: a.pdf is too large: a file may have 2 bytes at most (SALTERN_MAX_FILE)\n"


def test_an_output_that_cannot_be_saved_is_shown(run, tmp_path):
    """The run is not lost with it."""
    (tmp_path / "a.pdf").unlink()
    (tmp_path / "a.pdf").write_text("x")
    (tmp_path / "full").symlink_to("/proc/self")
    done = run("--file", "doc=a.pdf", "--save", "full")
    assert (done.returncode, len(json.loads(done.stdout)["files"])) == (1, 2)
    assert "error: cannot write " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("..", "file"),
        (".", "file"),
        ("../../a", "a"),
        (".bashrc", "bashrc"),
        ("a\x1b[31m\r\n", "a[31m"),
        ("x" * 240 + ".pdf", "x" * 196 + ".pdf"),
        ("中" * 255, "中" * 66),
        ("." + "y" * 300, "y" * 200),
        (" ", "file"),
    ],
)
def test_names_stay_inside(name, written):
    """Of their folder, not hidden in it, and of a length that file systems take."""
    assert safe(name) == written


def test_a_path_in_the_place_of_a_file_names_the_option(run):
    """What is no file is given as one, in the words of this command."""
    done = run(text='{"doc": "a.pdf"}')
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == ["  doc: a file is wanted: give it as --file FIELD=PATH"]
