"""Without OpenTelemetry: nothing of it is imported, and what cannot be had is said once."""

import subprocess
import sys

import pytest

from saltern_runtime.observe import provider

ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


def test_a_worker_needs_no_opentelemetry():
    """Its modules are imported, and a run has no trace, where no module of OpenTelemetry can be had."""
    code = (
        "import sys; sys.modules['opentelemetry'] = None; import saltern_runtime.engine.celery, saltern_runtime.nodes.http.exchange; "
        "from saltern_runtime.observe import tracing; print(repr(tracing.carried()), 'saltern_runtime.observe.spans' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert done.stdout == "'' False\n"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, False),
        (ON, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ON, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ON, "OTEL_SDK_DISABLED": "true"}, False),
        ({**ON, "OTEL_SDK_DISABLED": "no"}, True),
    ],
)
def test_when_traces_are_asked_for(env, expected):
    """By an endpoint or an exporter, unless they are turned off."""
    assert provider.is_asked(env) is expected


@pytest.mark.parametrize(
    ("env", "blocked", "told"),
    [
        (ON, "opentelemetry.sdk.resources", "saltern-runtime[otel]"),
        (
            {**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "opentelemetry.exporter.otlp.proto.grpc",
            "saltern-runtime[otel]",
        ),
        ({**ON, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "", "http/json"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "", "zipkin"),
    ],
)
def test_what_cannot_be_had_is_said(env, blocked, told, monkeypatch, caplog):
    """The process goes on without traces."""
    pytest.importorskip("opentelemetry.sdk")
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if blocked:
        monkeypatch.setitem(sys.modules, blocked, None)
    assert provider.provider("orders", "1a2b3c4d") is None
    assert told in caplog.text
