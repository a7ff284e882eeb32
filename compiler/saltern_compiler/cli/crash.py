"""What a person sees of a bug of ours."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Final

from saltern_compiler.cli.common import MISUSE
from saltern_compiler.registry import RegistryError
from saltern_runtime.version import __version__

INTERNAL_ERROR: Final = 70
"""EX_SOFTWARE of sysexits.h."""


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say that this is our bug and how to report it; returns the exit code. Plugins that do not fit are misuse."""
    if isinstance(error, RegistryError):
        sys.stderr.write(f"saltern: {error}\n")
        return MISUSE
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (f"{frame.name}, line {frame.lineno}" for frame in reversed(frames) if "saltern" in frame.filename), ""
    )
    lines = [
        "saltern: internal error: this is a bug of saltern, not of your pipeline.",
        f"  {type(error).__name__}: {str(error)[:500] or 'no message'}" + (f" (in {place})" if place else ""),
        f"  saltern {__version__}, Python {sys.version.split()[0]}",
    ]
    if "--debug" in arguments:
        lines.append("".join(traceback.format_exception(error)))
    else:
        lines.append(
            "  Please report it with the pipeline and the output of the same command with `saltern --debug ...`."
        )
    sys.stderr.write("\n".join(lines) + "\n")
    return INTERNAL_ERROR
