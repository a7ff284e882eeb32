"""Spans of this process, by OpenTelemetry's SDK, kept in memory."""

from __future__ import annotations

import pytest

from saltern_runtime.observe import tracing


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch):
    """Let this process trace, and give what it has emitted: name → spans in the order of their ends."""
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from saltern_runtime.observe.spans import Spans

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing._PROCESS, "spans", Spans(provider))
    monkeypatch.setattr(tracing._PROCESS, "is_made", True)
    return lambda name: [each for each in exporter.get_finished_spans() if each.name == name]
