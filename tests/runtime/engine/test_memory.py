"""How much memory a process of a worker may have."""

import os
import subprocess
import sys

import pytest

from saltern_runtime.engine import memory
from saltern_runtime.engine.policy import classify

ALL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """Say what stands in the files of control groups, of version 2 and 1; None: there is no such file."""

    def say(*texts):
        files = [tmp_path / str(at) for at in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            if text is not None:
                file.write_text(text)
        monkeypatch.setattr(memory, "_LIMITS", tuple(map(str, files)))

    return say


@pytest.mark.parametrize(
    ("texts", "bound"),
    [
        (("2147483648\n", None), 1 << 30),
        ((None, "2147483648\n"), 1 << 30),
        (("max\n", None), max(memory.LEAST, ALL // 2)),
        ((None, "9223372036854771712\n"), max(memory.LEAST, ALL // 2)),
        (("268435456\n", None), memory.LEAST),
    ],
)
def test_a_process_may_have_half_of_what_there_is(limits, texts, bound):
    """Half of its container's limit, or of its machine's memory where there is none, and never too little to begin."""
    limits(*texts)
    assert memory.bound_of(0) == bound


def test_what_is_set_counts(limits):
    """An operator knows better."""
    limits("2147483648\n", None)
    assert memory.bound_of(5_000_000_000) == 5_000_000_000


def test_who_asks_for_more_gets_an_error():
    """A process within its bound goes on, whatever it asked for."""
    text = "from saltern_runtime.engine.memory import confine; confine(1 << 27)\ntry: bytearray(1 << 28)\nexcept MemoryError: print(len(bytearray(1 << 24)))"
    assert (
        subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout == "16777216\n"
    )


def test_it_is_a_failure_that_may_pass():
    """Another attempt may find another process; the message names the setting."""
    trouble = classify(MemoryError(), "act")
    assert (trouble.final, trouble.failure.code, trouble.failure.node) == (False, "out-of-memory", "act")
