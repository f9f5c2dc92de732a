"""Zones of the page: those of the config are shown, those that are drawn are there for rules."""

from __future__ import annotations

from typing import Any

import pytest

from runtime import Model
from runtime.rules.zone import read_zone
from runtime.stream.stream import Stream
from tests.support.live_page import serve_streams

httpx = pytest.importorskip("httpx")

ZONES = "/api/streams/yard/zones"


def test_zones_are_the_stream_s_own(page_model: Model) -> None:
    with (
        serve_streams(page_model, {"yard": "sky,car"}) as serving,
        httpx.Client(base_url=serving.url, timeout=20) as client,
    ):
        check_zones_of(serving.streams["yard"], client)


def check_zones_of(stream: Stream, client: Any) -> None:
    stream.zones = (read_zone("gate=0,0 1,0 1,1"),)
    shown = {"zones": [{"name": "gate", "points": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]}]}
    assert client.get(ZONES).json() == shown
    drawn = {"zones": [{"name": "door", "points": [[0, 0], [0.5, 0], [0.5, 1]]}]}
    assert client.put(ZONES, json=drawn).status_code == 200
    assert [str(zone) for zone in stream.zones] == ["door=0.0,0.0 0.5,0.0 0.5,1.0"]
    assert client.put(ZONES, json={"zones": []}).json() == {"zones": []}
