"""A network for each process, which may be cut: a namespace of its own where the machine lets us, else a proxy before Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from tests.chaos.storm.ending import end
from tests.support.redis import free_port

NOWHERE = "02:00:00:00:00:99"
"""A hardware address that nobody has: what is sent to it is lost, and nobody is told."""


class Host(Protocol):
    """Where one process runs."""

    address: str
    """What reaches it."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """What its command begins with."""

    def redis(self, port: int) -> tuple[str, int]:
        """Return where it finds Redis, which listens on this port of the common address."""

    def cut(self) -> None:
        """Let nothing pass."""

    def deafen(self) -> None:
        """Let nothing pass that is sent to it."""

    def heal(self) -> None:
        """Let everything pass again."""


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@dataclass
class Namespace:
    """A network namespace with one cable to ours. It is cut by a wrong hardware address for the other end."""

    name: str
    ours: str
    """Our address on the cable."""
    address: str
    common: str
    hardware: tuple[str, str] = field(default=("", ""))
    """Of our end, and of its."""

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def redis(self, port: int) -> tuple[str, int]:
        return self.common, port

    def open(self) -> None:
        """Make it; raises OSError where the machine does not let us."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("addr", "add", f"{self.ours}/30", "dev", self.name)
        _ip("link", "set", self.name, "up")
        _ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", "eth0")
        for link in ("eth0", "lo"):
            _ip("-n", self.name, "link", "set", link, "up")
        _ip("-n", self.name, "route", "add", "default", "via", self.ours)
        links = (_ip("-br", "link", "show", self.name), _ip("-n", self.name, "-br", "link", "show", "eth0"))
        self.hardware = (links[0].split()[2], links[1].split()[2])

    def close(self) -> None:
        """Remove it; its cable goes with it."""
        for command in (("link", "del", self.name), ("netns", "del", self.name)):
            with suppress(OSError):
                _ip(*command)

    def deafen(self) -> None:
        _ip("neigh", "replace", self.address, "lladdr", NOWHERE, "dev", self.name, "nud", "permanent")

    def cut(self) -> None:
        self.deafen()
        _ip("-n", self.name, "neigh", "replace", self.ours, "lladdr", NOWHERE, "dev", "eth0", "nud", "permanent")

    def heal(self) -> None:
        ours, theirs = self.hardware
        _ip("neigh", "replace", self.address, "lladdr", theirs, "dev", self.name, "nud", "permanent")
        _ip("-n", self.name, "neigh", "replace", self.ours, "lladdr", ours, "dev", "eth0", "nud", "permanent")


class Proxied:
    """The loopback, with a proxy between a process and Redis. Callers and the bank reach it and are reached while it is cut."""

    address = "127.0.0.1"
    prefix: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._proxy: subprocess.Popen[bytes] | None = None
        self._port = free_port()

    def redis(self, port: int) -> tuple[str, int]:
        if self._proxy is None:
            self._proxy = passing_on(self.address, self._port, port, 0)
        return self.address, self._port

    def _send(self, number: signal.Signals) -> None:
        if self._proxy is not None:
            self._proxy.send_signal(number)

    def cut(self) -> None:
        self._send(signal.SIGSTOP)

    deafen = cut

    def heal(self) -> None:
        self._send(signal.SIGCONT)

    def close(self) -> None:
        """End the proxy."""
        if self._proxy is not None:
            end(self._proxy)


def passing_on(address: str, port: int, target: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start a proxy: slowly.py."""
    command = [sys.executable, "-m", "tests.chaos.storm.slowly", address, str(port), str(target), str(seconds)]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


@dataclass
class Network:
    """Hosts, and the address that all of them reach."""

    common: str
    hosts: dict[str, Host]
    what: str
    """How they are cut off, in words."""


@contextmanager
def network(names: tuple[str, ...]) -> Iterator[Network]:
    """Make a host for each name; all of them go with it."""
    with ExitStack() as made:
        try:
            opened = made.enter_context(_namespaces(names))
        except (OSError, subprocess.SubprocessError) as error:
            proxied = {name: Proxied() for name in names}
            for each in proxied.values():
                made.callback(each.close)
            what = f"proxies before Redis, since there are no network namespaces ({error})"
            opened = Network("127.0.0.1", dict(proxied), what)
        yield opened


@contextmanager
def _namespaces(names: tuple[str, ...]) -> Iterator[Network]:
    """Make namespaces named after this process; raises OSError where the machine does not let us."""
    if os.geteuid():
        raise PermissionError("only root may make them")
    block = f"10.{64 + os.getpid() % 128}"
    common = f"{block}.0.1"
    with ExitStack() as made:
        made.callback(_forget, common)
        _ip("addr", "add", f"{common}/32", "dev", "lo")
        hosts: dict[str, Host] = {}
        for number, name in enumerate(names, start=1):
            one = Namespace(f"sc{os.getpid()}-{number}", f"{block}.{number}.1", f"{block}.{number}.2", common)
            made.callback(one.close)
            one.open()
            hosts[name] = one
        yield Network(common, hosts, "network namespaces")


def _forget(address: str) -> None:
    with suppress(OSError):
        _ip("addr", "del", f"{address}/32", "dev", "lo")
