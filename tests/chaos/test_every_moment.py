"""SIGKILL before and after every single script call of a run: a child process dies there, another worker takes over."""

import os
import signal

from saltern_runtime.engine.one_process import InOneProcess
from saltern_runtime.store.store import Store
from tests.chaos.conftest import OUTPUT
from tests.support.checker import broken, recorded_twice
from tests.support.effort import LONG

STEP = 1 if LONG else 3
"""From one moment to the next; the short form takes each third one, so that both sides of a call have their turn."""


class Mortal(Store):
    """A store whose process dies at the nth of its moments: before and after each call but the timers' own."""

    left = 0

    def _send(self, shard, call, *args, **options):
        if call.script == "take_due":
            return super()._send(shard, call, *args, **options)
        self._moment()
        reply = super()._send(shard, call, *args, **options)
        self._moment()
        return reply

    def recall(self, key):
        value = super().recall(key)
        self._moment()
        return value

    def keep_value(self, key, text, seconds):
        self._moment()
        super().keep_value(key, text, seconds)
        self._moment()

    def _moment(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def work_until_killed(rescuer, run_id, moment, meanwhile=None):
    """Run a worker with its timers in a child that dies at a moment; answers whether it died or finished first.

    `meanwhile` is what else the child does: it is given the process and the run's id.
    """
    bells = list(rescuer.bells.bells)
    rescuer.bells.bells.clear()
    pid = os.fork()
    if pid == 0:
        settings = rescuer.service.settings
        process = InOneProcess(rescuer.service.graph, settings)
        store = Mortal(rescuer.service.graph.name, settings)
        store._rings["ring"] = 100
        process.service.store = process.service.reader._store = process.sweeper._store = store
        process.engine.store = process.engine.leases.store = store
        store.left = moment
        process.bells.ring(bells)
        if meanwhile is not None:
            meanwhile(process, run_id)
        process.finish(run_id, 20)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def each_death(rescuer, given=None, meanwhile=None, *, more_than):
    """Start run after run, whose workers die at a later moment each; yield their ids until a worker has finished first.

    The invariants hold when a worker has died and when the caller has seen to the run; nothing is recorded twice. There are
    `more_than` so many moments.
    """
    client, name = rescuer.service.store.client, rescuer.service.graph.name
    rescuer.sweeper.sweep()  # the first one of a store goes through all of its runs
    moment, died = -STEP + 1, True
    while died:
        moment += STEP
        run_id = rescuer.service.start(given, tenant="acme", trigger="api").run_id
        died = work_until_killed(rescuer, run_id, moment, meanwhile)
        assert broken(client, name) == []
        yield run_id
        assert broken(client, name) == []
        assert recorded_twice(client, name, run_id) == []
    assert moment > more_than


def test_killed_everywhere(here):
    """Wherever a worker dies, the invariants hold at once, and the run completes with each outcome recorded once."""
    rescuer = here(lease=0.12, sweep=0.02)
    client = rescuer.service.store.client
    for run_id in each_death(rescuer, {"refuse": "log"}, more_than=15):
        assert rescuer.finish(run_id, 20).output == OUTPUT
        assert len(client.hgetall(f"world:{run_id}")) == 3
