"""What an operator sets, from `SALTERN_*` environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from saltern_runtime.spec.addresses import HERE, NO_BROKER, BrokerAddress, RedisAddress
from saltern_runtime.spec.keyring import NO_KEYS, Keyring, KeyringError
from saltern_runtime.spec.limits import LEASE, MAX_PAYLOAD
from saltern_runtime.spec.networks import NO_NETWORK, NetworkList
from saltern_runtime.spec.places import IN_REDIS, PayloadPlace, PlaceError

NO_CLUSTER: Final = "SALTERN_BROKER_URL: Celery cannot use the cluster of SALTERN_REDIS_URL: name a server of its own"


class SettingsError(ValueError):
    """An environment variable does not hold what its setting takes."""


class LogForm(StrEnum):
    """How logs are written; AUTO: as text to a terminal, as JSON elsewhere."""

    AUTO = ""
    JSON = "json"
    TEXT = "text"


_NO: Final[Mapping[type, str]] = {int: "no whole number", float: "no number", NetworkList: "no list of networks"}
"""Type of a setting → what a text is that is none of it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob of a running service; durations in seconds."""

    redis_url: str = HERE
    """The store: run state; one server, a cluster, or what sentinels know. `SALTERN_REDIS_URL`."""
    broker_url: str = NO_BROKER
    """Celery's broker; the store's server where empty. `SALTERN_BROKER_URL`."""
    lease: float = LEASE
    """How long a claim lasts without being extended; extended every third of it."""
    sweep: float = 1.0
    """Interval of the timers."""
    slice: float = 5.0
    """How long a worker goes on answering one bell."""
    bells: int = 4
    """Outstanding bells a queue, at most."""
    grace: float = 30.0
    """Seconds between the stop signal and the end (terminationGracePeriodSeconds); work that cannot finish 5 s before its
    end is handed back."""
    poison: int = 3
    """Times that an activation may lose its worker before it counts as poison."""
    memory: int = 0
    """Bytes that a process of a worker may have, its nodes' with it; 0: half of what its container has, or its machine, and 256 MiB at least.
    `SALTERN_MEMORY`."""
    shards: int = 1
    public_url: str = ""
    """Where the outside world reaches the API, such as `https://flows.example.com/support`: links for answers begin with it."""
    api_tokens: str = ""
    """`tenant=sha256:<hex>` entries, comma-separated. `SALTERN_API_TOKENS`."""
    max_body: int = 1_048_576
    """Bytes of a request body, at most."""
    max_payload: int = MAX_PAYLOAD
    """Bytes of one stored value, at most; beyond it a permanent error."""
    max_file: int = 268_435_456
    """Bytes of one file, at most."""
    max_open_runs: int = 0
    """Runs that a tenant may have open at a time, at most; 0: any number. `SALTERN_MAX_OPEN_RUNS`."""
    upload_keep: float = 86_400.0
    """How long an uploaded file is kept that no run takes. `SALTERN_UPLOAD_KEEP`."""
    payloads: PayloadPlace = IN_REDIS
    """Where large values and files lie: empty (or `redis`) in the same Redis, `file:///a/folder`, `s3://bucket/prefix`.
    `SALTERN_PAYLOADS`."""
    encryption_keys: Keyring = NO_KEYS
    """Keys that values at rest are sealed with, `ID:BASE64` between commas; the first one seals, all of them open. Empty: nothing is sealed.
    `SALTERN_ENCRYPTION_KEYS`, or in a file that `SALTERN_ENCRYPTION_KEYS_FILE` names."""
    private_networks: NetworkList = NO_NETWORK
    """Networks that `http.request` may reach without a connection although they are not public: `10.20.0.0/16,fd00:1::/64`, or
    `any`, which is for development. `SALTERN_PRIVATE_NETWORKS`."""
    socket_timeout: float = 10.0
    unreachable: float = 300.0
    """A worker that cannot reach Redis for so long exits."""
    webhook_tolerance: float = 300.0
    """How far a webhook's timestamp may be from now."""
    docs: str = "token"
    """`token`: the OpenAPI document needs a token; `open`: anyone may read it, `/docs` and the page of runs at `/`."""
    logs: LogForm = LogForm.AUTO
    """`json`: one object a line; `text`: for people; empty: text to a terminal, JSON elsewhere. `SALTERN_LOGS`."""
    durability: str = "none"
    """`none`, or `fsync`: answer 202 only after WAITAOF 1 0."""

    @property
    def store(self) -> RedisAddress:
        """The store's address, read; raises PlaceError."""
        return RedisAddress(self.redis_url)

    @property
    def broker(self) -> BrokerAddress:
        """The broker's address, read; none where only a cluster is named, which can be no broker. Raises PlaceError."""
        return (
            NO_BROKER
            if not self.broker_url and self.store.kind == "cluster"
            else BrokerAddress(self.broker_url or self.redis_url)
        )

    @classmethod
    def at_start(cls) -> Self:
        """Read the environment of a process of our own: what cannot be read ends it, and is told on stderr without a traceback."""
        try:
            settings = cls.from_env()
        except SettingsError as error:
            raise SystemExit(f"saltern: {error}") from None
        bad = [f"SALTERN_REDIS_URL: {what}" for what in settings.store.unreadable()]
        bad += [f"SALTERN_BROKER_URL: {what}" for what in settings.broker.unreadable() if settings.broker_url]
        if bad:
            raise SystemExit(f"saltern: {'; '.join(bad)}")
        return settings

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read `SALTERN_<FIELD>` variables; raises SettingsError naming every variable that cannot be read."""
        bad: list[str] = []
        env = _with_keys(os.environ if env is None else env, bad)
        given: dict[str, object] = {}
        for setting in fields(cls):
            text = env.get(f"SALTERN_{setting.name.upper()}")
            if text is None:
                continue
            kind: type[Any] = type(setting.default)
            try:
                given[setting.name] = kind(text)
            except (PlaceError, KeyringError) as error:
                bad.append(f"SALTERN_{setting.name.upper()}: {error}")
            except ValueError:
                wanted = (
                    f"none of {', '.join(filter(None, kind))}"
                    if issubclass(kind, StrEnum)
                    else _NO.get(kind, "nothing that can be read")
                )
                bad.append(f"SALTERN_{setting.name.upper()}={text!r} is {wanted}")
        store = given.get("redis_url")
        if isinstance(store, RedisAddress) and store.kind == "cluster" and not env.get("SALTERN_BROKER_URL"):
            bad.append(NO_CLUSTER)
        if bad:
            raise SettingsError("; ".join(bad))
        return cls(**given)  # type: ignore[arg-type]  # each value was made by its field's own type


def _with_keys(env: Mapping[str, str], bad: list[str]) -> Mapping[str, str]:
    """Return the variables with the keys that stand in a file."""
    name = "SALTERN_ENCRYPTION_KEYS"
    path = env.get(f"{name}_FILE")
    if not path:
        return env
    if env.get(name):
        bad.append(f"{name} and {name}_FILE are both set: leave one of them out")
        return {**env, name: ""}
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, ValueError) as error:
        bad.append(f"{name}_FILE cannot be read: {type(error).__name__}")
        return env
    if not text.strip():  # whoever names a file wants values sealed
        bad.append(f"{name}_FILE names a file without keys")
    return {**env, name: text}
