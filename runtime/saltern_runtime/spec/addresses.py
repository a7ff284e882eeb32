"""Where a Redis is, as operators write it: one server, a cluster, or a service that sentinels know; in the clear or by TLS."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import unquote

from saltern_runtime.spec.places import PlaceError

SLOTS: Final = 16_384
"""Hash slots of a cluster."""
_KINDS: Final[Mapping[str, Literal["server", "cluster", "sentinel"]]] = {
    "redis": "server",
    "redis+cluster": "cluster",
    "redis+sentinel": "sentinel",
}
_HOW: Final = (
    "write redis://HOST:6379/0, redis+cluster://HOST:6379,HOST:6379 or redis+sentinel://HOST:26379,HOST:26379/SERVICE, "
    "and rediss in place of redis for TLS"
)
_ENCODED: Final = "in a user or a password write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23, % as %25"
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname")
_SENTINELS: Final = ("sentinel_username", "sentinel_password_file")
_FILES: Final = ("password_file", "sentinel_password_file", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


class RedisAddress(str):
    """`redis://user:password@host:6379/0?ssl_ca_certs=…`: read, and never shown with its password."""

    __slots__ = ("db", "hosts", "kind", "options", "password", "service", "tls", "user")
    kind: Literal["server", "cluster", "sentinel", "other"]
    """`other`, with nothing below: a broker that is no Redis, or none."""
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    """Name or address, and port: one of a server, any of a cluster's, the sentinels."""
    user: str
    """Empty: the server's `default`."""
    password: str
    service: str
    """What the sentinels call the server; of `sentinel` alone."""
    db: int
    options: Mapping[str, str]
    """What stands behind `?`: see docs/redis.md."""

    def __new__(cls, text: str) -> Self:
        """Read it; raises PlaceError, which does not repeat the text."""
        address = super().__new__(cls, text.strip())
        scheme, separator, rest = address.partition("://")
        kind = _KINDS.get(re.sub(r"^rediss", "redis", scheme))
        if not separator or kind is None:
            raise PlaceError(f"it names no Redis: {_HOW}")
        if re.search(r"[\s\x00-\x1f\x7f]", rest) or "#" in rest:
            raise PlaceError(f"no blank and no # may stand in it; {_ENCODED}")
        before, _, query = rest.partition("?")
        authority, _, path = before.partition("/")
        given, _, hosts = authority.rpartition("@")
        user, _, password = given.partition(":")
        address.kind, address.tls = kind, scheme.startswith("rediss")
        address.user, address.password = unquote(user), unquote(password)
        address.hosts = _hosts(hosts, kind)
        address.service, address.db = _behind(path, kind)
        address.options = _options(query, address)
        return address

    def __repr__(self) -> str:
        """Show it without its password."""
        return repr(self.shown)

    @property
    def shown(self) -> str:
        """The address as logs and messages may have it: without user, password and options."""
        path = {"server": f"/{self.db}", "sentinel": f"/{self.service}/{self.db}"}.get(self.kind, "")
        scheme = self.partition("://")[0]
        return f"{scheme}://{','.join(f'{_bracketed(host)}:{port}' for host, port in self.hosts)}{path}"

    def secret(self) -> str:
        """Return the password, out of its file where it stands in one; raises OSError and UnicodeDecodeError."""
        file = self.options.get("password_file")
        return Path(file).read_text("utf-8").strip() if file else self.password

    @property
    def files(self) -> Mapping[str, str]:
        """What is read from files: the option's name → path."""
        return {name: self.options[name] for name in _FILES if name in self.options}

    def unreadable(self) -> Iterator[str]:
        """Say which of these files this process cannot read."""
        for name, path in self.files.items():
            if not Path(path).is_file() or not os.access(path, os.R_OK):
                yield f"{name}: there is no file {path} that this process may read"

    @property
    def certificates(self) -> dict[str, str | bool]:
        """What `ssl` takes, under the names that redis-py and kombu have for it; names of hosts are checked unless said otherwise."""
        files = {name: self.options[name] for name in _TLS[:3] if name in self.options}
        return {
            **files,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": self.options.get("ssl_check_hostname") != "no",
        }


