"""The target `kubernetes`: a kustomize base that runs API, workers and timers under Pod Security "restricted"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from saltern_compiler.ir.plan import Plan
from saltern_compiler.target import Contribution, OptionError, Target
from saltern_targets import processes
from saltern_targets.kubernetes.names import app_name, object_name, short_digest

_IMAGE: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PORT: Final = re.compile(r"[0-9]{1,5}")
REDIS_PORTS: Final = "6379,26379"
"""Where Redis and its sentinels are reached unless the option `redis_ports` says otherwise."""


def emit(plan: Plan, options: Mapping[str, str]) -> Mapping[str, bytes]:
    """Write `deploy/kubernetes/`. Options: `image`, `namespace`, `redis_ports`; raises OptionError for what none of them can be."""
    from saltern_targets.kubernetes.build import build  # noqa: PLC0415 - a check emits nothing, and needs no YAML

    image = options.get("image") or default_image(plan)
    namespace = options.get("namespace") or app_name(plan)
    if not _IMAGE.fullmatch(image) or len(image) > 255:
        raise OptionError(f"the option image is no name of an image: {image!r}")
    if not _NAMESPACE.fullmatch(namespace):
        raise OptionError(f"the option namespace is no name of a namespace: {namespace!r}")
    return build(plan, namespace=namespace, image=image, redis_ports=_ports(options.get("redis_ports") or REDIS_PORTS))


def _ports(text: str) -> tuple[int, ...]:
    """Read ports between commas, in their order and each once."""
    words = [word.strip() for word in text.split(",")]
    if not all(_PORT.fullmatch(word) and 0 < int(word) < 65536 for word in words):
        raise OptionError(f"the option redis_ports is no list of ports, such as {REDIS_PORTS}: {text!r}")
    return tuple(sorted({int(word) for word in words}))


def default_image(plan: Plan) -> str:
    """Return the image's name where none is given: its tag goes with what the pipeline does."""
    return f"{processes.slug(plan)}:{short_digest(plan)}"


def contribute(plan: Plan) -> Contribution:
    """Say how to deploy it."""
    return Contribution(readme="\n".join(_readme(plan)) + "\n")


def _readme(plan: Plan) -> Iterator[str]:
    app = app_name(plan)
    keys = sorted({"SALTERN_API_TOKENS", "SALTERN_REDIS_URL", *processes.addresses(plan), *plan.env})
    yield "## Kubernetes"
    yield ""
    yield "`deploy/kubernetes` is a kustomize base. Its pods read their secrets from one Secret, which is yours to make:"
    yield ""
    yield "```sh"
    yield "kubectl apply -f deploy/kubernetes/namespace.yaml"
    yield f"kubectl create secret generic {app}-secrets -n {app} \\"
    yield from (f"  --from-literal={key}=... \\" for key in keys[:-1])
    yield f"  --from-literal={keys[-1]}=..."
    yield "kubectl apply --server-side -k deploy/kubernetes   # or: saltern deploy . --context NAME, which waits and explains"
    yield "```"
    yield ""
    yield f"Traces are sent where the Secret `{object_name(app, 'otel')}` says, if there is one: its keys are OpenTelemetry's own variables,"
    yield "such as `OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.monitoring:4318`. A collector in the cluster is reached at ports 4317 and 4318."
    yield ""
    yield f"Network policies let pods reach Redis and its sentinels at {REDIS_PORTS.replace(',', ' and ')}; where yours have other ports, build with"
    yield "`--option redis_ports=6380,26380`: those of `SALTERN_REDIS_URL` and of `SALTERN_BROKER_URL`, and of the servers that sentinels name."
    yield ""
    yield f"With a key `{processes.ENCRYPTION_KEYS}` in that Secret, values at rest are sealed."
    yield f"The image is `{default_image(plan)}` unless built with `--option image=REGISTRY/NAME:TAG`, or named by an overlay"
    yield "(`kustomize edit set image`). Workers carry the plan's digest in their names: a new version runs beside the old one, whose workers"
    yield "finish its runs; `saltern deploy . --context NAME --prune` removes those that have none left. Redis is not part of the base."


TARGET = Target(
    name="kubernetes",
    summary="A kustomize base: Deployments, Service, autoscaling, network policies.",
    emit=emit,
    contribute=contribute,
    needs=("celery", "fastapi"),
    options=("image", "namespace", "redis_ports"),
)
