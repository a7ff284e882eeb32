"""Metrics in Prometheus' names.

The scripts count in the store, so prefork children need no shared files and any one process can be scraped; with several
API replicas take `max`, not `sum`, over them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the stage durations' histogram, seconds; the last bucket has none."""


def bucket_of(seconds: float) -> int:
    """Return the index of the histogram bucket that a duration falls in."""
    return bisect_left(BUCKETS, seconds)


FUSED: Final = "stage_fusion"
"""What put a node into a stage with others."""
_WAYS: Final = ("succeeded", "skipped", "failed")


class Counted(NamedTuple):
    """A counter that the store keeps: its key there, and the labels whose values follow in that."""

    name: str
    key: str
    labels: tuple[str, ...]
    about: str


COUNTERS: Final = (
    Counted("saltern_runs", "runs", ("state",), "Runs that reached a state."),
    Counted(
        "saltern_stage_retries", "retries", ("stage", "kind"), "Attempts that will be made again, by what was wrong."
    ),
    Counted("saltern_dead_letters", "dead", ("stage",), "Activations that went to the dead letters."),
    Counted("saltern_leases_lost", "lost", ("stage",), "Claims whose worker was not heard of in time."),
    Counted("saltern_cache_hits", "cache_hits", ("stage",), "Values that were cached."),
    Counted("saltern_cache_misses", "cache_misses", ("stage",), "Values that were not, though the node is cached."),
    Counted(
        "saltern_claims",
        "claims",
        ("result",),
        "Times that a worker asked for work: hit, or empty where there was none.",
    ),
    Counted("saltern_bells", "bells", (), "Bells rung."),
    Counted("saltern_bells_vain", "vain", (), "Bells that called a worker to nothing."),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a node is counted."""

    stage: str
    """The one that it runs in, or is shown with."""
    optimized: str = ""
    """The optimization that took it out, or put it together with others; empty: it runs as it is written."""
    like: str = ""
    """Id of the node whose fate it has; empty: it runs itself."""
    skipped: bool = False
    """Whether it is skipped once that node is over."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store counts."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """What `COUNTERS` name (`runs|<state>`, `retries|<stage>|<kind>`, `bells`), `refused`, `stage|<stage>|<bucket>`, `stage|<stage>|ms`,
    `ends|<stage>|<way>`, and `node|<node>|<way>|<stage>`: how many more than its stage ended that way."""
    ready: Mapping[str, int] = field(default_factory=dict)
    """Queue → activations that wait in it."""
    oldest: Mapping[str, float] = field(default_factory=dict)
    """Queue → seconds that its most urgent activation has waited."""
    limited: Mapping[str, int] = field(default_factory=dict)
    """Connection → activations that its limits let wait."""
    dead_letters: int = 0
    open: Mapping[str, int] = field(default_factory=dict)
    """State → runs that are open in it."""
    eldest: Mapping[str, float] = field(default_factory=dict)
    """State → age of the oldest of them, seconds."""
    lag: float = 0.0
    """Seconds for which something has been due that no timers have done."""
    tenants: Mapping[str, int] = field(default_factory=dict)
    """Tenant → runs that are open; none has nought."""
    cap: int = 0
    """Open runs that a tenant may have, at most; 0: any number."""
    versions: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Short form of a plan's digest → its open runs, and how many of them no worker will go on with."""
    nodes: Mapping[str, Placed] = field(default_factory=dict)
    """Node → where it is counted; those that no stage runs among them."""

    def ended(self, node: str) -> Mapping[str, int]:
        """Return how often a node ended in each way. One that was taken out did so with the node whose fate it has, unless that failed."""
        placed = self.nodes[node]
        if placed.like:
            ended = self.ended(placed.like)
            over = {"succeeded": ended["succeeded"], "skipped": ended["skipped"], "failed": 0}
            return over | {"succeeded": 0, "skipped": sum(over.values())} if placed.skipped else over
        return {
            way: self.counts.get(f"ends|{placed.stage}|{way}", 0)
            + self.counts.get(f"node|{node}|{way}|{placed.stage}", 0)
            for way in _WAYS
        }


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
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        figures = self._figures()
        for counted in COUNTERS:
            counter = CounterMetricFamily(counted.name, counted.about, labels=("pipeline", *counted.labels))
            for key, count in figures.counts.items():
                kind, *rest = key.split("|", len(counted.labels))
                if kind == counted.key and len(rest) == len(counted.labels):
                    counter.add_metric((self._pipeline, *rest), count)
            yield counter
        for name, label, values, about in (
            ("saltern_ready_activations", "queue", figures.ready, "Activations that wait for a worker."),
            ("saltern_ready_oldest_seconds", "queue", figures.oldest, "How long the most urgent one has waited."),
            (
                "saltern_limited_activations",
                "connection",
                figures.limited,
                "Activations that wait for a connection's limits.",
            ),
            ("saltern_open_runs", "state", figures.open, "Runs that are open in a state."),
            ("saltern_open_runs_oldest_seconds", "state", figures.eldest, "Age of the oldest of them."),
        ):
            gauge = GaugeMetricFamily(name, about, labels=("pipeline", label))
            for each, value in values.items():
                gauge.add_metric((self._pipeline, each), value)
            yield gauge
        yield from self._versions(figures)
        yield from self._open(figures)
        for name, number, about in (
            ("saltern_dead_letters_waiting", figures.dead_letters, "Dead letters that nobody dealt with."),
            ("saltern_timer_lag_seconds", figures.lag, "How long something has been due that no timers have done."),
        ):
            gauge = GaugeMetricFamily(name, about, labels=("pipeline",))
            gauge.add_metric((self._pipeline,), number)
            yield gauge
        yield from self._nodes(figures)
        yield self._durations(figures)

    def _open(self, figures: Figures) -> Iterable[Metric]:
        """Yield how many runs one tenant has, at most, beside its cap. Tenants are not named: there may be any number of them."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counts = figures.tenants.values()
        for name, value, doc in (
            ("saltern_tenant_open_runs_max", max(counts, default=0), "Open runs of the tenant that has most of them."),
            ("saltern_tenant_open_runs_limit", figures.cap, "Open runs that a tenant may have; 0: any number."),
        ):
            gauge = GaugeMetricFamily(name, doc, labels=("pipeline",))
            gauge.add_metric((self._pipeline,), value)
            yield gauge
        refused = CounterMetricFamily(
            "saltern_runs_refused", "Runs that were not made, since their tenant had the most.", labels=("pipeline",)
        )
        refused.add_metric((self._pipeline,), figures.counts.get("refused", 0))
        yield refused

    def _versions(self, figures: Figures) -> Iterable[Metric]:
        """Yield what each version has open, and what of it no worker of that version is there for."""
        from prometheus_client.core import GaugeMetricFamily

        for at, (name, doc) in enumerate(
            (
                ("saltern_version_open_runs", "Runs that are not over, by the version that they are pinned to."),
                (
                    "saltern_runs_without_workers",
                    "Those of them whose version no worker was seen of for half a minute.",
                ),
            )
        ):
            gauge = GaugeMetricFamily(name, doc, labels=("pipeline", "version"))
            for version, counts in figures.versions.items():
                gauge.add_metric((self._pipeline, version), counts[at])
            yield gauge

    def _nodes(self, figures: Figures) -> Iterable[Metric]:
        """Yield what is known of each node of the source, whatever became of it."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        stages = GaugeMetricFamily(
            "saltern_node_stage",
            "The stage that a node runs in, or is shown with: 1.",
            labels=("pipeline", "node", "stage", "optimized"),
        )
        ends = CounterMetricFamily(
            "saltern_nodes", "Nodes that ended.", labels=("pipeline", "node", "state", "optimized")
        )
        for node, placed in figures.nodes.items():
            stages.add_metric((self._pipeline, node, placed.stage, placed.optimized), 1)
            for way, count in figures.ended(node).items():
                ends.add_metric((self._pipeline, node, way.upper(), placed.optimized), count)
        yield stages
        yield ends

    def _durations(self, figures: Figures) -> Metric:
        from prometheus_client.core import HistogramMetricFamily

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