class BrokerAddress(RedisAddress):
    """Celery's broker: a Redis that is no cluster, another broker, or empty for the store's server."""

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """Read it; raises PlaceError, which does not repeat the text."""
        scheme = text.strip().partition("://")[0]
        if scheme == "sentinel":
            raise PlaceError("sentinels are written redis+sentinel://HOST:26379,HOST:26379/SERVICE")
        if scheme.endswith("+cluster"):
            raise PlaceError("Celery cannot use a Redis Cluster as its broker: name one server, or sentinels")
        if text.strip() and "://" not in text:
            raise PlaceError(f"it is no URL: {_HOW}")
        if scheme.startswith("redis"):
            return super().__new__(cls, text)
        other = str.__new__(cls, text.strip())
        other.kind, other.tls, other.hosts, other.options = "other", False, (), {}
        other.user = other.password = other.service = ""
        other.db = 0
        return other

    @property
    def shown(self) -> str:
        """See RedisAddress; of another broker the scheme alone."""
        return super().shown if self.hosts else f"{self.partition('://')[0]}://…" if self else ""


def _hosts(text: str, kind: str) -> tuple[tuple[str, int], ...]:
    default = 26379 if kind == "sentinel" else 6379
    found: list[tuple[str, int]] = []
    for part in text.split(","):
        match = re.fullmatch(rf"({_HOST.pattern})(?::([0-9]{{1,5}}))?", part)
        if match is None or not 0 < int(match[2] or default) < 65536:
            raise PlaceError(f"HOST or HOST:PORT has to stand behind :// and user:password@; {_ENCODED}")
        found.append((match[1].strip("[]"), int(match[2] or default)))
    if kind == "server" and len(found) > 1:
        raise PlaceError(
            "one server has one address: a cluster is written redis+cluster://, sentinels redis+sentinel://"
        )
    return tuple(found)


def _behind(path: str, kind: str) -> tuple[str, int]:
    """Read what stands behind the hosts: the service of sentinels, the database."""
    service, _, db = path.partition("/") if kind == "sentinel" else ("", "", path)
    if kind == "sentinel" and not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        raise PlaceError("behind the sentinels stands what they call the server: redis+sentinel://HOST:26379/SERVICE")
    if not re.fullmatch(r"[0-9]{0,4}", db):
        raise PlaceError("a database is a number: redis://HOST:6379/0, redis+sentinel://HOST:26379/SERVICE/0")
    if kind == "cluster" and db.strip("0"):
        raise PlaceError("a cluster has one database: nothing stands behind its hosts")
    return service, int(db or 0)


def _options(query: str, address: RedisAddress) -> Mapping[str, str]:
    options: dict[str, str] = {}
    known = ("password_file", *_TLS, *_SENTINELS)
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name not in known:
            raise PlaceError(f"what stands behind ? is not known: there may be {', '.join(known)}")
        if name in options or not value:
            raise PlaceError(f"{name} stands behind ? once, as {name}=VALUE")
        options[name] = unquote(value)
    for is_wrong, why in _wrong(options, address):
        if is_wrong:
            raise PlaceError(why)
    return options


def _wrong(options: Mapping[str, str], address: RedisAddress) -> Iterator[tuple[bool, str]]:
    """Yield what may be wrong with options, and how it is said."""
    for name in _FILES:
        path = options.get(name, "/")
        yield not path.startswith("/") or "\0" in path, f"{name} is a path from the root"
    yield options.get("ssl_check_hostname") not in {None, "yes", "no"}, "ssl_check_hostname is yes or no"
    yield not address.tls and bool({*_TLS} & {*options}), "certificates need TLS: write rediss in place of redis"
    yield "ssl_keyfile" in options and "ssl_certfile" not in options, "ssl_keyfile needs its certificate, ssl_certfile"
    of_sentinels = {*_SENTINELS} & {*options}
    yield address.kind != "sentinel" and bool(of_sentinels), f"{' and '.join(_SENTINELS)} are for redis+sentinel://"
    yield of_sentinels == {"sentinel_username"}, "sentinel_username needs sentinel_password_file"
    is_twice = bool(address.password) and "password_file" in options
    yield is_twice, "the password stands in the URL or in password_file, not in both"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


HERE: Final = RedisAddress("redis://127.0.0.1:6379/0")
NO_BROKER: Final = BrokerAddress()
