"""What an operator sets, from `SALTERN_*` environment variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from saltern_runtime.spec.keyring import NO_KEYS, Keyring, KeyringError
from saltern_runtime.spec.limits import LEASE, MAX_PAYLOAD
from saltern_runtime.spec.networks import NO_NETWORK, NetworkList
from saltern_runtime.spec.places import IN_REDIS, PayloadPlace, PlaceError


class SettingsError(ValueError):
    """An environment variable does not hold what its setting takes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob of a running service; durations in seconds."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """The store: run state. `SALTERN_REDIS_URL`."""
    broker_url: str = ""
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
    durability: str = "none"
    """`none`, or `fsync`: answer 202 only after WAITAOF 1 0."""

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
                bad.append(f"SALTERN_{setting.name.upper()}={text!r} is not a {kind.__name__}")
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
        return {**env, name: Path(path).read_text("utf-8")}
    except (OSError, UnicodeDecodeError) as error:
        bad.append(f"{name}_FILE cannot be read: {type(error).__name__}")
        return env
