"""What a plan keeps of the flow of labels, for those who audit it."""

from __future__ import annotations

from collections.abc import Iterator

from saltern_compiler.ir.plan import Declassified, Delivery
from saltern_compiler.passes.analyses.flow import Flow


def deliveries(flow: Flow) -> tuple[Delivery, ...]:
    """Return what leaves where it may, each on each of its ways."""
    return tuple(sorted(set(_deliveries(flow)), key=lambda each: (each.label, each.to, each.way)))


def _deliveries(flow: Flow) -> Iterator[Delivery]:
    for arrival in flow.arrivals:
        for way in arrival.ways:
            steps = (f"`{way.source.name}`", *(step.text for step in way.steps))
            yield Delivery(arrival.label, arrival.sink.to, steps)


def declassified(flow: Flow) -> tuple[Declassified, ...]:
    """Return where labels are taken away, and why."""
    return tuple(
        Declassified(
            each.node,
            each.param,
            each.because,
            tuple(sorted({(way.source.label, way.source.name) for way in each.ways})),
        )
        for each in flow.declassified
        if each.ways
    )
