"""Reading a file in a process of its own, which may die of it: the worker lives on."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from saltern_runtime.connectors.base import remaining
from saltern_runtime.errors import NodeError, PermanentError, TransientError

if TYPE_CHECKING:
    from saltern_runtime.files import File
    from saltern_runtime.graph import Context

MAX_BYTES: Final = 48 << 20
"""Bytes of a file that is read; while it is, they lie in the folder for temporary files, whose 256 MiB four processes of a pod share."""
MEMORY: Final = 1 << 30
"""Bytes of addresses that reading a file may take, at most."""
LEAST_MEMORY: Final = 256 << 20
"""Bytes that it gets however little a container has left."""
CPU: Final = 40
"""Seconds of a processor that reading a file may take; less than an attempt lasts, so that the file is refused and not tried again."""
_READER: Final = "saltern_runtime.nodes.file.reader"
_PASSED_ON: Final = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
"""What the interpreter may need to start: nothing else of the environment, which holds secrets."""
_STEP: Final = 1 << 16
_CGROUP: Final = Path("/sys/fs/cgroup")


def ask(ctx: Context, file: File, asked: Mapping[str, Any]) -> Any:
    """Return what the reader makes of a file; raises PermanentError for the file, TransientError for the surroundings."""
    if file.size > MAX_BYTES:
        raise _too_large(file)
    with tempfile.TemporaryFile() as content, tempfile.TemporaryFile() as question:
        try:
            _fill(ctx, file, content)
            question.write(json.dumps(_question(ctx, file, asked)).encode())
            question.seek(0)
        except OSError as error:
            why = f"there is no room for a file of {file.size} bytes: {error.strerror}"
            raise TransientError(why, code="no-room") from error
        return _answer(ctx, file, content, question)


def _question(ctx: Context, file: File, asked: Mapping[str, Any]) -> dict[str, Any]:
    limits = {"memory": _memory(), "cpu": CPU, "most": ctx.max_payload}
    return {"name": file.name, "media_type": file.media_type, **limits, **asked}


def _fill(ctx: Context, file: File, content: IO[bytes]) -> None:
    size = 0
    for chunk in file.chunks() if ctx.files is None or file.content is not None else ctx.files.chunks(file):
        size += len(chunk)
        if size > MAX_BYTES:
            raise _too_large(file)
        content.write(chunk)
        remaining(ctx)
    content.seek(0)


def _too_large(file: File) -> PermanentError:
    return PermanentError(f"{file.name} has more than {MAX_BYTES} bytes, the most that is read", code="too-large")


def _memory() -> int:
    """Return the bytes of addresses that a reader may take: fewer where the container has no more left."""
    try:
        most, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        left = int(most) - int(used) + int(stat.get("inactive_file", 0))
    except (OSError, ValueError):  # no container, or one without a limit (`max`)
        return MEMORY
    return max(LEAST_MEMORY, min(MEMORY, left))


def _answer(ctx: Context, file: File, content: IO[bytes], question: IO[bytes]) -> Any:
    command = [sys.executable, "-P", "-B", "-X", "utf8", "-m", _READER, str(content.fileno())]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module; nothing of the file or the user is in it
        command,
        stdin=question,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[content.fileno()],
        env=environment,
        start_new_session=True,
    )
    try:
        most = 3 * ctx.max_payload + _STEP
        said = _said(ctx, process, most)
        if said is not None and len(said) > most:
            raise PermanentError(f"{file.name} cannot be read: its reader says more than it may", code="unreadable")
        if said is None or not _ended(ctx, process):
            raise TransientError(f"reading {file.name} was not over when the attempt was", code="timed-out")
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode != 0 or not said:
        raise _failed(file, process.returncode)
    return _value(file, said)


def _said(ctx: Context, process: subprocess.Popen[bytes], most: int) -> bytes | None:
    """Return what a process writes until it closes, or until that is more than `most` bytes; None where time was over first."""
    assert process.stdout is not None
    parts: list[bytes] = []
    size = 0
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while size <= most:
            left = ctx.deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                return None
            part = os.read(process.stdout.fileno(), _STEP)
            if not part:
                return b"".join(parts)
            size += len(part)
            parts.append(part)
    return b"".join(parts)


def _ended(ctx: Context, process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(max(0.0, ctx.deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _failed(file: File, code: int) -> NodeError:
    """Return what the end of a process without an answer means."""
    if code == -signal.SIGXCPU:
        return PermanentError(f"reading {file.name} takes more than {CPU} seconds of a processor", code="too-large")
    if code == -signal.SIGABRT:  # what native parsers do where there is no more memory
        return PermanentError(f"reading {file.name} needs more memory than a file may take", code="too-large")
    if code == -signal.SIGKILL or code >= 0:
        return TransientError(f"the process that read {file.name} was ended ({code})", code="reader-ended")
    return PermanentError(f"{file.name} is damaged: its parser crashed (signal {-code})", code="unreadable")


def _value(file: File, said: bytes) -> Any:
    try:
        answer = from_json(said, allow_inf_nan=False)
        if "error" not in answer:
            return answer["value"]
        code, message = answer["error"]
    except (ValueError, KeyError, TypeError) as error:
        raise PermanentError(f"{file.name} cannot be read", code="unreadable") from error
    raise PermanentError(f"{file.name} cannot be read: {message}", code=code)
