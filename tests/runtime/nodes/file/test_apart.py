"""The process in which files are read: what it may do, and that the worker outlives whatever it does."""

import contextlib
import json
import os
import select
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from saltern_runtime.errors import PermanentError, TransientError
from saltern_runtime.files import File
from saltern_runtime.nodes import file
from saltern_runtime.nodes.file import apart
from tests.support.documents import pdf


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Put other code in the place of the reader: it has `asked` and ends the process as it likes."""

    def put(code):
        given = "import json, os, signal, sys, time\nfrom saltern_runtime.nodes.file import reader\nasked = json.load(sys.stdin)\n"
        (tmp_path / "impostor.py").write_text(given + textwrap.dedent(code))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(apart, "_READER", "impostor")

    return put


@pytest.fixture
def read(context):
    """Read a small text."""

    def make(seconds=600.0, content=b"text"):
        return file.text(context(seconds=seconds), file=File.of("a.txt", content))

    return make


CONFINED = "reader.confine(asked['memory'], asked['cpu'])\n"


@pytest.mark.parametrize(
    ("code", "error", "word"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", PermanentError, "unreadable"),
        ("os.kill(os.getpid(), signal.SIGILL)", PermanentError, "unreadable"),
        ("os.abort()", PermanentError, "too-large"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", PermanentError, "too-large"),
        ("os.kill(os.getpid(), signal.SIGKILL)", TransientError, "reader-ended"),
        ("os._exit(3)", TransientError, "reader-ended"),
        ("pass", TransientError, "reader-ended"),
        ("print('{\"value\": NaN}')", PermanentError, "unreadable"),
        ("print('[]')", PermanentError, "unreadable"),
        ("print('{\"error\": 7}')", PermanentError, "unreadable"),
        ("while True: print('x' * 100_000)", PermanentError, "unreadable"),
        ("print('{', end='', flush=True); os.close(1); os._exit(0)", PermanentError, "unreadable"),
    ],
)
def test_however_a_reader_ends_the_worker_has_an_error(read, reader, code, error, word):
    """A crash is about the file; being killed is about the machine, and passes."""
    reader(code)
    with pytest.raises(error) as found:
        read()
    assert found.value.code == word


@pytest.mark.parametrize(
    "code",
    [
        "signal.pause()",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()",
        "os.close(1); signal.pause()",
    ],
)
def test_a_reader_that_is_not_over_in_time_is_killed(read, reader, code):
    """The attempt is timed out, and no process remains (the fixture looks)."""
    reader(code)
    with pytest.raises(TransientError) as found:
        read(seconds=1.5)
    assert found.value.code == "timed-out"


def test_no_time_at_all_is_timed_out(read):
    """Before a process is started."""
    with pytest.raises(TransientError) as found:
        read(seconds=0)
    assert found.value.code == "timed-out"


def test_a_reader_knows_no_secrets(read, reader, monkeypatch):
    """Of the environment it has what the interpreter needs to start."""
    monkeypatch.setenv("CRM_DSN", "postgresql://secret")
    reader("print(json.dumps({'value': {'text': ' '.join(sorted(os.environ)), 'pages': 1}}))")
    names = set(read().text.split())
    assert names <= {"PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LC_CTYPE"}


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import subprocess; subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "open(asked['folder'] + '/new', 'w').write('x' * 9)",
        "bytearray(asked['memory'])",
    ],
)
def test_a_reader_may_do_nothing_but_read(reader, context, tmp_path, code):
    """No connection, no process, no file, no more memory than it has."""
    inner = "\n    ".join(code.split("; "))
    said = "print(json.dumps({'value': type(error).__name__}))"
    reader(
        f'{CONFINED}try:\n    {inner}\nexcept BaseException as error:\n    {said}\nelse:\n    print(\'{{"value": "done"}}\')\n'
    )
    asked = {"folder": str(tmp_path)}
    found = apart.ask(context(seconds=600), File.of("a.txt", b"x"), asked)
    assert found in ("PermissionError", "OSError", "MemoryError", "URLError")


def test_a_reader_has_little_time_of_a_processor(reader, read, monkeypatch):
    """A parser that loops is refused for good, not tried again until the attempts are over."""
    monkeypatch.setattr(apart, "CPU", 1)
    reader(CONFINED + "while True: pass")
    with pytest.raises(PermanentError) as found:
        read()
    assert found.value.code == "too-large"


def test_a_reader_dies_with_its_worker(tmp_path):
    """A worker that is killed leaves nobody at work: its reader would have gone on for a minute."""
    code = f"""
        import os, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
        child.stdout.readline()
        print(child.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    worker = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    pid = int(worker.stdout)
    with contextlib.suppress(ProcessLookupError):  # it may be gone by now
        ended = os.pidfd_open(pid)
        try:
            assert select.select([ended], [], [], 30)[0], "it lives on"
        finally:
            os.close(ended)


CHILD = """
import signal
from saltern_runtime.nodes.file import reader
reader.confine(1 << 30, 40)
print("confined", flush=True)
signal.pause()
"""


def test_a_container_with_little_memory_leaves_a_reader_less(tmp_path, monkeypatch):
    """What is left of its limit, but enough to start; without a limit all that a reader may have."""
    monkeypatch.setattr(apart, "_CGROUP", tmp_path)
    assert apart._memory() == apart.MEMORY
    for name, value in (
        ("memory.max", 900 << 20),
        ("memory.current", 500 << 20),
        ("memory.stat", "inactive_file 1048576"),
    ):
        (tmp_path / name).write_text(f"{value}\n")
    assert apart._memory() == 401 << 20
    (tmp_path / "memory.current").write_text(str(880 << 20))
    assert apart._memory() == apart.LEAST_MEMORY
    (tmp_path / "memory.max").write_text("max\n")
    assert apart._memory() == apart.MEMORY


def test_the_least_memory_is_enough_for_small_files(context, monkeypatch):
    """In a container that has no more left."""
    monkeypatch.setattr(apart, "MEMORY", apart.LEAST_MEMORY)
    assert file.text(context(seconds=600), file=File.of("a.pdf", pdf("x"))).text == "x"
    assert file.rows(context(seconds=600), file=File.of("a.csv", b"a\nb")).rows == [{"a": "b"}]


def test_no_room_for_temporary_files_passes(context, monkeypatch):
    """A full disk is not the file's fault."""

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apart, "_fill", full)
    with pytest.raises(TransientError) as found:
        file.text(context(seconds=600), file=File.of("a.txt", b"x"))
    assert found.value.code == "no-room"


