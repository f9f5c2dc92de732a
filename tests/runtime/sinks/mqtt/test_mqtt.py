"""MQTT against a real broker: states, events, words, sensors; a broker that goes and comes."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("paho.mqtt.enums")

from runtime.errors import MgcaError
from runtime.events import Event
from runtime.segment.segmenter import Segmenter
from runtime.sinks.base import RunFacts
from runtime.sinks.mqtt import MqttSink
from runtime.stream.stream import Stream
from tests.support.frames import SCENE_CLASSES, scene, segmented
from tests.support.mosquitto import Broker, Listener, free_port, needs_mosquitto, until
from tests.support.processes import ENGINE, Run
from tests.support.streams import Keeper, Scenes

TOP = "home/mgca/door"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as running:
        yield running


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with Listener(broker.port) as listening:
        yield listening


@pytest.fixture
def make_sink() -> Iterator[Callable[..., MqttSink]]:
    made: list[MqttSink] = []

    def make(
        port: int, stream: str = "door", start: bool = True, login: str = "",
        scheme: str = "mqtt", **options: object,
    ) -> MqttSink:  # fmt: skip
        url = f"{scheme}://{login}127.0.0.1:{port}/home/mgca/"
        sink = MqttSink.from_options(MqttSink.Options(mqtt=url, **options))  # type: ignore[arg-type]
        assert sink is not None
        sink.check(None)  # type: ignore[arg-type]
        sink.prepare(RunFacts(SCENE_CLASSES, (), "colors@1", stream=stream))
        if start:
            sink.begin(Scenes(1))
        made.append(sink)
        return sink

    yield make
    for sink in made:
        try:
            sink.close()
        except MgcaError:
            pass


def connected(sink: MqttSink) -> MqttSink:
    """Wait until the broker is there; what the sink says first may still be on its way."""
    assert sink._connection is not None and sink._connection.wait(20)
    return sink


@needs_mosquitto
def test_what_stands_at_the_broker(broker, listener, make_sink) -> None:
    sink = connected(make_sink(broker.port, mqtt_every=60.0))
    listener.wait(f"{TOP}/availability", "online".__eq__)
    for index in range(5):
        sink.write(scene(index))
    state = json.loads(listener.wait(f"{TOP}/state"))
    areas = scene(0).result.areas
    assert state["classes"] == {name: pytest.approx(100 * areas[name], abs=1e-3) for name in areas}
    assert (state["frame"], state["stream"], state["latency_ms"]) == (0, "door", 5.0)
    assert abs(state["at_s"] - time.time()) < 20
    assert json.loads(listener.wait(f"{TOP}/classes")) == list(SCENE_CLASSES)
    sink.note(Event("source-lost", "door", "away", {"host": "cam"}))
    event = json.loads(listener.wait(f"{TOP}/event"))
    assert (event["event"], event["host"]) == ("source-lost", "cam")
    sink.close()
    listener.wait(f"{TOP}/availability", "offline".__eq__)
    assert [json.loads(text)["frame"] for text in listener.heard[f"{TOP}/state"]] == [0, 4]
    with Listener(broker.port) as later:  # states are retained, events are not
        later.wait(f"{TOP}/availability", "offline".__eq__)
        assert json.loads(later.wait(f"{TOP}/state"))["frame"] == 4
        assert f"{TOP}/event" not in later.heard
    assert sink.record() == {
        "broker": f"mqtt://127.0.0.1:{broker.port}/home/mgca/",
        "topic": "home/mgca/door", "states": 1, "events": 1,
    }  # fmt: skip


@needs_mosquitto
def test_home_assistant_finds_a_sensor_of_each_class(broker, listener, make_sink) -> None:
    sink = connected(make_sink(broker.port))
    node = "mgca_home_mgca_door_"
    topics = [topic for topic in listener.heard if topic.startswith("homeassistant/")]
    until(
        lambda: sum(topic.startswith("homeassistant/") for topic in list(listener.heard)) == 3,
        "no sensors",
    )
    topics = sorted(topic for topic in listener.heard if topic.startswith("homeassistant/"))
    assert all(topic.startswith(f"homeassistant/sensor/{node}") for topic in topics)
    assert all(topic.count("/") == 3 and topic.endswith("/config") for topic in topics)
    configs = {topic: json.loads(listener.last(topic) or "") for topic in topics}
    car = next(config for config in configs.values() if config["name"] == "car")
    assert car["state_topic"] == f"{TOP}/state"
    assert car["value_template"] == '{{ value_json.classes["car"] }}'
    assert (car["unit_of_measurement"], car["state_class"]) == ("%", "measurement")
    assert car["availability_topic"] == f"{TOP}/availability"
    assert car["device"]["identifiers"] and car["origin"]["name"] == "mgca-rt"
    assert len({config["unique_id"] for config in configs.values()}) == 3
    # Other classes: their sensors come, those of the old ones go.
    item = scene(0)
    sink.write(
        segmented(item.frame.image_bgr, item.result.labels, class_names=("sky", "猫", "a/b"))
    )
    for topic, config in configs.items():
        if config["name"] != "sky":
            listener.wait(topic, "".__eq__)
    until(
        lambda: {"猫", "a/b"} <= {json.loads(t[-1])["name"] for t in [*listener.heard.values()]
                                  if t[-1].startswith("{") and '"name"' in t[-1]},
        "no new sensors",
    )  # fmt: skip


@needs_mosquitto
def test_sensors_of_an_earlier_run_go(broker, listener, make_sink) -> None:
    first = connected(make_sink(broker.port))
    listener.wait(f"{TOP}/classes")
    first.close()
    second = make_sink(broker.port, start=False)
    second.prepare(RunFacts(("sky",), (), "colors@1", stream="door"))
    second.begin(Scenes(1))
    until(
        lambda: sorted(t[-1] == "" for topic, t in list(listener.heard.items())
                       if topic.startswith("homeassistant/")) == [False, True, True],
        "old sensors stay",
    )  # fmt: skip


@needs_mosquitto
def test_without_discovery_there_are_no_sensors(broker, listener, make_sink) -> None:
    connected(make_sink(broker.port, mqtt_discovery="none"))
    listener.wait(f"{TOP}/availability", "online".__eq__)
    assert not any(topic.startswith("homeassistant") for topic in listener.heard)


@needs_mosquitto
def test_the_broker_says_offline_for_one_that_was_killed(broker, listener, make_sink) -> None:
    sink = connected(make_sink(broker.port))
    listener.wait(f"{TOP}/availability", "online".__eq__)
    assert sink._connection is not None
    sink._connection._client.socket().shutdown(2)  # as a process that dies leaves it
    listener.wait(f"{TOP}/availability", "offline".__eq__)
    # It comes back by itself.
    until(lambda: listener.last(f"{TOP}/availability") == "online", "it did not come back")


@pytest.mark.slow  # paho tries again after a second, then two
@needs_mosquitto
def test_a_broker_that_comes_late_and_goes(tmp_path: Path, make_sink, caplog) -> None:
    caplog.set_level("WARNING", logger="mgca")
    late = Broker(tmp_path)
    sink = make_sink(late.port, mqtt_every=0.0)
    assert not connected_soon(sink)
    started = time.monotonic()
    for index in range(3):
        sink.write(scene(index))
    sink.note(Event("alert", "door", "while away"))
    assert time.monotonic() - started < 5  # nothing waits for a broker
    with late, Listener(late.port) as listener:
        assert json.loads(listener.wait(f"{TOP}/event"))["text"] == "while away"
        assert json.loads(listener.wait(f"{TOP}/state"))["frame"] == 2
        late.kill()
        sink.note(Event("alert", "door", "while it was killed"))
        sink.write(scene(3))
    with late, Listener(late.port) as listener:
        assert json.loads(listener.wait(f"{TOP}/event"))["text"] == "while it was killed"
        assert json.loads(listener.wait(f"{TOP}/state"))["frame"] == 3
        sink.close()
    warnings = [record.getMessage() for record in caplog.records]
    assert len([one for one in warnings if "is away" in one]) == 2
    assert "Connection refused" in warnings[0]


def connected_soon(sink: MqttSink) -> bool:
    assert sink._connection is not None
    return sink._connection.wait(20)


def test_a_broker_that_never_comes_delays_no_end(make_sink) -> None:
    sink = make_sink(free_port())
    assert not connected_soon(sink)
    sink.write(scene(0))
    sink.interrupt()
    started = time.monotonic()
    with pytest.raises(MgcaError, match=r"was never reached \(.*Connection refused\)"):
        sink.close()
    assert time.monotonic() - started < 4
    sink.close()


@needs_mosquitto
def test_login(tmp_path: Path, make_sink, caplog) -> None:
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("needs mosquitto_passwd")
    names = tmp_path / "names"
    subprocess.run([program, "-c", "-b", str(names), "me", "p@ss word"], check=True, timeout=60)
    more = f"allow_anonymous false\npassword_file {names}\n"
    caplog.set_level("WARNING", logger="mgca")
    with Broker(tmp_path, more) as guarded:
        sink = connected(make_sink(guarded.port, login="me:p%40ss%20word@"))
        with Listener(guarded.port, username="me", password="p@ss word") as listener:
            listener.wait(f"{TOP}/availability", "online".__eq__)
            sink.close()
        assert not caplog.records
        wrong = make_sink(guarded.port, login="me:S3cretly@")
        assert not connected_soon(wrong)
        (warning,) = [record.getMessage() for record in caplog.records]
        assert "Not authorized" in warning and "S3cretly" not in warning


@needs_mosquitto
def test_words_come_by_a_message(broker, listener, make_sink, color_bundle: Path) -> None:
    with Segmenter.load(color_bundle, "onnxruntime-cpu") as segmenter:
        segmenter.set_classes("sky,tree,car", background="none")
        sink = make_sink(broker.port, start=False)
        keeper = Keeper()
        heard: list[Event] = []
        keeper.note = heard.append  # type: ignore[method-assign]
        Stream(Scenes(1), segmenter, [sink, keeper], name="door")
        sink.begin(Scenes(1))
        connected(sink)
        listener.wait(f"{TOP}/availability", "online".__eq__)
        send = listener.client.publish
        send(f"{TOP}/classes/set", "car,sky")
        answer = json.loads(listener.wait(f"{TOP}/event", lambda t: "words-changed" in t))
        assert answer["classes"] == ["car", "sky"] and segmenter.class_names == ("car", "sky")
        assert segmenter.classes is not None and segmenter.classes.background == ()
        for wrong in ("carr", "", ",", b"\xff", "x" * 70_000):
            send(f"{TOP}/classes/set", wrong)
            listener.wait(f"{TOP}/event", lambda t: "words-refused" in t)
            if wrong == "carr":
                refusal = json.loads(listener.last(f"{TOP}/event") or "")
                assert "car" in refusal["text"] and refusal["asked"] == "carr"
            listener.heard.pop(f"{TOP}/event")
        assert segmenter.class_names == ("car", "sky")
        assert [event.kind for event in heard] == ["words-changed"] + ["words-refused"] * 5
        sink.close()
        # One that was retained is a wish of long ago.
        send(f"{TOP}/classes/set", "tree", qos=1, retain=True).wait_for_publish(5)
        again = make_sink(broker.port, start=False)
        Stream(Scenes(1), segmenter, [again], name="door")
        listener.heard.clear()
        again.begin(Scenes(1))
        listener.wait(f"{TOP}/availability", "online".__eq__)  # it has subscribed before that
        send(f"{TOP}/classes/set", "carr")
        listener.wait(f"{TOP}/event", lambda t: "words-refused" in t)
        assert segmenter.class_names == ("car", "sky")


def test_a_run_goes_on_without_its_broker_but_for_strict(
    run_here: Run, clip: Path, color_bundle: Path
) -> None:
    url = f"mqtt://me:S3cretly@127.0.0.1:{free_port()}/x"
    words = ("--classes", "sky,tree,car", "--background", "none")
    typed = ("--video", clip, "--bundle", color_bundle, *ENGINE, *words, "--mqtt", url)
    done = run_here(*typed, "--jsonl", "a.jsonl")
    assert done.returncode == 1 and "S3cretly" not in done.stderr
    assert "an output lost data: --mqtt mqtt://127.0.0.1" in done.stderr.splitlines()[-1]
    assert len(Path("a.jsonl").read_text().splitlines()) == 12
    done = run_here(*typed, "--jsonl", "a.jsonl", "--strict")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "the broker cannot be reached" in done.stderr and "Connection refused" in done.stderr


@needs_mosquitto
@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_tls_checks_the_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_sink, caplog
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    more = f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n"
    caplog.set_level("WARNING", logger="mgca")
    with Broker(tmp_path, more) as guarded:
        stranger = make_sink(guarded.port, scheme="mqtts")
        assert not connected_soon(stranger)
        assert "CERTIFICATE_VERIFY_FAILED" in caplog.records[0].getMessage()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        connected(make_sink(guarded.port, scheme="mqtts"))


def test_a_peer_that_says_nothing_delays_no_end(make_sink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = make_sink(silent.getsockname()[1])
        silent.settimeout(20)
        silent.accept()
        sink.write(scene(0))
        started = time.monotonic()
        with pytest.raises(MgcaError, match="it has not answered yet"):
            sink.close()
        assert time.monotonic() - started < 4


@pytest.mark.slow  # the last words have their time
@needs_mosquitto
def test_a_broker_that_hangs_delays_the_end_by_seconds(broker, listener, make_sink) -> None:
    sink = connected(make_sink(broker.port, mqtt_every=0.0))
    listener.wait(f"{TOP}/availability", "online".__eq__)
    with broker.frozen():
        started = time.monotonic()
        for number in range(1500):  # more than there is room for
            sink.note(Event("alert", "door", f"number {number}"))
            sink.write(scene(number % 3))
        assert time.monotonic() - started < 10
        started = time.monotonic()
        with pytest.raises(MgcaError, match=r"did not take \d+ messages in time"):
            sink.close()
        assert time.monotonic() - started < 6
