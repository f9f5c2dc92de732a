"""What a monitor reads at ``/metrics``, in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.serve.source_state import STATES

if TYPE_CHECKING:
    from runtime.serve.tile import Tile

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

__all__ = ["Metrics"]


class Metrics:
    """The figures of all streams of one server.

    Args:
        tiles: gives the streams.
        viewers: gives how many watch one of them.
    """

    def __init__(self, tiles: Callable[[], Iterable[Tile]], viewers: Callable[[Tile], int]) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "mgca_stage_latency_seconds",
            "Time that a frame spent in a stage; total is from capture to labels.",
            ("stream", "stage"),
            registry=self._registry,
            buckets=BUCKETS_S,
        )
        self._registry.register(_Streams(tiles, viewers))
        ProcessCollector(registry=self._registry)

    def observe(self, stream: str, latency_ms: dict[str, float]) -> None:
        """Count one frame."""
        for stage, value_ms in latency_ms.items():
            self._latency.labels(stream, stage).observe(value_ms / 1e3)

    def text(self) -> bytes:
        """The page that a monitor reads."""
        return generate_latest(self._registry)


class _Streams(Collector):
    """Counters that the streams keep themselves, read when they are asked for."""

    def __init__(self, tiles: Callable[[], Iterable[Tile]], viewers: Callable[[Tile], int]) -> None:
        self._tiles = tiles
        self._viewers = viewers

    def collect(self) -> Iterator[Metric]:
        """The families, filled."""
        frames = CounterMetricFamily(
            "mgca_frames", "Frames of a source by what became of them.", labels=("stream", "fate")
        )
        reconnects = CounterMetricFamily(
            "mgca_source_reconnects", "How often a source came back.", labels=("stream",)
        )
        events = CounterMetricFamily("mgca_events", "Changes of state.", labels=("stream", "event"))
        dropped = CounterMetricFamily(
            "mgca_output_dropped_frames",
            "Frames that an output was too slow for.",
            labels=("stream", "output"),
        )
        state = GaugeMetricFamily(
            "mgca_source_state", "1 for the state of a source.", labels=("stream", "state")
        )
        age = GaugeMetricFamily(
            "mgca_last_frame_age_seconds", "Since the last frame.", labels=("stream",)
        )
        viewers = GaugeMetricFamily("mgca_viewers", "Who watches.", labels=("stream",))
        area = GaugeMetricFamily(
            "mgca_class_area_ratio",
            "Share of the picture that a class covers.",
            labels=("stream", "class"),
        )
        for tile in self._tiles():
            statistics, name = tile.stream.statistics, tile.name
            for fate in ("processed", "dropped", "skipped", "spared"):
                frames.add_metric((name, fate), getattr(statistics, f"frames_{fate}"))
            reconnects.add_metric((name,), tile.stream.source.reconnects)
            for kind, count in tuple(tile.journal.counts.items()):
                events.add_metric((name, kind), count)
            for worker in tile.stream.workers:
                dropped.add_metric((name, worker.sink.key), worker.dropped)
            now = tile.state.word(tile.stream.source.live)
            for word in STATES:
                state.add_metric((name, word), float(word == now))
            if tile.state.frame_at is not None:
                age.add_metric((name,), time.monotonic() - tile.state.frame_at)
            viewers.add_metric((name,), self._viewers(tile))
            for one, share in (tile.newest.result.areas if tile.newest else {}).items():
                area.add_metric((name, one), share)
        yield from (frames, reconnects, events, dropped, state, age, viewers, area)
