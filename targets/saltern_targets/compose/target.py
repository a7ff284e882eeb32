"""The target `compose`: compose.yaml, the whole service on one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import yaml

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Contribution, Target
from saltern_targets.processes import (
    API_ALIVE,
    ENCRYPTION_KEYS,
    HEARTBEAT,
    PORT,
    PUBLIC_URL,
    USER,
    WORK_ALIVE,
    api,
    api_secrets,
    drain,
    grace,
    slug,
    takes_answers,
    timers,
    worker,
    worker_secrets,
)
from saltern_targets.writing import header
from saltern_targets.yamlfile import Line, block, require_simple

REDIS_IMAGE: Final = "docker.io/library/redis:7.4.5-bookworm"
_TRACES: Final = dict.fromkeys((
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
))  # fmt: skip
"""Where traces go. Without a value each is that of the environment of `docker compose`, and not set where it is not set there."""
_STORE: Final = "redis://redis:6379/0"
_KEYS: Final = {ENCRYPTION_KEYS: f"${{{ENCRYPTION_KEYS}:-}}"}
_REDIS: Final = (
    "redis-server", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", "",
    "--protected-mode", "no",
)  # fmt: skip
"""Unprotected: only the containers of this project are on its network."""


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:  # noqa: ARG001 - the interface of targets; there are no options
    """Write compose.yaml."""
    return {"compose.yaml": _dump(_project(plan), f"# {header(plan.source_name)}\n")}


def _project(plan: Plan) -> Mapping[str, Any]:
    """Build the tree. Strings of ours hold variables on purpose; nothing else of the pipeline enters but plain names."""
    return {
        "name": slug(plan),
        "services": {
            "api": {
                **_ours(plan, api(plan), API_ALIVE),
                "environment": {
                    **_secrets(api_secrets(plan)),
                    "SALTERN_REDIS_URL": _STORE,
                    **_KEYS,
                    "SALTERN_API_TOKENS": "${SALTERN_API_TOKENS:-}",
                    "SALTERN_MAX_OPEN_RUNS": "${SALTERN_MAX_OPEN_RUNS:-0}",
                    **_TRACES,
                },
                "ports": [f"127.0.0.1:${{PORT:-{PORT}}}:{PORT}"],
                "networks": ["default", "store"],
                "stop_grace_period": f"{drain(plan) + 5}s",
            },
            "worker": {
                **_ours(plan, worker(plan), WORK_ALIVE),
                "environment": {
                    **_secrets(worker_secrets(plan)),
                    "SALTERN_REDIS_URL": _STORE,
                    **_KEYS,
                    **({PUBLIC_URL: f"${{{PUBLIC_URL}:-http://127.0.0.1:{PORT}}}"} if takes_answers(plan) else {}),
                    "SALTERN_MEMORY": "${SALTERN_MEMORY:-0}",
                    "SALTERN_PRIVATE_NETWORKS": "${SALTERN_PRIVATE_NETWORKS:-}",
                    "SALTERN_GRACE": str(grace(plan)),
                    "SALTERN_HEARTBEAT_FILE": HEARTBEAT,
                    **_TRACES,
                },
                "networks": ["default", "store"],
                "stop_grace_period": f"{grace(plan)}s",
            },
            "timers": {
                **_ours(plan, timers(plan), WORK_ALIVE),
                "environment": {"SALTERN_REDIS_URL": _STORE, **_KEYS, **_TRACES},
                "networks": ["default", "store"],
                "stop_grace_period": "15s",
                "deploy": {"mode": "replicated", "replicas": 2},
            },
            "redis": {
                "image": f"${{REDIS_IMAGE:-{REDIS_IMAGE}}}",
                "command": Line(_REDIS),
                "user": "redis",
                **_hardened(("redis-cli", "ping"), interval=3),
                "volumes": ["redis:/data"],
                "networks": ["store"],
                "stop_grace_period": "30s",
            },
        },
        "networks": {"default": {}, "store": {"internal": True}},
        "volumes": {"redis": {}},
    }


def _ours(plan: Plan, command: Sequence[str], alive: Sequence[str]) -> dict[str, Any]:
    return {
        "image": f"${{IMAGE:-{slug(plan)}:latest}}",
        "build": {"context": "."},
        "command": Line(command),
        "user": f"{USER}:{USER}",
        **_hardened(alive),
        "tmpfs": ["/tmp"],  # noqa: S108 - a mount point
        "depends_on": {"redis": {"condition": "service_healthy"}},
    }


def _hardened(alive: Sequence[str], interval: int = 10) -> dict[str, Any]:
    return {
        "healthcheck": {
            "test": Line(["CMD", *alive]),
            "interval": f"{interval}s",
            "timeout": "5s",
            "retries": 3,
            "start_period": "20s",
        },
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
    }


def _secrets(names: Sequence[str]) -> dict[str, str]:
    """Take each secret from the environment of `docker compose`, which stops with a message where one is missing."""
    return {name: f"${{{name}:?set it in the environment or in .env}}" for name in names}


class _Dumper(yaml.SafeDumper):
    """Block style with lists indented, and no anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the interface
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the interface
        super().increase_indent(flow, False)


def _line(dumper: yaml.SafeDumper, data: Line) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Dumper.add_representer(Line, _line)


def _dump(tree: Mapping[str, Any], comment: str) -> bytes:
    """Write YAML: keys in the order in which people read them."""
    return (comment + (block(tree, _scalar) or _by_yaml(tree))).encode()


def _by_yaml(tree: Any) -> str:
    written: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=4096, allow_unicode=False)
    return written


@lru_cache(maxsize=2048, typed=True)
def _scalar(value: Any, flow: bool) -> str:
    """Return a scalar as it stands behind a key, or in a list on one line; raises NotSimpleError."""
    require_simple(value)
    if flow:
        return _by_yaml(Line([value])).removeprefix("[").removesuffix("]\n")
    return _by_yaml([value]).removeprefix("- ").removesuffix("\n")


def contribute(plan: Plan) -> Contribution:
    """Say how to start it."""
    wanted = sorted({*api_secrets(plan), *worker_secrets(plan)})
    export = f"export {' '.join(f'{name}=…' for name in wanted)}\n" if wanted else ""
    text = f"""\
## On one machine

```sh
saltern wheel -o wheels
{export}docker compose run --rm --no-deps api python -m saltern_runtime.web.tokens new default
export SALTERN_API_TOKENS=default=sha256:…      # the entry that it printed
docker compose up --build
```

API (on 127.0.0.1:{PORT}, or `PORT`), worker, two timers and Redis; only what has to reach other hosts can. Secrets come from the
environment of `docker compose` or from `.env`.
"""
    return Contribution(readme=text)


TARGET: Final = Target(
    name="compose",
    summary="compose.yaml: API, worker, timers and Redis on one machine.",
    emit=emit,
    contribute=contribute,
    needs=("docker",),
)