def test_bytes_come_as_a_stream(context):
    """A file that is stored is read chunk by chunk, from the files of the run."""

    class Stored:
        def chunks(self, _):
            yield from (b"some ", b"", b"bytes")

    ctx = context(seconds=600)
    ctx.files = Stored()
    stored = File(name="a.txt", media_type="text/plain", size=10, sha256="0" * 64)
    assert file.text(ctx, file=stored).text == "some bytes"


def test_a_file_that_is_gone_is_an_error_of_its_own(context):
    """It goes through as the files of the run say it."""

    class Gone:
        def chunks(self, _):
            raise PermanentError("it is kept no longer", code="file-gone")
            yield b""

    ctx = context(seconds=600)
    ctx.files = Gone()
    with pytest.raises(PermanentError) as found:
        file.text(ctx, file=File(name="a.txt", media_type="text/plain", size=10, sha256="0" * 64))
    assert found.value.code == "file-gone"


def test_what_is_asked_may_be_any_text(context):
    """It never stands in a command line."""
    with pytest.raises(PermanentError) as found:
        file.rows(context(seconds=600), file=File.of("a.csv", b"a\n1"), sheet="\0' ; --\n" + "x" * 300_000)
    assert found.value.code == "no-such-sheet"


def test_the_module_is_a_program():
    """It reads its question, and answers."""
    question = {
        "what": "text",
        "name": "a",
        "media_type": "",
        "most": 99,
        "memory": 1 << 30,
        "cpu": 9,
        "max_pages": 1,
        "encoding": "",
    }
    with Path(__file__).open("rb") as content:
        os.set_inheritable(content.fileno(), True)
        done = subprocess.run(
            [sys.executable, "-m", "saltern_runtime.nodes.file.reader", str(content.fileno())],
            input=json.dumps(question).encode(),
            capture_output=True,
            check=True,
            close_fds=False,
        )
    assert json.loads(done.stdout)["error"][0] == "too-large"
