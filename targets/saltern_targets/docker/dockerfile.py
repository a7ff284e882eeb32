r"""A Dockerfile as a tree of instructions, and the one place that writes it as text.

What is data is written so that no parser of Dockerfiles takes it for anything else: words of LABEL and ENV stand in double
quotes with `\`, `"` and `$` escaped, commands stand as JSON arrays, where nothing is expanded. A value is one line. `Ref` is
the one way to write a variable.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from saltern_compiler.characters import is_printable
from saltern_runtime.dataclass import dataclass

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PATH: Final = re.compile(r"[A-Za-z0-9_./-]+")
_IMAGE: Final = re.compile(r"[A-Za-z0-9_.:/@-]+")


@dataclass(frozen=True, slots=True)
class Ref:
    """The value of a build argument or variable, with text around it that is ours."""

    name: str
    before: str = ""


Word: TypeAlias = "str | Ref"


@dataclass(frozen=True, slots=True)
class Comment:
    """Lines of comment; empty: an empty line."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Arg:
    """A build argument; without a default it is taken from outside the stage."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class From:
    """The start of a stage."""

    image: Ref
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """`ENV` or `LABEL`: one instruction, a pair a line."""

    instruction: str
    pairs: Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class Copy:
    """Copies paths of ours (no user text but identifiers)."""

    sources: Sequence[str]
    to: str
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Commands of the build, each the next one's condition."""

    commands: Sequence[Sequence[str]]
    mounts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Exec:
    """`CMD` or `ENTRYPOINT` in exec form: no shell."""

    instruction: str
    command: Sequence[str]


@dataclass(frozen=True, slots=True)
class Health:
    """`HEALTHCHECK` in exec form; durations in seconds."""

    command: Sequence[str]
    interval: int
    timeout: int
    start_period: int
    retries: int


@dataclass(frozen=True, slots=True)
class Plain:
    """An instruction with one word: `USER`, `WORKDIR`, `EXPOSE`."""

    instruction: str
    word: str


Instruction: TypeAlias = "Comment | Arg | From | Pairs | Copy | Run | Exec | Health | Plain"


def render(instructions: Iterable[Instruction]) -> bytes:
    """Write the file."""
    return ("\n".join(_render(instruction) for instruction in instructions) + "\n").encode()


def _render(of: Instruction) -> str:
    match of:
        case Comment(text):
            return "\n".join(f"# {one_line(line)}" for line in text.split("\n")) if text else ""
        case Arg(name, default):
            return f"ARG {_plain(name)}" if default is None else f"ARG {_plain(name)}={_plain(default, _IMAGE)}"
        case From(image, name):
            return f"FROM {_ref(image)}" + (f" AS {_plain(name)}" if name else "")
        case Pairs(instruction, pairs):
            words = [f"{_plain(key)}={_word(value)}" for key, value in pairs.items()]
            return f"{instruction} " + " \\\n    ".join(words)
        case Copy(sources, to, stage):
            paths = " ".join(_plain(path, _PATH) for path in (*sources, to))
            return f"COPY {f'--from={_plain(stage)} ' if stage else ''}{paths}"
        case Run(commands, mounts):
            mounted = "".join(f"--mount={mount} " for mount in mounts)
            return f"RUN {mounted}" + " \\\n    && ".join(_command(command) for command in commands)
        case Exec(instruction, command):
            return f"{instruction} {_array(command)}"
        case Health(command, interval, timeout, start_period, retries):
            times = f"--interval={interval}s --timeout={timeout}s --start-period={start_period}s --retries={retries}"
            return f"HEALTHCHECK {times} \\\n    CMD {_array(command)}"
        case Plain(instruction, word):
            return f"{instruction} {_plain(word, _IMAGE)}"


def one_line(text: str) -> str:
    """Make one line of any text: runs of white space are one space, what cannot be printed is replaced."""
    return "".join(char if is_printable(char) else "\ufffd" for char in " ".join(text.split()))


def _word(value: Word) -> str:
    if isinstance(value, Ref):
        return f'"{value.before}{_ref(value)}"'
    escaped = re.sub(r'[\\"$]', lambda match: "\\" + match[0], one_line(value))
    return f'"{escaped}"'


def _ref(ref: Ref) -> str:
    return "${" + _plain(ref.name) + "}"


def _array(command: Sequence[str]) -> str:
    return json.dumps(list(command))


def _command(words: Sequence[str]) -> str:
    for word in words:
        one_line_only = is_printable(word) and "\\" not in word
        assert one_line_only, f"{word!r} does not fit into a shell's line"
    return shlex.join(words)


def _plain(word: str, allowed: re.Pattern[str] = _NAME) -> str:
    """Let through what needs no quotes; anything else is our own bug."""
    assert allowed.fullmatch(word), f"{word!r} does not stand alone in a Dockerfile"
    return word
