"""The process that `python -m tests.fuzz` starts: atheris makes texts, led by which parts of our code they reach."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from random import Random
from typing import Final

import atheris

with atheris.instrument_imports(include=["saltern_compiler", "saltern_targets", "saltern_runtime"]):
    from tests.fuzz.failing import Failure, failure
    from tests.fuzz.mutations import mutate
    from tests.fuzz.seeds import seeds

LONGEST: Final = 8_192
"""Bytes of a text."""
SECONDS: Final = 60
"""How long one text may take, by the clock on the wall, before it counts as a hang, which ends the process."""
MEGABYTES: Final = 2_048
"""How much memory the process may take."""


def fuzz(target: str, folder: Path, seconds: int) -> None:
    """Try texts until the time is over; of each place that breaks, the first text is kept as `folder/broken-…`."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for text in seeds(target):
        data = text.encode()[:LONGEST]
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    known: set[Failure] = set()

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        found = failure(target, text)
        if found is not None and found not in known:
            known.add(found)
            name = hashlib.sha256(repr(found).encode()).hexdigest()[:12]
            (folder / f"broken-{name}").write_text(text, "utf-8", newline="")

    def change(data: bytes, longest: int, seed: int) -> bytes:
        if seed % 4 == 0:
            return bytes(atheris.Mutate(data, longest))
        changed = mutate(data.decode("utf-8", "replace"), target, Random(seed))
        return changed.encode("utf-8", "replace")[:longest]

    options = [
        sys.argv[0], str(corpus), f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}", "-print_final_stats=1", f"-artifact_prefix={folder}/", "-len_control=0",
    ]  # fmt: skip
    atheris.Setup(options, one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
