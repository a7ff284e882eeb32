"""Metrics in Prometheus' names.

The scripts count in the store, so prefork children need no shared files and any one process can be scraped; with several
API replicas take `max`, not `sum`, over them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the stage durations' histogram, seconds; the last bucket has none."""


def bucket_of(seconds: float) -> int:
    """Return the index of the histogram bucket that a duration falls in."""
    return bisect_left(BUCKETS, seconds)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store counts."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """`runs|<state>`, `retries|<stage>`, `dead|<stage>`, `cache_hits|<stage>`, `cache_misses|<stage>`, `bells`, `stage|<stage>|<bucket>`, `stage|<stage>|ms`."""
    ready: Mapping[str, int] = field(default_factory=dict)
    """Queue → activations that wait in it."""
    oldest: Mapping[str, float] = field(default_factory=dict)
    """Queue → seconds that its most urgent activation has waited."""
    limited: Mapping[str, int] = field(default_factory=dict)
    """Connection → activations that its limits let wait."""
    dead_letters: int = 0
    nodes: Mapping[str, str] = field(default_factory=dict)
    """Node → the stage that it runs in."""


class Collector:
    """A Prometheus collector that asks the store when it is scraped: `registry.register(Collector("triage", store_figures))`."""

    def __init__(self, pipeline: str, figures: Callable[[], Figures]) -> None:
        self._pipeline = pipeline
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        """Name no metric beforehand, so that registering does not ask the store."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Answer a scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415 - optional dependency

        figures = self._figures()
        for name, key, label, doc in (
            ("saltern_runs", "runs", "state", "Runs that reached a state."),
            ("saltern_stage_retries", "retries", "stage", "Attempts that will be made again."),
            ("saltern_dead_letters", "dead", "stage", "Activations that went to the dead letters."),
            ("saltern_cache_hits", "cache_hits", "stage", "Values that were cached."),
            ("saltern_cache_misses", "cache_misses", "stage", "Values that were not, though the node is cached."),
        ):
            counter = CounterMetricFamily(name, doc, labels=("pipeline", label))
            for kind, *rest in (key.split("|", 1) for key in figures.counts):
                if kind == key:
                    counter.add_metric((self._pipeline, rest[0]), figures.counts[f"{kind}|{rest[0]}"])
            yield counter
        bells = CounterMetricFamily("saltern_bells", "Bells rung.", labels=("pipeline",))
        bells.add_metric((self._pipeline,), figures.counts.get("bells", 0))
        yield bells
        for name, label, values, doc in (
            ("saltern_ready_activations", "queue", figures.ready, "Activations that wait for a worker."),
            ("saltern_ready_oldest_seconds", "queue", figures.oldest, "How long the most urgent one has waited."),
            (
                "saltern_limited_activations",
                "connection",
                figures.limited,
                "Activations that wait for a connection's limits.",
            ),
        ):
            gauge = GaugeMetricFamily(name, doc, labels=("pipeline", label))
            for each, value in values.items():
                gauge.add_metric((self._pipeline, each), value)
            yield gauge
        waiting = GaugeMetricFamily(
            "saltern_dead_letters_waiting", "Dead letters that nobody dealt with.", labels=("pipeline",)
        )
        waiting.add_metric((self._pipeline,), figures.dead_letters)
        yield waiting
        stages = GaugeMetricFamily(
            "saltern_node_stage", "The stage that a node runs in: 1.", labels=("pipeline", "node", "stage")
        )
        for node, stage in figures.nodes.items():
            stages.add_metric((self._pipeline, node, stage), 1)
        yield stages
        yield self._durations(figures)

    def _durations(self, figures: Figures) -> Metric:
        from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - optional dependency

        stages: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for name, count in figures.counts.items():
            if name.startswith("stage|"):
                stage, bucket = name.removeprefix("stage|").rsplit("|", 1)
                stages[stage][bucket] = count
        family = HistogramMetricFamily(
            "saltern_stage_duration_seconds", "How long attempts took.", labels=("pipeline", "stage")
        )
        for stage, histogram in stages.items():
            total, buckets = 0, []
            for index, bound in enumerate((*BUCKETS, float("inf"))):
                total += histogram.get(str(index), 0)
                buckets.append(("+Inf" if bound == float("inf") else repr(bound), float(total)))
            family.add_metric((self._pipeline, stage), buckets, sum_value=histogram.get("ms", 0) / 1000)
        return family
