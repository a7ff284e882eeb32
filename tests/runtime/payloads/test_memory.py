"""A file of any size goes through in flat memory."""

import subprocess
import sys

from saltern_runtime.files import CHUNK

PROGRAM = """
import resource, sys
from pathlib import Path
from saltern_runtime.spec.places import PayloadPlace
from saltern_runtime.store.objects import ObjectPayloads

chunk, count = int(sys.argv[2]), int(sys.argv[3])

def peak():
    status = Path("/proc/self/status")  # what getrusage says on Linux may be the peak of whoever started this process
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def there_and_back(count):
    reference = store.write("0-0", "name", (bytes([number % 251]) * chunk for number in range(count)), 60.0)
    for number, got in enumerate(store.read(reference)):
        assert got == bytes([number % 251]) * chunk
    assert number == count - 1
    store.drop(store.hold(reference, 9 * 86400.0))
    store.drop(reference)

store = ObjectPayloads(PayloadPlace(sys.argv[1]), "service")
there_and_back(1)
before = peak()
there_and_back(count)
print(peak() - before)
"""
COUNT = 200
"""Chunks of a mebibyte each."""
GROWS = COUNT * CHUNK // 2
"""Bytes by which a process may grow, whatever its threads have allocated at a time: far less than what goes through."""


def test_memory_is_flat(objects):
    """Writing, reading, holding and dropping many mebibytes takes those of a few parts, wherever they lie."""
    command = [sys.executable, "-c", PROGRAM, objects.place, str(CHUNK), str(COUNT)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < GROWS
    assert objects.held() == []
