"""A pipeline as it stands in a revision of a Git repository, with what it uses there."""

from __future__ import annotations

import os
import posixpath
import subprocess
from pathlib import Path
from typing import Final, Self

from saltern_compiler.driver.source import MAX_BYTES, Source, SourceError, decode
from saltern_compiler.frontend.notations import suffixes
from saltern_runtime.dataclass import dataclass

PREFIX: Final = "git:"
"""What names a revision: `git:REV:path`; without REV, what is staged."""
_ENVIRONMENT: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""Nothing is fetched, and nobody is asked."""


@dataclass(frozen=True, slots=True)
class Revision(Source):
    """A text of a revision; what it uses is read there too."""

    revision: str = ""
    inside: str = ""
    """Its folder in the revision, as Git has it: from the top of the repository, or behind `./` from here."""

    @classmethod
    def load(cls, path: str) -> Self:
        """Read `git:REV:path`; raises SourceError."""
        revision, colon, inside = path.removeprefix(PREFIX).partition(":")
        if not path.startswith(PREFIX) or not colon or not inside:
            raise SourceError(f"{path}: a revision is named git:REV:path, such as git:main:orders.saltern")
        if revision.startswith("-"):
            raise SourceError(f"{path}: {revision!r} is no revision")
        if not inside.lower().endswith(suffixes()):
            *others, last = suffixes()
            raise SourceError(f"{path}: a pipeline's file ends in {', '.join(others)} or {last}")
        text = decode(_show(revision, inside, MAX_BYTES, path), path)
        return cls(posixpath.basename(inside), text, Path.cwd(), revision, posixpath.dirname(inside))

    def read(self, relative: str, limit: int) -> bytes:
        """Read what lies beside it; raises SourceError."""
        path = posixpath.join(self.inside, relative)
        return _show(self.revision, path, limit, f"{PREFIX}{self.revision}:{path}")


def load_source(path: str) -> Source:
    """Read a file, standard input for `-`, or what stands in a revision; raises SourceError."""
    return Revision.load(path) if path.startswith(PREFIX) else Source.load(path)


def _show(revision: str, path: str, limit: int, name: str) -> bytes:
    """Return the bytes of a file of a revision, by `git cat-file`: as `git show`, but folders are no files to it."""
    command = ["git", "cat-file", "blob", f"{revision}:{path}"]
    try:
        ran = subprocess.Popen(  # noqa: S603 - no shell, and a revision that looks like an option is refused
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | _ENVIRONMENT,
        )
    except FileNotFoundError:
        raise SourceError(f"{name}: there is no git here") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{name}: {error}") from None
    with ran:
        assert ran.stdout is not None, "it is a pipe"
        assert ran.stderr is not None, "it is a pipe"
        data = ran.stdout.read(limit + 1)
        if len(data) > limit:
            ran.kill()
            raise SourceError(f"{name}: larger than {limit:,} bytes")
        said = ran.stderr.read().decode("utf-8", "replace").strip()
    if ran.returncode != 0:
        raise SourceError(
            f"{name}: {said.splitlines()[0].removeprefix('fatal: ') if said else 'git could not read it'}"
        )
    return data
