"""Secrets of addresses: out of every text, whatever they hold and whoever wrote the text.

What is a secret in an address: RFC 3986, 3.2.1 (userinfo) and 7.5 (sensitive information); FFmpeg
takes the last ``@`` before the first ``/`` as the login's end (libavformat 62, ``av_url_split``),
so a password with ``/`` reaches us as a path.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path

import pytest

from runtime import redaction
from runtime.address import fill_in_environment
from runtime.errors import MgcaError, UserError, describe_error
from runtime.redaction import (
    RedactingFilter,
    redact,
    redact_pipeline,
    redact_record,
    redact_url,
    remember_url,
)
from runtime.sources import GStreamerSource, StreamSource
from runtime.sources.decoding import open_container
from tests.support.processes import ENGINE, Run

ADDRESSES = [
    "rtsp://admin:p@S3cret@127.0.0.1:9/live",
    "rtsp://admin:p/w-S3cret@127.0.0.1:9/live",
    "rtsp://admin:12/S3cret@127.0.0.1:9/live",
    "rtsp://admin:p?S3cret@127.0.0.1:9/live",
    "rtsp://admin:p#S3cret@127.0.0.1:9/live",
    "rtsp://S3cret:x@127.0.0.1:9/live",
    "rtsp://admin:S3cret",
    "http://127.0.0.1:9/flv?user=admin&password=S3cret",
    "http://127.0.0.1:9/flv?password=p@S3cret",
    "http://127.0.0.1:9/flv?S3cret",
    "http://127.0.0.1:9/flv#S3cret",
    "http://127.0.0.1:9/hls/S3cret/live.m3u8",
    "http://127.0.0.1:9/S3cret.m3u8",
    "http://127.0.0.1:9/hunter2/live",
    "rtsp://127.0.0.1:9/user=admin_password=S3cret_channel=1_stream=0.sdp",
    "rtmp://127.0.0.1:9/live/S3cret-abcd-efgh",
    "srt://127.0.0.1:9?mode=caller&passphrase=S3cretS3cret",
    "rtsp://admin:p%40S3cret@127.0.0.1:9/live",
    "rtsp://admin:p w S3cret@127.0.0.1:9/live",
]
TOLD = ("S3cret", "hunter2", "admin")


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", {})


def is_clean(text: str) -> bool:
    return not any(secret in text for secret in TOLD)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_secret_is_shown(address: str) -> None:
    shown = redact_url(address)
    assert is_clean(shown)
    assert redact_url(shown) == shown
    remember_url(address)
    assert is_clean(redact(f"[Errno 5] Input/output error: '{address}'; try again"))


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://10.0.0.2:554/Streaming/Channels/101",
        "rtsp://10.0.0.2/cam/realmonitor?channel=1&subtype=0",
        "rtsp://[::1]:8554/h264Preview_01_main",
        "https://example.com/drive.mp4",
        "https://example.com/a.m3u8",
        "udp://239.0.0.1:1234",
        "file:///home/me/token/a.mp4",
    ],
)
def test_what_is_no_secret_stays(address: str) -> None:
    assert redact_url(address) == address
    assert redact(f"--video {address}: no") == f"--video {address}: no"


def test_the_host_is_told_where_it_is_sure() -> None:
    assert redact_url(ADDRESSES[0]) == "rtsp://127.0.0.1:9/live"
    assert redact_url(ADDRESSES[1]) == "rtsp://127.0.0.1:9/live"
    assert redact_url("rtsp://me:pw@host:554/a?b=c@d") == "rtsp://***"


@pytest.mark.parametrize(
    "text",
    [
        "--video rtsp:/admin:S3cret@host/live does not exist",
        "Authorization: Bearer S3cret",
        "got password=S3cret from the page",
        "moved to http://other/S3cret/x, and rtsp://admin:S3cret@b/live; two",
    ],
)
def test_secrets_in_texts_of_others(text: str) -> None:
    assert is_clean(redact(text))


def test_remembered_parts_are_found_without_their_address() -> None:
    remember_url("rtsp://admin:p%40S3cret@host/live")
    assert redact("401 for user admin, p@S3cret") == "401 for user ***, ***"
    assert redact("administration live") == "administration live"


PIPELINES = [
    "rtspsrc location=rtsp://admin:S3cret@127.0.0.1:9/live ! decodebin ! videoconvert",
    'rtspsrc location="rtsp://admin:p w S3cret@127.0.0.1:9/live" ! decodebin ! videoconvert',
    "rtspsrc location=rtsp://127.0.0.1:9/live user-id=admin user-pw=S3cret ! decodebin",
    "rtspsrc location=rtsp://127.0.0.1:9/live user-id='admin' user-pw=\"a, S3cret b\" ! decodebin",
    "rtspsrc location = rtsp://127.0.0.1:9/live user-id = admin user-pw = S3cret,x ! decodebin",
    "souphttpsrc location=http://127.0.0.1:9/flv?token=S3cret proxy-pw=S3cret ! decodebin",
    'souphttpsrc location=http://127.0.0.1:9/ cookies="S3cret" ! decodebin',
    "srtsrc uri=srt://127.0.0.1:9?passphrase=S3cretS3cret ! tsdemux ! decodebin",
    "srtsrc uri=srt://127.0.0.1:9 passphrase=S3cretS3cret ! tsdemux ! decodebin",
    "webrtcsrc secret-access-key=S3cret ! decodebin",
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_secret_of_a_pipeline_is_shown(pipeline: str) -> None:
    shown = redact_pipeline(pipeline)
    assert is_clean(shown) and redact_pipeline(shown) == shown
    assert shown.split(" ! ")[1:] == pipeline.split(" ! ")[1:]
    assert redaction.remember_arguments(["--gstreamer", pipeline]) == [pipeline]
    assert is_clean(redact(f"could not open {pipeline}; try again"))
    assert redact("decodebin videoconvert rtspsrc live") == "decodebin videoconvert rtspsrc live"


@pytest.mark.parametrize(
    "pipeline",
    [
        "v4l2src device=/dev/video0 ! video/x-raw,width=640,framerate=30/1 ! videoconvert",
        "rtspsrc location=rtsp://10.0.0.2:554/Streaming/Channels/101 latency=0 ! decodebin",
        "nvarguscamerasrc sensor-id=0 ! nvvidconv flip-method=2 ! x264enc key-int-max=30",
    ],
)
def test_what_is_no_secret_of_a_pipeline_stays(pipeline: str) -> None:
    assert redact_pipeline(pipeline) == pipeline
    assert redaction.remember_arguments(["--gstreamer", pipeline]) == []


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_config_with_a_pipeline_is_printed_without_its_secrets(
    run_here: Run, tmp_path: Path, pipeline: str
) -> None:
    path = tmp_path / "f.toml"
    path.write_text(f"[sources]\ngstreamer = {json.dumps(pipeline)}\n[words]\nclasses = 'sky'\n")
    printed = run_here("--config", path, "--print-config")
    assert printed.returncode == 0 and is_clean(printed.stdout)
    assert "gstreamer = " in printed.stdout and "secrets are left out" in printed.stdout


def test_a_pipelines_name_and_events_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.sources.gstreamer._find_player", lambda: lambda text: None)
    for pipeline in PIPELINES:
        assert is_clean(GStreamerSource(pipeline).name)


def test_plain_words_stay() -> None:
    for text in ("car=car|van", "/data/a@2x.jpg", "give rtsp://, http:// or udp://", "a:b c@d"):
        assert redact(text) == text


def test_errors_and_records_are_clean() -> None:
    address = ADDRESSES[0]
    assert is_clean(str(MgcaError(f"{address} is away")))
    assert is_clean(describe_error(OSError(5, "no", address)))
    assert is_clean(json.dumps(redact_record({"a": [{"b": address}], "n": 1})))


def test_a_librarys_exception_is_clean_to_its_last_context() -> None:
    """PyAV 18.1: an error's text is "[Errno 111] Connection refused: 'http://user:...'"."""
    av = pytest.importorskip("av")
    with pytest.raises(av.error.FFmpegError) as raised:
        open_container("http://admin:S3cret@127.0.0.1:9/flv?token=S3cret", timeout=2.0)
    assert is_clean(str(raised.value)) and is_clean(repr(raised.value.args))
    assert raised.value.__context__ is None and raised.value.__cause__ is None
    assert raised.value.errno


