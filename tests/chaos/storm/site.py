"""The service in the storm: two versions of one pipeline, compiled, and every process of both, each on a host of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx
import redis

from saltern_compiler.driver import compile_source, write_tree
from saltern_runtime.web import tokens
from tests.chaos.storm.ending import end, send
from tests.chaos.storm.hosts import Host, Network, passing_on
from tests.support.built import ROOT
from tests.support.redis import RedisServer, free_port
from tests.support.until import until

SERVICE = "storm"
PIPELINES = Path(__file__).parent / "pipelines"
TENANTS = ("ants", "bees")
LEASE = 2.0
GRACE = 8.0
SETTINGS = {
    "SALTERN_LEASE": str(LEASE),
    "SALTERN_SWEEP": "0.3",
    "SALTERN_GRACE": str(GRACE),
    "SALTERN_SOCKET_TIMEOUT": "5",
    "SALTERN_UNREACHABLE": "60",
    "SALTERN_POISON": "25",  # what loses its worker again and again in a storm is no poison
    "SALTERN_LOGS": "text",
}
ROLES = {"worker-1": 1, "worker-2": 1, "worker-3": 2, "timers-1": 1, "timers-2": 2, "api-1": 1, "api-2": 2}
"""Every process and the version of the pipeline that it has; one that stands twice would be the same."""
BOOT = 120.0
"""Seconds that the APIs may take to answer for the first time."""
WORKER = ("celery", "-A", f"{SERVICE}.tasks", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat")


def compiled(folder: Path, version: int, bank: str) -> str:
    """Compile a version of the pipeline into a folder that is not there yet; return its plan's digest."""
    files = {path.name: path.read_text("utf-8") for path in PIPELINES.iterdir() if path.suffix in (".py", ".saltern")}
    files = {name: text.replace("http://BANK", f"http://{bank}") for name, text in files.items()}
    old, new = "version = set { value: 1 }", f"version = set {{ value: {version} }}"
    text = files.pop(f"{SERVICE}.saltern")
    assert old in text
    result = compile_source(text.replace(old, new), source_name=f"{SERVICE}.saltern", files=files)
    assert not result.diagnostics, result.diagnostics
    write_tree(result.artifacts, folder)
    return str(json.loads((folder / SERVICE / "source_map.json").read_text())["plan"])


