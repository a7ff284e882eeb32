"""Files of `saltern run`: those that `--file` names go into the input, those of the output into the folder of `--save`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from saltern_runtime.files import CHUNK, File, clean_name, file_shapes, files_in, media_type_of
from saltern_runtime.spec import Json

if TYPE_CHECKING:
    from saltern_runtime.store.files import Shelf

_LONGEST: Final = 200
"""Octets of a name that is written; file systems take 255."""


class FileError(Exception):
    """A file that cannot be read, taken or written; says which."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of this machine that is a part of the input."""

    path: Path
    file: File


def attach(model: type[BaseModel], given: Json, pairs: Sequence[str]) -> tuple[Json, list[Attached]]:
    """Put the files of `FIELD=PATH` pairs into an input; raises FileError."""
    found: dict[str, list[Attached]] = {}
    for pair in pairs:
        name, _, path = pair.partition("=")
        if not name or not path:
            raise FileError(f"--file takes FIELD=PATH, not {pair!r}")
        found.setdefault(name, []).append(_read(Path(path)))
    if not isinstance(given, dict):
        raise FileError("--file needs an input that is a JSON object")
    fields = {field.alias or name: file_shapes(field.annotation) for name, field in model.model_fields.items()}
    taking = [name for name, many in fields.items() if many]
    for name, files in found.items():
        many = fields.get(name)
        if not many:
            what = f"the input has no field {name!r}" if many is None else f"{name!r} takes no file"
            raise FileError(f"{what}; of its fields, {', '.join(map(repr, taking)) or 'none'} take one")
        if name in given:
            raise FileError(f"{name!r} stands in the input, and is given as --file too")
        if len(files) > 1 and "many" not in many:
            raise FileError(f"{name!r} takes one file, not {len(files)}")
        values = [each.file.to_json() for each in files]
        given = {**given, name: values[0] if len(values) == 1 and "one" in many else values}
    return given, [each for files in found.values() for each in files]


def _read(path: Path) -> Attached:
    digest, size = hashlib.sha256(), 0
    for chunk in _chunks(path):
        digest.update(chunk)
        size += len(chunk)
    name = clean_name(path.name)
    return Attached(path, File(name=name, media_type=media_type_of(name), size=size, sha256=digest.hexdigest()))


def _chunks(path: Path) -> Iterator[bytes]:
    if path.exists() and not path.is_file():
        raise FileError(f"cannot read {path}: it is no regular file")
    try:
        with path.open("rb") as opened:
            while chunk := opened.read(CHUNK):
                yield chunk
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error


def store(shelf: Shelf, tenant: str, attached: Sequence[Attached], keep: float) -> None:
    """Store files that were attached; raises FileError."""
    from saltern_runtime.store.files import FileTooLargeError

    for each in attached:
        said = each.file
        try:
            file = shelf.put(tenant, _chunks(each.path), name=said.name, media_type=said.media_type, keep=keep)
        except FileTooLargeError as error:
            raise FileError(f"{each.path} is too large: {error} (SALTERN_MAX_FILE)") from error
        if file != said:
            raise FileError(f"{each.path} changed while it was read")


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there; raises FileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error


def save(shelf: Shelf, tenant: str, output: Any, folder: Path) -> Iterator[Path]:
    """Write the files of an output into a folder, never over another one, and yield where each stands; raises FileError."""
    from saltern_runtime.store.payloads import PayloadGoneError

    for file in dict.fromkeys(files_in(output)):
        try:
            yield _written(folder, file.name, shelf.chunks(tenant, file.sha256))
        except PayloadGoneError as error:
            raise FileError(f"the bytes of {file.name!r} are kept no longer") from error
        except OSError as error:
            raise FileError(f"cannot write {file.name!r} into {folder}: {error.strerror}") from error


def _written(folder: Path, name: str, chunks: Iterator[bytes]) -> Path:
    stem, dot, end = safe(name).rpartition(".")
    stem, end = (stem, f"{dot}{end}") if stem else (end, "")
    for path in (folder / f"{stem}{'' if n == 1 else f' ({n})'}{end}" for n in range(1, 10_000)):
        try:
            opened = path.open("xb")
        except FileExistsError:
            continue
        try:
            with opened:
                for chunk in chunks:
                    opened.write(chunk)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileError(f"{folder} has ten thousand files named like {name!r}")


def safe(name: str) -> str:
    """Return a name that stays inside its folder, is not hidden there, and that file systems take."""
    bare = clean_name(name).lstrip(".").strip() or "file"
    while len(bare.encode()) > _LONGEST:
        stem, dot, end = bare.rpartition(".")
        bare = f"{stem[:-1]}{dot}{end}" if stem and len(end) < len(stem) else bare[:-1]
    return bare
