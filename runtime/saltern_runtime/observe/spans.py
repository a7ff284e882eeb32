"""How spans are made, by the API of OpenTelemetry; imported where there is a provider. `tracing` says what each is for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Token
from typing import Any, Final, Self

from opentelemetry import context as contexts
from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from saltern_runtime.observe.here import Where
from saltern_runtime.observe.recorders import Attributes, Call
from saltern_runtime.observe.tracecontext import HEADER, RunEnd, Trace, read, run_span
from saltern_runtime.version import __version__

_SCOPE: Final = "saltern"
_TO_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""


class Pinned:
    """Gives the ids that it is told; the SDK asks it for those of runs."""

    def __init__(self) -> None:
        self.trace_id = self.span_id = 0

    def generate_trace_id(self) -> int:
        """Return the trace of a run that is the root of its own."""
        return self.trace_id

    def generate_span_id(self) -> int:
        """Return the run's."""
        return self.span_id

    def is_trace_id_random(self) -> bool:
        """Say yes: it was when the run was made."""
        return True


class Spans:
    """What a process makes spans with."""

    def __init__(self, provider: api.TracerProvider) -> None:
        self._provider: Any = provider
        self.tracer = provider.get_tracer(_SCOPE, __version__)
        self._runs: Any = provider.get_tracer(f"{_SCOPE}.runs", __version__)
        self._pinned, self._pinning = Pinned(), threading.Lock()
        if hasattr(self._runs, "id_generator"):  # the SDK's, and not somebody's around it
            self._runs.id_generator = self._pinned

    def carried(self) -> str:
        """Return the place in a trace that is current; where there is none, the root of a new one, sampled as the sampler says."""
        current = api.get_current_span().get_span_context()
        if current.is_valid:
            return str(Trace(current.trace_id, current.span_id, current.trace_flags.sampled))
        tracer: Any = self.tracer
        if not hasattr(tracer, "id_generator"):
            return ""
        trace_id = tracer.id_generator.generate_trace_id()
        decided = tracer.sampler.should_sample(None, trace_id, "run", SpanKind.INTERNAL, {}, ())
        return str(Trace(trace_id, 0, decided.decision.is_sampled()))

    def attempt(self, where: Where, trace: str, stage: str, attributes: Attributes) -> _Attempt:
        """Make the span of an attempt, below that of its run."""
        found = read(trace)
        around = Context() if found is None else _below(Trace(found.id, run_span(where.run), found.sampled))
        span = self.tracer.start_span(f"stage {stage}", around, SpanKind.CONSUMER, dict(attributes))
        return _Attempt(self.tracer, span, where)

    @contextmanager
    def calling(self, name: str, attributes: Attributes) -> Iterator[Call]:
        """Make the span of a call to another system, below what is current."""
        with self.tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Call(span, 400)
            except BaseException as error:
                span.set_attribute("error.type", getattr(error, "code", None) or type(error).__qualname__)
                span.set_status(StatusCode.ERROR)
                raise

    @contextmanager
    def serving(
        self, name: str, sent: Trace | None, attributes: Attributes, *, is_trusted: bool, began: int
    ) -> Iterator[Call]:
        """Make the span of a request, unless the app around us has made one."""
        around = api.get_current_span()
        if around.is_recording():
            yield _Call(around, 500)
            return
        links = [] if sent is None or is_trusted else [Link(_context(sent))]
        with self.tracer.start_as_current_span(
            name,
            _below(sent) if sent is not None and is_trusted else Context(),
            SpanKind.SERVER,
            dict(attributes),
            links,
            start_time=began,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _Call(span, 500)

    def current(self) -> tuple[str, str] | None:
        """Return the ids of the current trace and span."""
        made = api.get_current_span().get_span_context()
        return (f"{made.trace_id:032x}", f"{made.span_id:016x}") if made.is_valid else None

    def note(self, attributes: Attributes) -> None:
        """Note something with the current span."""
        api.get_current_span().set_attributes(dict(attributes))

    def run_ended(self, ended: RunEnd) -> None:
        """Emit the span of a run, from its start to its end."""
        trace = read(ended.trace)
        if trace is None:
            return
        parent = trace.span if not ended.again else run_span(ended.run)
        around = _below(Trace(trace.id, parent, trace.sampled)) if parent else Context()
        name = " ".join(filter(None, ("run", ended.pipeline)))
        attributes = {
            "saltern.run": ended.run,
            "saltern.state": ended.state,
            "saltern.trigger": ended.trigger,
            **({"saltern.pipeline": ended.pipeline} if ended.pipeline else {}),
            **({"saltern.replays": ended.again} if ended.again else {}),
        }
        with self._pinning:
            self._pinned.trace_id, self._pinned.span_id = trace.id, run_span(ended.run, ended.again)
            span = self._runs.start_span(name, around, attributes=attributes, start_time=ended.began * _TO_NS)
        if ended.state != "SUCCEEDED":
            failure: Mapping[str, Any] = json.loads(ended.failure or "{}")
            span.set_attribute("error.type", str(failure.get("code", ended.state)))
            span.set_status(StatusCode.ERROR, str(failure.get("message", "")) or None)
        span.end(ended.ended * _TO_NS)

    def flush(self, seconds: float) -> None:
        """Send off what was recorded; what an exporter takes longer for is left to it."""
        if hasattr(self._provider, "force_flush"):
            thread = threading.Thread(target=self._provider.force_flush, args=(int(seconds * 1000),), daemon=True)
            thread.start()
            thread.join(seconds)


class _Attempt:
    """See `tracing.Attempt`."""

    def __init__(self, tracer: api.Tracer, span: Span, where: Where) -> None:
        self._tracer, self._span, self._where = tracer, span, where
        self._node: Span | None = None
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> Self:
        self._attach(self._span)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.failed(kind.__qualname__, "", None)
        self._leave()
        contexts.detach(self._tokens.pop())
        self._span.end()

    def entered(self, node: str, attributes: Attributes) -> None:
        self._leave()
        self._node = self._tracer.start_span(f"node {node}", attributes=dict(attributes))
        self._attach(self._node)

    def failed(self, code: str, message: str, delay: float | None) -> None:
        for span in filter(None, (self._node, self._span)):
            span.set_attribute("error.type", code)
            span.set_status(StatusCode.ERROR, message or None)
        if delay is not None:
            self._span.add_event("retry", {"saltern.delay": delay, "error.type": code})

    def abandoned(self) -> None:
        for span in filter(None, (self._node, self._span)):
            span.end()

    def _attach(self, span: Span) -> None:
        self._tokens.append(contexts.attach(api.set_span_in_context(span)))
        made = span.get_span_context()
        self._where.trace_id, self._where.span_id = f"{made.trace_id:032x}", f"{made.span_id:016x}"

    def _leave(self) -> None:
        if self._node is not None:
            contexts.detach(self._tokens.pop())
            self._node.end()
            self._node = None


class _Call:
    """See `tracing.Call`."""

    def __init__(self, span: Span, worst: int) -> None:
        """`worst`: the status of HTTP from which on it counts as failed."""
        self._span, self._worst = span, worst

    def headers(self) -> dict[str, str]:
        made = self._span.get_span_context()
        return {HEADER: str(Trace(made.trace_id, made.span_id, made.trace_flags.sampled))} if made.is_valid else {}

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= self._worst:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(StatusCode.ERROR)

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))


def _context(trace: Trace) -> SpanContext:
    return SpanContext(trace.id, trace.span, is_remote=True, trace_flags=TraceFlags(int(trace.sampled)))


def _below(trace: Trace) -> Context:
    return api.set_span_in_context(NonRecordingSpan(_context(trace)), Context())