def clock_library() -> Path | None:
    """Return what fakes the clock of a process; None where it is not installed."""
    spec = importlib.util.find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return None
    library = Path(spec.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    return library if library.exists() else None


class StormRedis(RedisServer):
    """The store and broker: on the address that all hosts reach, and slow where it is told to be."""

    def __init__(self, folder: Path, address: str) -> None:
        addresses = ("--bind", "127.0.0.1", *({address} - {"127.0.0.1"}))
        super().__init__(folder, *addresses, "--protected-mode", "no")
        self.address = address
        self._aside = free_port()
        self._proxy: subprocess.Popen[bytes] | None = None

    def slow(self, seconds: float) -> None:
        """Move to another port, and put a proxy in its place that passes everything on so much later, there and back."""
        with self.client() as client:
            client.config_set("port", self._aside)
        self._proxy = passing_on(self.address, self.port, self._aside, seconds)
        self._hang_up()

    def quick(self) -> None:
        """Take the proxy away again."""
        if self._proxy is not None:
            end(self._proxy)
            self._proxy = None
            with redis.Redis(port=self._aside) as client:
                client.config_set("port", self.port)
            self._hang_up()

    def fill(self) -> None:
        """Take no more than there is."""
        with self.client() as client:
            client.config_set("maxmemory", int(client.info("memory")["used_memory"]))

    def empty(self) -> None:
        """Take as much as comes."""
        with self.client() as client:
            client.config_set("maxmemory", 0)

    def pause(self) -> None:
        """SIGSTOP."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _hang_up(self) -> None:
        """Close all connections, so that they are made anew by the way that leads here now."""
        with redis.Redis(port=self._aside if self._proxy else self.port) as client:
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")

    def stop(self) -> None:
        if self._proxy is not None:
            end(self._proxy)
        super().stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).is_success
    except httpx.HTTPError:
        return False


class Process:
    """One process of the service, which is started again whenever it ends."""

    def __init__(self, name: str, command: tuple[str, ...], env: dict[str, str], host: Host, folder: Path) -> None:
        self.name = name
        self.host = host
        self.is_down = False
        """Whether it is to stay ended for now."""
        self._command = [*host.prefix, sys.executable, "-m", *command]
        self._env = env
        self._log = folder / f"{name}.log"
        self._clock = folder / f"{name}.clock"
        self._lock = threading.Lock()
        self.running: subprocess.Popen[bytes] | None = None
        self.skew(0)

    def start(self) -> None:
        """Start it, and leave it to the supervisor from here on."""
        with self._lock, self._log.open("ab") as log:
            self.is_down = False
            if self.running is not None and self.running.poll() is None:
                return
            self.running = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._env | {"FAKETIME_TIMESTAMP_FILE": str(self._clock)},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether it is over by now."""
        return self.running is not None and self.running.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        if self.running is not None:
            send(self.running, number)

    def kill(self) -> None:
        """SIGKILL to all of its processes."""
        self.is_down = True
        if self.running is not None:
            end(self.running)

    def terminate(self) -> None:
        """SIGTERM to the first of its processes; SIGKILL once its grace is over."""
        self.is_down = True
        if self.running is not None:
            with suppress(ProcessLookupError):
                self.running.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.running.wait(GRACE + 2)
            end(self.running)

    def pool(self) -> list[int]:
        """Return the ids of the processes that it forked."""
        pid = self.running.pid if self.running is not None else 0
        try:
            return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            return []

    def skew(self, seconds: int) -> None:
        """Let its clock be so far from ours from now on; its waits are as long as they were."""
        beside = self._clock.with_suffix(".next")
        beside.write_text(f"{seconds:+d}s\n")
        beside.replace(self._clock)


class Site:
    """All processes, Redis, and who starts them again."""

    def __init__(self, network: Network, folder: Path, bank: str) -> None:
        self.folder = folder
        self.clock = clock_library()
        (folder / "redis").mkdir()
        self.redis = StormRedis(folder / "redis", network.common)
        self.versions = {compiled(folder / f"tree-{number}", number, bank): number for number in (1, 2)}
        made = [tokens.new(tenant) for tenant in TENANTS]
        self.tokens = dict(zip(TENANTS, (token for token, _ in made), strict=True))
        self.apis: list[str] = []
        entries = ",".join(str(entry) for _, entry in made)
        self.processes = {name: self._process(name, network.hosts[name], entries) for name in ROLES}
        self.ended: Counter[str] = Counter()
        """How often which process ended although nobody ended it."""
        self._stop = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def _process(self, name: str, host: Host, entries: str) -> Process:
        address, port = host.redis(self.redis.port)
        env = os.environ | SETTINGS
        env |= {
            "SALTERN_REDIS_URL": f"redis://{address}:{port}/0",
            "SALTERN_API_TOKENS": entries,
            "SALTERN_PUBLIC_URL": "http://storm.example",
            "CHAOS_LEDGER": str(self.folder / "ledger"),
            "PYTHONPATH": str(self.folder / f"tree-{ROLES[name]}"),
        }
        if self.clock is not None:
            # A second after which the file is read again; what waits goes by a clock that is not faked
            env |= {"LD_PRELOAD": str(self.clock), "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        match name.partition("-")[0]:
            case "worker":
                command: tuple[str, ...] = (*WORKER, "-l", "warning", "-c", "3")
            case "timers":
                command = ("saltern_runtime.timers", SERVICE)
            case _:
                at = free_port()
                self.apis.append(f"http://{host.address}:{at}")
                where = ("--host", host.address, "--port", str(at))
                command = ("uvicorn", "--factory", f"{SERVICE}:create_app", *where, "--log-level", "warning")
                command += ("--timeout-graceful-shutdown", "5")
        return Process(name, command, env, host, self.folder)

    def start(self) -> None:
        """Start Redis, every process, and who starts them again; returns once every API answers."""
        self.redis.start()
        for each in self.processes.values():
            each.start()
        self._supervisor.start()
        for url in self.apis:
            if not until(partial(_answers, url), BOOT):
                raise TimeoutError(f"{url} does not answer after {BOOT:.0f} s: see its log in {self.folder}")

    def _supervise(self) -> None:
        while not self._stop.wait(0.3):
            for each in self.processes.values():
                if each.has_ended and not each.is_down:
                    self.ended[each.name] += 1
                    each.kill()  # what it left behind of its group
                    each.start()

    def close(self) -> None:
        """End everything; nothing is left of any group."""
        self._stop.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        for each in self.processes.values():
            each.kill()
        self.redis.stop()
