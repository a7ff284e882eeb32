"""Fuzz a part of the compiler's front with atheris, led by coverage; `make fuzz TARGET=language MINUTES=60`.

What breaks something is made small and laid into `crashes/`, where every test run tries it again. The corpus stays in `.fuzz/TARGET`, and
the next time goes on from there.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.fuzz.failing import failure, smallest
from tests.fuzz.properties import TARGETS
from tests.fuzz.seeds import ROOT

CRASHES: Final = Path(__file__).with_name("crashes")
_ENDS: Final = ("timeout-", "oom-", "crash-")
"""How libFuzzer calls a text that ended its process."""


def main() -> int:
    """Fuzz until the time is over, in a new process behind each hang; return 1 where something broke."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("target", choices=TARGETS)
    asked.add_argument("--minutes", type=float, default=1)
    given = asked.parse_args()
    folder = ROOT / ".fuzz" / given.target
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + given.minutes * 60
    number = 0
    while (left := int(end - time.monotonic())) > 0:
        command = [sys.executable, "-m", "tests.fuzz.guided", given.target, str(folder), str(left)]
        log = folder / f"{number}.log"
        with log.open("w") as file:
            code = subprocess.run(command, stdout=file, stderr=file, cwd=ROOT, check=False).returncode
        _say(_summary(given.target, code, log.read_text("utf-8", "replace")))
        number += 1
    broken = [_kept(given.target, path) for path in sorted(folder.glob("broken-*"))]
    hangs = [path for path in sorted(folder.iterdir()) if path.name.startswith(_ENDS)]
    for line in (*broken, *(f"{path}: ended its process" for path in hangs)):
        _say(line)
    return 1 if broken or hangs else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _summary(target: str, code: int, log: str) -> str:
    """Say how many texts were tried and how much of the code they reached."""
    executed = [int(count) for count in re.findall(r"^#(\d+)\s", log, re.MULTILINE)]
    coverage = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", log)
    edges, features, kept = coverage[-1] if coverage else ("no", "no", "none")
    tried = max(executed, default=0)
    return f"{target}: {tried:,} texts, {edges} edges, {features} features, a corpus of {kept}, exit code {code}"


def _kept(target: str, path: Path) -> str:
    """Make a text small and lay it beside the tests, unless it breaks nothing any more; say which one."""
    text = path.read_bytes().decode("utf-8", "replace")
    path.unlink()
    found = failure(target, text)
    if found is None:
        return f"{path.name}: breaks nothing alone"
    data = smallest(target, text, found).encode()
    kept = CRASHES / target / f"{hashlib.sha256(data).hexdigest()[:12]}.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
    return f"{kept.relative_to(ROOT)}: {found}"


if __name__ == "__main__":
    sys.exit(main())
