"""The API of a page behind which streams run: a real server, asked over a real connection."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import av
import cv2
import numpy as np
import pytest

from runtime import Model
from tests.support.live_page import Serving, serve_streams
from tests.support.streams import wait_until

httpx = pytest.importorskip("httpx")
jsonschema = pytest.importorskip("jsonschema")

YARD = "/api/streams/yard"


@pytest.fixture(scope="module")
def serving(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,tree,car", "gate & door": "car,road"}) as serving:
        yield serving


@pytest.fixture(scope="module")
def client(serving: Serving) -> Iterator[Any]:
    with httpx.Client(base_url=serving.url, timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def words_as_before(client: Any) -> Iterator[None]:
    yield
    client.put(f"{YARD}/classes", json={"classes": ["sky", "tree", "car"]})


def decode(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def check(name: str, answer: Any) -> None:
    """Whether an answer is what the document says of it."""
    from runtime.serve.openapi import SCHEMAS

    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(schema).validate(answer)


# The document -----------------------------------------------------------------------------------


def test_every_answer_is_as_the_document_says(client: Any) -> None:
    """Every GET of the document, and every change with a body made for it."""
    document = client.get("/api/openapi.json").json()
    client.put(f"{YARD}/zones", json={"zones": []})  # an event, for its snapshot
    wait_until(lambda: client.get(f"{YARD}/events").json()["events"][-1]["snapshot"])
    number = client.get(f"{YARD}/events").json()["events"][-1]["number"]
    bodies = {
        "Login": {"token": "any"},
        "Words": {"classes": ["sky", "tree", "car"]},
        "Settings": {"opacity": 0.55, "colors": {"sky": "#112233"}},
        "Zones": {"zones": [{"name": "a", "points": [[0, 0], [1, 0], [1, 1]]}]},
    }
    seen = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.endswith("/video"):  # has no end
                continue
            [(kind, content)] = operation["responses"]["200"]["content"].items()
            url = path.format(name="yard", number=number)
            named = [one for one in operation["parameters"] if one["in"] == "path"]
            assert all(f"{{{one['name']}}}" in path for one in named)
            body = operation.get("requestBody")
            schema = "" if body is None else body["content"]["application/json"]["schema"]["$ref"]
            sent = bodies.get(schema.rpartition("/")[2], {} if method == "post" else None)
            if body is not None:
                check(schema.rpartition("/")[2], sent)
            params = {"x": 0.5, "y": 0.5} if path.endswith("/pixel") else {}
            answer = client.request(method, url, params=params, json=sent)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["content-type"].startswith(kind), path
            if kind == "application/json":
                name = content["schema"]["$ref"].rpartition("/")[2]
                check(name, answer.json())
                seen.add(name)
    assert seen >= {"Stream", "Streams", "Pixel", "Zones", "Events", "KnownWords", "Server"}


def test_the_document_is_closed_in_itself(client: Any) -> None:
    document = client.get("/api/openapi.json").json()
    refs = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert refs <= set(document["components"]["schemas"]) and document["openapi"] == "3.1.0"
    jsonschema.Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/nothing", None, 404, "Not Found"),
        ("GET", "/api/streams/attic", None, 404, "no stream is called 'attic'; expected one of"),
        ("GET", "/../../etc/passwd", None, 404, "Not Found"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", None, 404, "Not Found"),
        ("DELETE", f"{YARD}/zones", {}, 405, "Method Not Allowed"),
        ("GET", f"{YARD}/pixel", None, 422, r"\?x= is missing or no number"),
        ("GET", f"{YARD}/pixel?x=2&y=0", None, 422, "shares of width and height"),
        ("GET", f"{YARD}/pixel?x=nan&y=0", None, 422, r"\?x= is missing or no number"),
        ("GET", f"{YARD}/picture?view=x", None, 422, "view 'x' is unknown; expected one of overl"),
        ("GET", f"{YARD}/picture?view=similarity&word=bus", None, 422, "word 'bus' is not asked"),
        ("GET", f"{YARD}/picture?width=0", None, 422, "width: expected pixels"),
        ("GET", f"{YARD}/events?after=0.5", None, 422, r"\?after= is no whole number"),
        ("GET", f"{YARD}/events/9999/snapshot", None, 404, "has no picture"),
        ("PUT", f"{YARD}/classes", {"classes": ["treee"]}, 422, "'treee' is unknown"),
        ("PUT", f"{YARD}/classes", {"classes": []}, 422, "is empty"),
        ("PUT", f"{YARD}/classes", {"classes": ["a" * 101]}, 422, "longer than 100"),
        ("PUT", f"{YARD}/classes", {"classes": [1]}, 422, "a list of texts"),
        ("PUT", f"{YARD}/classes", {"class": ["car"]}, 422, "'class' is not a key; expected"),
        ("PUT", f"{YARD}/classes", ["car"], 400, "no JSON object"),
        ("PATCH", f"{YARD}/settings", {"threshold": 1.5}, 422, "threshold is 1.5"),
        ("PATCH", f"{YARD}/settings", {"threshold": True}, 422, "a number from 0 to 1"),
        ("PATCH", f"{YARD}/settings", {"colors": {"bus": "#000000"}}, 422, "'bus' is not one of"),
        ("PATCH", f"{YARD}/settings", {"colors": {"car": "red"}}, 422, "expected #rrggbb"),
        ("PUT", f"{YARD}/zones", {"zones": [{"name": "a", "points": []}]}, 422, "3 to 64 points"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    client: Any, method: str, path: str, body: Any, status: int, says: str
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    check("Error", answer.json())
    assert re.search(says, answer.json()["error"])


@pytest.mark.parametrize("body", [b"", b"[" * 60_000, b'{"classes": NaN}', b"\xff", b'{"a":'])
def test_a_body_that_is_no_json_is_refused(client: Any, body: bytes) -> None:
    kind = {"content-type": "application/json"}
    answer = client.put(f"{YARD}/classes", content=body, headers=kind)
    assert answer.status_code == 400 and "not JSON" in answer.json()["error"]


ODD = [
    None,
    True,
    10**400,
    -1,
    1e308,
    "",
    "\ud800",
    "a,b=c|d",
    [],
    [[]],
    {},
    {"": None},
    [None] * 99,
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "keys"),
    [
        ("PUT", "classes", ["classes", "background", "allow_unknown"]),
        ("PATCH", "settings", ["threshold", "opacity", "colors"]),
        ("PUT", "zones", ["zones"]),
    ],
)
def test_odd_values_are_refused_and_break_nothing(
    client: Any, method: str, path: str, keys: list[str]
) -> None:
    """Alone, in a list, in an object, as a point of a zone: an answer of ours, never a failure."""
    for value in ODD:
        zone = {"name": value, "points": value}
        points = {"name": "a", "points": [[value, 0], [1, 0], [1, 1]]}
        for form in (value, [value], {"car": value}, [zone], [points]):
            for key in keys:
                body = json.dumps(
                    {"classes": ["car"], key: form} if path == "classes" else {key: form}
                )
                kind = {"content-type": "application/json"}
                answer = client.request(method, f"{YARD}/{path}", content=body, headers=kind)
                assert answer.status_code in (200, 400, 422), (body[:200], answer.text)
    client.patch(f"{YARD}/settings", json={"threshold": 0, "opacity": 0.55})
    client.put(f"{YARD}/zones", json={"zones": []})


# Words and settings -----------------------------------------------------------------------------


def test_other_words_show_in_the_next_pictures(client: Any, serving: Serving) -> None:
    stream = serving.streams["yard"]
    answer = client.put(f"{YARD}/classes", json={"classes": ["car", "plants=tree|sand"]})
    assert [(one["name"], one["words"]) for one in answer.json()["classes"]] == [
        ("car", ["car"]), ("plants", ["tree", "sand"])
    ]  # fmt: skip
    before = stream.statistics.frames_processed
    wait_until(lambda: stream.statistics.frames_processed > before + 3)
    areas = {one["name"]: one["area"] for one in client.get(YARD).json()["classes"]}
    assert set(areas) == {"car", "plants"} and sum(areas.values()) == pytest.approx(1, abs=1e-4)
    event = client.get(f"{YARD}/events").json()["events"][-1]
    assert (event["event"], event["facts"]["classes"]) == (
        "words-changed", ["car", "plants=tree|sand"]
    )  # fmt: skip


def test_a_refused_word_brings_near_ones(client: Any) -> None:
    answer = client.put(f"{YARD}/classes", json={"classes": ["car", "treee"]})
    assert answer.json()["suggestions"] == ["tree"]
    names = [one["name"] for one in client.get(YARD).json()["classes"]]
    assert names == ["sky", "tree", "car"]


def test_words_are_suggested(client: Any) -> None:
    assert client.get("/api/words", params={"prefix": "S"}).json()["words"] == [
        "sky", "snow", "sand"
    ]  # fmt: skip
    near = client.get("/api/words", params={"prefix": "treee"}).json()
    assert near == {"words": [], "near": ["tree"], "known": False}


def test_settings_are_all_taken_or_none(client: Any, serving: Serving) -> None:
    stream = serving.streams["yard"]
    wrong = {"threshold": 0.5, "opacity": 0.1, "colors": {"bus": "#000000"}}
    assert client.patch(f"{YARD}/settings", json=wrong).status_code == 422
    assert (stream.segmenter.threshold, stream.style.opacity) == (0.0, 0.55)
    right = {"threshold": 0.25, "opacity": 1.0, "colors": {"car": "#00ff7f"}}
    state = client.patch(f"{YARD}/settings", json=right).json()
    assert (state["threshold"], state["opacity"]) == (0.25, 1.0)
    assert [one["color"] for one in state["classes"] if one["name"] == "car"] == ["#00ff7f"]
    before = stream.statistics.frames_processed
    wait_until(lambda: stream.statistics.frames_processed > before + 3)
    picture = decode(client.get(f"{YARD}/picture").content).astype(int)
    near = (np.abs(picture - [0x7F, 0xFF, 0x00]).max(axis=2) < 40).mean()
    assert near > 0.02  # the car, in its new color, over nothing of the picture
    client.patch(f"{YARD}/settings", json={"threshold": 0, "opacity": 0.55})


# Pictures ---------------------------------------------------------------------------------------


def read_pictures(client: Any, path: str, count: int) -> list[bytes]:
    """The first JPEGs of a stream of them."""
    data, found = b"", []
    with client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
        for part in answer.iter_raw():
            data += part
            while (head := re.search(rb"Content-Length: (\d+)\r\n\r\n", data)) is not None:
                end = head.end() + int(head[1])
                if len(data) < end:
                    break
                found.append(data[head.end() : end])
                data = data[end:]
                if len(found) == count:
                    return found
    raise AssertionError("the stream ended")


def test_pictures_come_as_long_as_they_are_watched(client: Any, serving: Serving) -> None:
    jpegs = read_pictures(client, f"{YARD}/video?view=masks", 4)
    assert all(decode(jpeg).shape == (96, 128, 3) for jpeg in jpegs)
    assert len({hash(jpeg) for jpeg in jpegs}) > 1  # the car drives
    watching = 'mgca_viewers{stream="yard"} 0.0'
    wait_until(lambda: watching in client.get("/metrics").text)


def test_every_view_and_a_stream_whose_name_needs_quoting(client: Any) -> None:
    views = ["overlay", "masks", "units", "picture", "similarity&word=car"]
    pictures = [decode(client.get(f"{YARD}/picture?view={view}").content) for view in views]
    assert {picture.shape for picture in pictures} == {(96, 128, 3)}
    other = client.get("/api/streams/gate%20%26%20door/picture")
    assert decode(other.content).shape == (96, 128, 3)


def test_a_clip_is_a_video_of_the_last_seconds(client: Any) -> None:
    answer = client.get(f"{YARD}/clip")
    assert answer.headers["content-disposition"] == 'attachment; filename="yard.mp4"'
    with av.open(io.BytesIO(answer.content)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 1


def test_an_event_has_a_picture(client: Any) -> None:
    client.put(f"{YARD}/classes", json={"classes": ["car"]})
    number = client.get(f"{YARD}/events").json()["events"][-1]["number"]
    path = f"{YARD}/events/{number}/snapshot"
    wait_until(lambda: client.get(path).status_code == 200)
    assert decode(client.get(path).content).shape == (96, 128, 3)


def test_a_viewer_that_reads_nothing_holds_nobody_up(client: Any, serving: Serving) -> None:
    """Its pictures wait in a bounded buffer; frames and other viewers go on."""
    stream = serving.streams["yard"]
    with socket.create_connection(("127.0.0.1", serving.port), timeout=20) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET {YARD}/video HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        before = stream.statistics.frames_processed
        assert len(read_pictures(client, f"{YARD}/video", 5)) == 5
        wait_until(lambda: stream.statistics.frames_processed > before + 5)
        assert client.get("/healthz").status_code == 200


# Monitoring -------------------------------------------------------------------------------------


def test_metrics_say_what_the_streams_do(client: Any, serving: Serving) -> None:
    text = client.get("/metrics").text
    processed = re.search(r'mgca_frames_total\{fate="processed",stream="yard"\} (\S+)', text)
    assert processed is not None and float(processed[1]) >= 2
    count = re.search(
        r'mgca_stage_latency_seconds_count\{stage="infer",stream="yard"\} (\S+)', text
    )
    assert count is not None and float(count[1]) >= 2
    assert 'mgca_source_state{state="running",stream="gate & door"} 1.0' in text
    assert re.search(r'mgca_class_area_ratio\{class="sky",stream="yard"\} 0\.[45]', text)


def test_it_lives_and_is_ready(client: Any) -> None:
    assert client.get("/healthz").json() == {"ready": True}
    assert client.get("/readyz").status_code == 200


def test_the_page_is_small_and_asks_no_other_host(client: Any) -> None:
    page = client.get("/").text
    files = {"index.html": page}
    names = re.findall(r'(?:src|href)="([\w-]+\.(?:js|css|svg))"', page)
    while names:
        name = names.pop()
        if name not in files:
            files[name] = client.get(f"/{name}").text
            names += re.findall(r'from "\./([\w-]+\.js)"', files[name])
    assert sum(len(text.encode()) for text in files.values()) < 150_000 and len(files) >= 9
    for name, text in files.items():
        outside = re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]+", text)
        assert set(outside) <= {"http://www.w3.org"}, name
        assert not re.search(r"<script>|\son\w+=\"|style=\"", text) or name.endswith(".js")


def test_a_first_picture_comes(client: Any) -> None:
    """How soon is measured by benchmarks.serve."""
    read_pictures(client, f"{YARD}/video", 1)
