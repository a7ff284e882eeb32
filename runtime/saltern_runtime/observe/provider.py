"""The tracer provider of this process, as the variables of OpenTelemetry say.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/

Of the exporters `otlp` (over HTTP, or gRPC where its package is installed), `console` and `none` are known. What these variables
leave open is the SDK's own: sampler, batches, limits of spans, headers, certificates.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import TracerProvider

log = logging.getLogger("saltern.traces")
_ASKED: Final = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def is_asked(env: Mapping[str, str]) -> bool:
    """Whether an environment asks for traces."""
    off = env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not off and any(env.get(name, "").strip() for name in _ASKED) and _exporter(env) != "none"


def provider(service: str, version: str) -> TracerProvider | None:
    """Return the provider that the app around us has set, or make this process's; None where none is asked for, or can be had."""
    theirs = _theirs()
    if theirs is not None or not is_asked(os.environ):
        return theirs
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _made(_exporter(os.environ))
    except ImportError as error:
        log.warning("no traces: OTEL_* variables ask for them, which needs saltern-runtime[otel] (%s)", error)
        return None
    except ValueError as error:
        log.warning("no traces: %s", error)
        return None
    # What the environment says of the resource wins, which is the other way round in `Resource.create`.
    said = OTELResourceDetector().detect().attributes
    ours = {"service.name": service, "service.version": version}
    made = Provider(resource=Resource.create({**ours, **said}))
    made.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(made)
    return made


def _theirs() -> TracerProvider | None:
    """Return the provider of this process that somebody else has set."""
    api: Any = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    found: TracerProvider = api.get_tracer_provider()
    return None if isinstance(found, api.ProxyTracerProvider | api.NoOpTracerProvider) else found


def _exporter(env: Mapping[str, str]) -> str:
    return (env.get("OTEL_TRACES_EXPORTER") or "otlp").strip().lower()


def _made(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if name != "otlp":
        raise ValueError(f"OTEL_TRACES_EXPORTER={name!r} is none of otlp, console and none")
    named = (os.environ.get(f"OTEL_EXPORTER_OTLP_{of}PROTOCOL", "").strip() for of in ("TRACES_", ""))
    protocol = next(filter(None, named), "http/protobuf")
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import (  # type: ignore[import-not-found]
            trace_exporter as grpc,
        )

        exporter: SpanExporter = grpc.OTLPSpanExporter()
        return exporter
    if protocol != "http/protobuf":
        raise ValueError(f"the protocol {protocol!r} of OTLP is none of http/protobuf and grpc")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()
