"""Writes a tree to disk, whole or not at all.

A folder that is not there yet is filled beside its place and moved there by one rename. In one that is there, the new files
are first written into `.saltern-build/` inside it; the file `commit.json` there is the point of no return. Then each
file goes to its place by `os.replace`. A crash before that point leaves the old tree; after it, the next build finishes
what was begun before it does anything else. What a build did not write is never touched.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from saltern_compiler.driver.manifest import BUILD_FILE, ManifestError, digest, is_inside, read_files
from saltern_runtime.dataclass import dataclass

STAGE: Final = ".saltern-build"
_COMMIT: Final = "commit.json"


class TreeError(Exception):
    """A tree cannot be written; the message says why, and what to do."""


class ChangedError(TreeError):
    """Files that a person changed, or that stand in the way; `paths` are all of them."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(f"{len(paths)} files were changed by hand")
        self.paths = paths


@dataclass(frozen=True, slots=True)
class Written:
    """What a build did to a tree; sorted paths."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]


def write_tree(artifacts: Mapping[str, bytes], directory: Path, *, force: bool = False) -> Written:
    """Make a folder hold these files in place of those of the build before; raises TreeError.

    `force` overwrites what a person changed; links and paths that lead out of the tree are refused all the same.
    """
    for path in artifacts:
        if not is_inside(path):
            raise TreeError(f"{path!r} is no path inside a tree")
    if directory.exists() and not directory.is_dir():
        raise TreeError(f"{directory}: this is a file; name a folder")
    try:
        if not directory.exists():
            return _create(artifacts, directory)
        with _locked(directory):
            _recover(directory)
            return _update(artifacts, directory, force=force)
    except OSError as error:
        raise TreeError(f"{error.filename or directory}: {error.strerror or error}") from error


def _create(artifacts: Mapping[str, bytes], directory: Path) -> Written:
    directory.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        _fill(beside, artifacts)
        beside.chmod(0o777 & ~_umask())
        beside.rename(directory)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _sync(directory.parent)
    return Written(tuple(sorted(artifacts)), (), ())


def _update(artifacts: Mapping[str, bytes], directory: Path, *, force: bool) -> Written:
    before = _before(directory, force=force)
    _refuse_links(directory, {*artifacts, *before, BUILD_FILE})
    now = {path: _content(directory / path) for path in {*artifacts, *before}}
    changed = tuple(path for path in sorted(now) if _is_changed(now[path], before.get(path), artifacts.get(path), path))
    if changed and not force:
        raise ChangedError(changed)
    to_write = {path: data for path, data in artifacts.items() if now[path] != data}
    to_remove = sorted(path for path in before if path not in artifacts and now[path] is not None)
    unchanged = tuple(sorted(set(artifacts) - set(to_write)))
    if to_write or to_remove:
        stage = directory / STAGE
        stage.mkdir()
        _fill(stage / "new", to_write)
        _commit(stage, to_write, to_remove)
        _finish(directory)
    return Written(tuple(sorted(to_write)), tuple(to_remove), unchanged)


def _before(directory: Path, *, force: bool) -> Mapping[str, str]:
    """Return path → digest of what the build before wrote."""
    path = directory / BUILD_FILE
    if path.is_symlink():
        raise TreeError(f"{path}: this is a link; put a file or nothing in its place")
    data = _content(path)
    if data is None:
        return {}
    try:
        return {**read_files(data), BUILD_FILE: digest(data)}
    except ManifestError as error:
        if force:
            return {}
        raise TreeError(f"{path}: {error}; mend it, or pass --force to go by what the new build writes alone") from None


def _is_changed(now: bytes | None, before: str | None, new: bytes | None, path: str) -> bool:
    """Whether a file holds what no build put there (a missing one is written again without a word)."""
    if now is None or path == BUILD_FILE or now == new:
        return False
    return before is None or digest(now) != before


def _refuse_links(directory: Path, paths: Iterable[str]) -> None:
    seen: set[Path] = set()
    for path in sorted(paths):
        here = directory
        for part in path.split("/"):
            here /= part
            if here in seen:
                continue
            seen.add(here)
            try:
                mode = here.lstat().st_mode
            except FileNotFoundError:
                break
            except NotADirectoryError:
                raise TreeError(f"{here.parent}: a file stands where the build needs a folder; move it away") from None
            if stat.S_ISLNK(mode):
                raise TreeError(f"{here}: this is a link, and a build does not write through links; remove it")
            is_last = here == directory / path
            if is_last and not stat.S_ISREG(mode):
                raise TreeError(f"{here}: a folder stands where the build writes a file; move it away")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for path, data in sorted(files.items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _commit(stage: Path, to_write: Iterable[str], to_remove: Iterable[str]) -> None:
    draft = stage / "commit.draft"
    with draft.open("w", encoding="utf-8") as file:
        json.dump({"write": sorted(to_write), "remove": sorted(to_remove)}, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(stage / _COMMIT)
    _sync(stage)


def _recover(directory: Path) -> None:
    """Finish what a build before committed to, or drop what it did not."""
    stage = directory / STAGE
    if stage.is_symlink():
        raise TreeError(f"{stage}: this is a link; remove it")
    if not stage.is_dir():
        return
    if (stage / _COMMIT).is_file():
        _finish(directory)
    else:
        shutil.rmtree(stage)


def _finish(directory: Path) -> None:
    """Bring every staged file to its place; may be done twice. The build file goes last."""
    stage = directory / STAGE
    todo = json.loads((stage / _COMMIT).read_text("utf-8"))
    _refuse_links(directory, [path for path in (*todo["write"], *todo["remove"]) if is_inside(path)])
    for path in todo["remove"]:
        if is_inside(path):
            (directory / path).unlink(missing_ok=True)
            _drop_empty_folders(directory, path)
    for path in sorted(todo["write"], key=lambda path: (path == BUILD_FILE, path)):
        source = stage / "new" / path
        if is_inside(path) and source.exists():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            source.replace(directory / path)
    _sync(directory)
    (stage / _COMMIT).unlink()
    shutil.rmtree(stage)


def _drop_empty_folders(directory: Path, path: str) -> None:
    folder = (directory / path).parent
    while folder != directory:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep two builds out of one folder, where the system has file locks."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:
        yield
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TreeError(f"{directory}: another build is writing there; wait for it") from None
        yield
    finally:
        os.close(handle)


def _sync(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
