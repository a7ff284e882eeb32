"""The wheel of the installed saltern-runtime, packed again: images need it until it is on an index.

A wheel of a pure Python package is its files and its metadata, all of which an installation holds. So nothing is built or
downloaded, and the same installation gives the same bytes anywhere: files are stored as they are, since each zlib packs another way.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import time
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from saltern_runtime.version import __version__

NAME: Final = f"saltern_runtime-{__version__}-py3-none-any.whl"
EPOCH: Final = 315532800
"""1980-01-01, where zip's calendar begins."""
_LAST: Final = 4354819198
"""The end of 2107, where that calendar ends."""
_UNIX: Final = 3
_INFO: Final = f"saltern_runtime-{__version__}.dist-info"
_WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: saltern\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class WheelError(Exception):
    """The installed runtime cannot be packed; the message says why."""


def epoch() -> int:
    """Return SOURCE_DATE_EPOCH, or the first second that a zip file can name."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return EPOCH
    if not (text.isascii() and text.isdecimal() and int(text) <= _LAST):
        raise WheelError(f"SOURCE_DATE_EPOCH={text!r} is no number of seconds from 1970 to 2107")
    return max(int(text), EPOCH)


def write_wheel(folder: Path) -> Path:
    """Put the wheel into a folder, which is made if need be; raises WheelError or OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(runtime_wheel())
    return path


def runtime_wheel() -> bytes:
    """Pack the installed runtime."""
    installed = distribution("saltern-runtime")
    if installed.version != __version__:
        raise WheelError(
            f"saltern-runtime {installed.version} is installed, but its files are {__version__}: install it again"
        )
    files = {**_files(), **_metadata(installed)}
    files[f"{_INFO}/RECORD"] = _record(files)
    out = io.BytesIO()
    when = time.gmtime(epoch())[:6]
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.create_system = _UNIX
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return out.getvalue()


def _files() -> Mapping[str, bytes]:
    spec = find_spec("saltern_runtime")
    if spec is None or not spec.submodule_search_locations:
        raise WheelError("saltern-runtime is not installed as files")
    root = Path(next(iter(spec.submodule_search_locations)))
    return {f"saltern_runtime/{path}": (root / path).read_bytes() for path in sorted(_walk(root))}


def _walk(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        hidden = any(part == "__pycache__" or part.startswith(".") for part in relative.parts)
        if path.is_file() and not hidden and path.suffix != ".pyc":
            yield relative.as_posix()


def _metadata(installed: Distribution) -> Mapping[str, bytes]:
    metadata = {name: installed.read_text(name) for name in ("METADATA", "entry_points.txt")}
    if not metadata["METADATA"]:
        raise WheelError("saltern-runtime is installed without its metadata")
    return {**{f"{_INFO}/{name}": text.encode() for name, text in metadata.items() if text}, f"{_INFO}/WHEEL": _WHEEL}


def _record(files: Mapping[str, bytes]) -> bytes:
    lines = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in files.items()]
    return "".join(f"{line}\n" for line in [*lines, f"{_INFO}/RECORD,,"]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
