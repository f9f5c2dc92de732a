"""Who may do what: tokens, cookies, host names, other sites, bodies, sharing, the end."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime import Model
from runtime.errors import UserError
from runtime.redaction import redact
from runtime.sinks.serve import REQUIREMENTS, LivePage
from tests.support.live_page import TOKEN, Serving, serve_streams
from tests.support.processes import ENGINE, Run
from tests.support.streams import LONG_S, wait_until

httpx = pytest.importorskip("httpx")
pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

YARD = "/api/streams/yard"


@pytest.fixture(scope="module")
def guarded(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,car"}, token=TOKEN) as serving:
        yield serving


@pytest.fixture(scope="module")
def open_one(page_model: Model) -> Iterator[Serving]:
    with serve_streams(page_model, {"yard": "sky,car"}) as serving:
        yield serving


@pytest.fixture
def client(guarded: Serving) -> Iterator[Any]:
    with httpx.Client(base_url=guarded.url, timeout=20) as client:
        yield client


# Tokens -----------------------------------------------------------------------------------------


def test_nothing_of_the_streams_is_told_without_the_token(client: Any) -> None:
    document = client.get("/api/openapi.json", headers={"authorization": f"Bearer {TOKEN}"}).json()
    closed = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation.get("security") == []:
                continue
            url = path.format(name="yard", number=1)
            sent = None if method == "get" else {}
            assert client.request(method, url, json=sent).status_code == 401, path
            closed += 1
    assert closed >= 15
    for path in ("/healthz", "/readyz", "/", "/app.js"):
        assert client.get(path).status_code == 200


def test_a_bearer_and_a_cookie_open_it(client: Any) -> None:
    assert client.get(YARD, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.post("/api/login", json={"token": "wrong"}).status_code == 401
    assert client.get(YARD).status_code == 401
    login = client.post("/api/login", json={"token": TOKEN})
    cookie = login.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
    assert client.get(YARD).status_code == 200
    assert client.post("/api/logout", json={}).status_code == 200
    assert client.get(YARD).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": b"Bearer \xff"},
        {"cookie": "mgca_0=x; =;;"},
        {"cookie": f"mgca={TOKEN}"},
    ],
)
def test_what_is_nearly_the_token_is_not(client: Any, headers: dict[str, Any]) -> None:
    assert client.get(YARD, headers=headers).status_code == 401


def test_a_token_is_demanded_where_others_can_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MGCA_TOKEN", raising=False)
    for host in ("0.0.0.0", "[::]", "192.0.2.1", "camera.local"):
        with pytest.raises(UserError, match="needs a token: set MGCA_TOKEN or --serve-token"):
            LivePage.from_options(LivePage.Options(serve=f"{host}:8080"))
    monkeypatch.setenv("MGCA_TOKEN", TOKEN)
    assert LivePage.from_options(LivePage.Options(serve="0.0.0.0:8080")) is not None
    monkeypatch.setenv("PAGE", "short")
    with pytest.raises(UserError, match="PAGE: expected a token of 6 letters, digits"):
        LivePage.from_options(LivePage.Options(serve="0.0.0.0:80", serve_token="${PAGE}"))
    with pytest.raises(UserError, match="the environment variable NONE is not set"):
        LivePage.from_options(LivePage.Options(serve="0.0.0.0:80", serve_token="${NONE}"))
    with pytest.raises(UserError, match="without --serve HOST:PORT"):
        LivePage.from_options(LivePage.Options(serve_token=TOKEN))


def test_the_token_is_shown_nowhere(run_here: Run, color_bundle: Path, clip: Path) -> None:
    page = ("--serve", "127.0.0.1:0", "--serve-token", TOKEN)
    printed = run_here("--video", clip, "--classes", "car", *page, "--print-config")
    assert TOKEN not in printed.stdout and 'serve-token = "***"' in printed.stdout
    named = run_here("--serve", "127.0.0.1:0", "--serve-token", "${PAGE}", "--print-config")
    assert 'serve-token = "${PAGE}"' in named.stdout
    done = run_here(
        "--video", clip, "--bundle", color_bundle, *ENGINE, "--classes", "car", *page,
        "--report", "r.json", "--label-dir", "labels",
    )  # fmt: skip
    assert done.returncode == 0 and TOKEN not in done.stdout + done.stderr
    folder = Path.cwd()
    texts = [path.read_text() for path in folder.rglob("*.json")]
    assert len(texts) == 2 and TOKEN not in "".join(texts)
    outputs = json.loads((folder / "r.json").read_text())["outputs"]
    assert outputs["serve"]["frames"] >= 1 and outputs["serve"]["error"] is None
    assert redact(f"no {TOKEN} here") == "no *** here"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="hidden on Linux alone")
@pytest.mark.parametrize("flag", [("--serve-token", TOKEN), (f"--serve-token={TOKEN}",)])
def test_the_list_of_processes_does_not_show_the_token(
    start_cli: Callable[..., Any], color_bundle: Path, flag: tuple[str, ...]
) -> None:
    process = start_cli("--camera", 97, "--classes", "car", "--serve", "127.0.0.1:0", *flag)
    listed = Path(f"/proc/{process.pid}/cmdline")
    wait_until(lambda: b"***" in listed.read_bytes())
    assert TOKEN.encode() not in listed.read_bytes()
    process.kill()


# Other sites and names --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("localhost.evil.example", 421),
        ("10.0.0.1", 421),
        ("", 400),
    ],
)
def test_a_name_that_others_pointed_here_is_refused(
    open_one: Serving, guarded: Serving, host: str, status: int
) -> None:
    assert httpx.get(f"{open_one.url}api", headers={"host": host}).status_code == status
    if host:  # the token is the guard where there is one
        headers = {"host": host, "authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{guarded.url}api", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "SELF"}, 200),
        ({"origin": "SELF", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_another_site_changes_nothing(
    open_one: Serving, headers: dict[str, str], status: int
) -> None:
    own = open_one.url.strip("/")
    sent = {name: value.replace("SELF", own) for name, value in headers.items()}
    sent = {"content-type": "application/json", **sent}
    answer = httpx.put(f"{own}{YARD}/zones", content=b'{"zones": []}', headers=sent)
    assert answer.status_code == status


def test_another_site_embeds_nothing_and_no_page_frames_it(open_one: Serving) -> None:
    picture = f"{open_one.url.strip('/')}{YARD}/picture"
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert httpx.get(picture, headers=embedded).status_code == 403
    headers = httpx.get(open_one.url).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers and "access-control-allow-origin" not in headers


def test_a_long_body_without_a_length_is_cut_off(open_one: Serving) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield b'{"zones":[' + b" " * 4096

    kind = {"content-type": "application/json"}
    url = f"{open_one.url.strip('/')}{YARD}/zones"
    answer = httpx.put(url, content=parts(), headers=kind)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"PUT /api/streams/yard/zones HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"PUT /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_no_request_ends_alone(open_one: Serving, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", open_one.port), timeout=20) as connection:
        try:
            connection.sendall(raw)
            answer = connection.recv(200)
        except OSError:
            answer = b""
    assert answer == b"" or b" 4" in answer.splitlines()[0]
    assert httpx.get(f"{open_one.url}healthz").status_code == 200


# Sharing and ending -----------------------------------------------------------------------------


def test_streams_of_one_address_share_a_server_and_the_last_ends_it(page_model: Model) -> None:
    before = set(threading.enumerate())
    with serve_streams(page_model, {"yard": "car", "gate": "sky"}) as serving:
        names = [one["name"] for one in httpx.get(f"{serving.url}api/streams").json()["streams"]]
        assert names == ["yard", "gate"]
        serving.streams["yard"].stop()
        ending = threading.Thread(target=serving.streams["yard"].join, daemon=True)
        ending.start()
        ending.join(LONG_S)
        assert not ending.is_alive()
        states = httpx.get(f"{serving.url}api/streams").json()["streams"]
        assert [one["source"]["state"] for one in states] == ["ended", "running"]
        assert httpx.get(f"{serving.url}readyz").status_code == 200
        watching = httpx.stream("GET", f"{serving.url}api/streams/gate/video", timeout=20)
        with watching as answer:
            parts = answer.iter_raw()
            next(parts)
            serving.streams["gate"].stop()
            assert sum(1 for _ in parts) >= 0  # it comes to an end
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{serving.url}healthz")
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ("--serve 8080", "--serve 8080 is no address; expected HOST:PORT"),
        ("--serve 0.0.0.0:8080", "needs a token"),
        ("--serve TAKEN", "cannot be listened on"),
        ("--serve 127.0.0.1:0 --serve-token abc", "expected a token of 6 letters, digits"),
    ],
)
def test_what_is_wrong_is_told_before_any_frame(
    run_here: Run, clip: Path, monkeypatch: pytest.MonkeyPatch, flags: str, says: str
) -> None:
    monkeypatch.delenv("MGCA_TOKEN", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        flags = flags.replace("TAKEN", f"127.0.0.1:{taken.getsockname()[1]}")
        done = run_here("--video", clip, "--classes", "car", *flags.split(), "--jsonl", "a.jsonl")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr and not Path("a.jsonl").exists()


def test_a_run_that_fails_later_lets_go_of_the_address(run_here: Run, clip: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    page = ("--serve", f"127.0.0.1:{port}")
    done = run_here("--video", clip, "--classes", "car", *page, "--bundle", "nowhere")
    assert done.returncode == 2
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("library", ["uvicorn", "websockets"])
def test_a_missing_library_is_named_with_the_line_that_installs_it(
    run_here: Run, clip: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    for name in [*sys.modules]:
        if name.startswith("runtime.serve.server"):
            monkeypatch.delitem(sys.modules, name)
    done = run_here("--video", clip, "--classes", "car", "--serve", "127.0.0.1:0")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"needs {library}, which is not installed; pip install 'starlette>=" in done.stderr


@pytest.mark.lint
def test_the_line_is_the_extra_of_the_project(repository: Path) -> None:
    listed = (repository / "pyproject.toml").read_text().partition("\nserve = [")[2]
    assert re.findall(r'"([^"]+)"', listed.partition("\n]")[0]) == list(REQUIREMENTS)