def test_records_of_loggers_are_clean(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tests.redaction")
    log.addFilter(RedactingFilter())
    log.warning("%s broke off (%d)", ADDRESSES[0], 3)
    assert caplog.messages == ["rtsp://127.0.0.1:9/live broke off (3)"]


def test_a_sources_log_is_clean_without_our_command(caplog: pytest.LogCaptureFixture) -> None:
    source = StreamSource(ADDRESSES[0], reconnect_timeout_s=0.4)
    source.timer.seen_frame()
    with pytest.raises(MgcaError) as raised:
        list(source.frames(threading.Event()))
    assert caplog.messages and is_clean(caplog.text) and is_clean(str(raised.value))


@pytest.mark.parametrize("address", [*ADDRESSES[:2], ADDRESSES[7], ADDRESSES[11]])
def test_the_command_shows_no_secret(
    run_here: Run, color_bundle: Path, tmp_path: Path, address: str
) -> None:
    done = run_here(
        "--classes", "sky,car", "--video", address, "--reconnect-timeout", 0.3, "--debug",
        *ENGINE, "--bundle", color_bundle,
        "--jsonl", tmp_path / "a.jsonl", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert done.returncode == 3
    assert "127.0.0.1:9" in done.stderr and "Traceback" in done.stderr
    assert is_clean(done.stdout + done.stderr)
    printed = run_here("--classes", "sky", "--video", address, "--print-config")
    assert is_clean(printed.stdout) and "video = " in printed.stdout


@pytest.mark.parametrize("address", [ADDRESSES[0], ADDRESSES[8], ADDRESSES[11]])
def test_the_lines_of_events_show_no_secret(
    run_here: Run, color_bundle: Path, address: str
) -> None:
    done = run_here(
        "--classes", "sky", "--video", address, "--reconnect-timeout", 0.3, *ENGINE,
        "--bundle", color_bundle, "--jsonl", "-",
    )  # fmt: skip
    (event,) = map(json.loads, done.stdout.splitlines())
    assert event["event"] == "source-lost" and redact_url(address) in event["text"]
    assert is_clean(done.stdout)


def test_a_torn_or_misspelled_address_shows_no_secret(run_here: Run) -> None:
    for arguments in (
        ("--video", "rtsp://admin:p", "w-S3cret@host/live"),
        ("rtsp://admin:S3cret@host/live",),
        ("--video", "rtsp:/admin:S3cret@host/live"),
        ("--images", "http://admin:S3cret@host/a.jpg"),
        ("--camera", "rtsp://admin:S3cret@host/live"),
        ("--vidoe=rtsp://admin:S3cret@host/live",),
    ):
        done = run_here("--classes", "sky", *arguments, "--debug")
        assert done.returncode == 2 and is_clean(done.stderr), arguments


def test_a_secret_may_come_from_the_environment(
    run_here: Run, color_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_LOGIN", "admin:S3cret")
    address = "rtsp://${CAMERA_LOGIN}@127.0.0.1:9/live"
    assert fill_in_environment(address) == "rtsp://admin:S3cret@127.0.0.1:9/live"
    (tmp_path / "f.toml").write_text(f"[sources]\nvideo = '{address}'\n[words]\nclasses = 'sky'\n")
    flags = ("--reconnect-timeout", 0.3, *ENGINE, "--bundle", color_bundle)
    done = run_here("--config", tmp_path / "f.toml", *flags)
    assert done.returncode == 3 and is_clean(done.stderr) and "127.0.0.1:9" in done.stderr
    with pytest.raises(UserError, match=r"--gstreamer .*NO_SUCH_NAME"):
        fill_in_environment("rtspsrc user-pw=${NO_SUCH_NAME} ! fakesink", "--gstreamer")
    with pytest.raises(UserError, match="NO_SUCH_NAME"):
        fill_in_environment("rtsp://${NO_SUCH_NAME}@host")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux")
def test_the_list_of_processes_shows_no_secret(start_cli, color_bundle: Path) -> None:
    process = start_cli(
        "--classes", "sky", "--video", ADDRESSES[0], "--reconnect-timeout", 60, "--quiet",
        *ENGINE, "--bundle", color_bundle,
    )  # fmt: skip
    listed = b"S3cret"
    while b"S3cret" in listed or b"--video" not in listed:
        assert process.poll() is None
        listed = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        time.sleep(0.05)
    assert b"--reconnect-timeout" in listed
    os.kill(process.pid, 15)
    process.wait(60)


@pytest.mark.parametrize("login", ["${CAMERA_LOGIN}", "${USER_NAME}:${PASSWORD}"])
def test_a_login_that_names_variables_is_printed(login: str, run_here: Run) -> None:
    address = f"rtsp://{login}@10.0.0.2/stream"
    printed = run_here("--classes", "sky", "--video", address, "--print-config").stdout
    assert f'video = "{address}"' in printed and "***" not in printed
    address = f"rtsp://{login}@10.0.0.2/stream?password=S3cret"
    printed = run_here("--classes", "sky", "--video", address, "--print-config").stdout
    assert is_clean(printed)
