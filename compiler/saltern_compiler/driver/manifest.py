"""saltern-build.json: what a tree was built from, and the digest of every file in it. No date, no host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_runtime.version import __version__

BUILD_FILE: Final = "saltern-build.json"
FORMAT: Final = 1


def digest(data: bytes) -> str:
    """Return `sha256:…` of a file's content."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(plan: Plan, files: Mapping[str, bytes], targets: tuple[str, ...], options: Mapping[str, str]) -> bytes:
    """Write the build file of a tree; it does not list itself."""
    content = {
        "format": FORMAT,
        "source": plan.source_name,
        "pipeline": plan.pipeline_digest,
        "plan": plan.digest,
        "compiler": __version__,
        "runtime": __version__,
        "targets": list(targets),
        "options": dict(options),
        "files": {path: digest(data) for path, data in sorted(files.items())},
    }
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


class ManifestError(ValueError):
    """A build file cannot be read, or names paths outside its tree."""


def read_files(data: bytes) -> Mapping[str, str]:
    """Return path → digest of what an earlier build wrote; raises ManifestError."""
    try:
        loaded = json.loads(data)
        files = loaded["files"]
        good = isinstance(files, dict) and all(isinstance(value, str) for value in files.values())
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise ManifestError("it cannot be read")
    for path in files:
        if not is_inside(path):
            raise ManifestError(f"it names {path!r}, which is outside the tree")
    return dict(files)


def is_inside(path: str) -> bool:
    """Whether a relative POSIX path stays inside its tree on every system."""
    parts = PurePosixPath(path).parts
    plain = bool(parts) and not path.startswith("/") and not set(path) & set('\\:*?"<>|\0')
    return plain and ".." not in parts and "/".join(parts) == path
