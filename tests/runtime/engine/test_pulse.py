"""The watchdog of a process whose node gives no other thread a turn, and what a node may do beside it."""

import os
import signal
import subprocess
import sys
import time

FORKS = """
import os, sys, threading
from saltern_runtime.engine.pulse import Pulse
watched = threading.Thread(target=threading.Event().wait, daemon=True)
watched.start()
pulse = Pulse(60.0)
pulse.start(watched)
child = os.fork()
if child == 0:
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
pulse.stop()
"""
HOLDS = """
import sys, threading, time
from saltern_runtime.engine.pulse import Pulse
watched = threading.Thread(target=threading.Event().wait, daemon=True)
watched.start()
pulse = Pulse(0.3)
pulse.start(watched)
import os
if os.fork() == 0:
    os._exit(0)
sum(range(10**12))
"""

FROZEN = """
import sys, threading, time
from saltern_runtime.engine.pulse import Pulse
watched = threading.Thread(target=threading.Event().wait, daemon=True)
watched.start()
pulse = Pulse(0.6)
pulse.start(watched)
print("at work", flush=True)
time.sleep(60)
"""


def ran(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


def test_a_child_that_own_code_forks_ends():
    """It inherits no watchdog, whose thread it has not: at its end it would wait for that for ever."""
    done = ran(FORKS)
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_the_watchdog_is_there_after_a_fork():
    """Who forked and then holds the interpreter is ended all the same, and what it was at is printed."""
    done = ran(HOLDS)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_a_process_that_was_frozen_for_longer_than_a_lease_ends_as_it_wakes():
    """What it had claimed is somebody else's by then. One that was frozen for a moment goes on."""
    with subprocess.Popen([sys.executable, "-c", FROZEN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout.readline() == b"at work\n"
            for seconds in (0.1, 1.5):
                os.kill(process.pid, signal.SIGSTOP)
                time.sleep(seconds)  # how long it is frozen is what counts
                assert process.poll() is None
                os.kill(process.pid, signal.SIGCONT)
            assert process.wait(20) == 1
        finally:
            process.kill()
