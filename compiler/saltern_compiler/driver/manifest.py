"""saltern-build.json: what a tree was built from; of every file its digest and the target that emits it. No date, no host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from saltern_runtime.version import __version__

if TYPE_CHECKING:
    from saltern_compiler.ir.plan import Plan  # a check makes none

BUILD_FILE: Final = "saltern-build.json"
FORMAT: Final = 2


def digest(data: bytes) -> str:
    """Return `sha256:…` of a file's content."""
    import hashlib  # noqa: PLC0415 - a check asks this module for names alone

    return "sha256:" + hashlib.sha256(data).hexdigest()


def manifest(
    plan: Plan,
    files: Mapping[str, bytes],
    owners: Mapping[str, str],
    *,
    targets: tuple[str, ...],
    options: Mapping[str, str],
    triggers: tuple[str, ...] = (),
) -> bytes:
    """Write the build file of a tree; it does not list itself. `owners`: path → the target that emits it.

    `triggers`: those that were given in place of the source's own, if any were.
    """
    content = {
        "format": FORMAT,
        "source": plan.source_name,
        "pipeline": plan.pipeline_digest,
        "plan": plan.digest,
        "compiler": __version__,
        "runtime": __version__,
        "targets": list(targets),
        "options": dict(options),
        "optimize": plan.level,
        **({"triggers": list(triggers)} if triggers else {}),
        "files": {path: {"digest": digest(data), "target": owners[path]} for path, data in files.items()},
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


class ManifestError(ValueError):
    """A build file cannot be read, or names paths outside its tree."""


def read_files(data: bytes) -> Mapping[str, str]:
    """Return path → digest of what an earlier build wrote; raises ManifestError."""
    try:
        digests = {path: _digest_of(entry) for path, entry in json.loads(data)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ManifestError("it cannot be read") from None
    for path in digests:
        if not is_inside(path):
            raise ManifestError(f"it names {path!r}, which is outside the tree")
    return digests


def read_targets(data: bytes) -> tuple[str, ...]:
    """Return the targets of an earlier build; empty where that cannot be read."""
    try:
        return tuple(sorted(str(name) for name in json.loads(data)["targets"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def read_level(data: bytes) -> int | None:
    """Return how much an earlier build was optimized; None where that cannot be read."""
    try:
        return int(json.loads(data)["optimize"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def read_triggers(data: bytes) -> tuple[str, ...] | None:
    """Return the triggers that an earlier build was given in place of its source's; None where that cannot be read."""
    try:
        return tuple(str(trigger) for trigger in json.loads(data).get("triggers", ()))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return None


def _digest_of(entry: Mapping[str, object]) -> str:
    digest = entry["digest"]
    if not isinstance(digest, str):
        raise TypeError(digest)
    return digest


def is_inside(path: str) -> bool:
    """Whether a relative POSIX path stays inside its tree on every system."""
    parts = PurePosixPath(path).parts
    plain = bool(parts) and not path.startswith("/") and not set(path) & set('\\:*?"<>|\0')
    return plain and ".." not in parts and "/".join(parts) == path
