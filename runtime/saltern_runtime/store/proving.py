"""Tries the place of payloads out in a process of its own: whoever asks may fork afterwards, which obstore's threads do not survive."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.failures import PayloadsUnfitError, PayloadsUnreachableError
from saltern_runtime.store.objects import NoCredentialsError, ObjectPayloads

LONGEST: Final = 90.0
"""Seconds that trying may take."""
_UNFIT: Final = 3
_UNREACHABLE: Final = 4
_CALL: Final = "import sys; from saltern_runtime.store.proving import main; sys.exit(main(*sys.argv[1:]))"


def prove(place: PayloadPlace, service: str) -> None:
    """Raise PayloadsUnfitError where nothing can be kept at a place, and say what to do; nothing is tried in Redis."""
    if place.kind == "redis":
        return
    command = [sys.executable, "-c", _CALL, place, service]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        ended = subprocess.run(  # noqa: S603 - our own code, and no shell
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise PayloadsUnfitError(f"SALTERN_PAYLOADS: nothing could be kept there within {LONGEST:g} s") from None
    if ended.returncode == 0:
        return
    if ended.returncode == _UNREACHABLE:
        raise PayloadsUnreachableError(f"SALTERN_PAYLOADS: {ended.stdout.strip()}")
    said = ended.stdout if ended.returncode == _UNFIT else ended.stderr.strip().rpartition("\n")[2]
    raise PayloadsUnfitError(f"SALTERN_PAYLOADS: {said.strip() or f'trying it ended with {ended.returncode}'}")


def main(place: str, service: str) -> int:
    """Try it out, print what is wrong, and return what `prove` understands."""
    try:
        ObjectPayloads(PayloadPlace(place), service).check()
    except (PayloadsUnfitError, NoCredentialsError) as error:
        sys.stdout.write(str(error))
        return _UNFIT
    except PayloadsUnreachableError as error:
        sys.stdout.write(str(error))
        return _UNREACHABLE
    return 0
