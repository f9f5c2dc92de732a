"""The Triton client against a double of the server in a process of its own, over real gRPC."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.targets.triton import write_repository
from runtime.bundle import Bundle
from runtime.cli import main as mgca_rt
from tests.support import bundle as hand_made
from tests.support.image_folder import write_images
from tests.support.processes import LIMIT_S, REPOSITORY, command_environment, started_processes

Client = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Bundle, Path]]:
    """Address of a server that serves a bundle, the bundle, and a folder of images."""
    folder = tmp_path_factory.mktemp("triton")
    bundle = hand_made.write_hand_made_bundle(folder / "bundle")
    write_repository(folder / "models", bundle)
    (folder / "frames").mkdir()
    write_images(folder / "frames", 3)
    with started_processes() as start:
        server = start(
            [sys.executable, "-m", "tests.support.triton_server", folder / "models"],
            cwd=REPOSITORY,
            env=command_environment(),
            stderr=subprocess.DEVNULL,
        )
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        assert port.isdecimal(), "the server did not start"
        yield f"127.0.0.1:{port}", bundle, folder / "frames"


@pytest.fixture
def client() -> Client:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, REPOSITORY / "deploy" / "triton_client.py", *arguments]
        return subprocess.run(
            list(map(str, command)),
            env=command_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    return run


def test_labels_and_overlay_are_those_of_this_machine(
    served: tuple[str, Bundle, Path], client: Client, tmp_path: Path
) -> None:
    address, bundle, frames = served
    words = ["--images", str(frames), "--bundle", str(bundle.path), "--classes", "red,bus"]
    words += ["--background", "blue,green"]
    there, here = tmp_path / "there", tmp_path / "here"
    done = client(
        "--server", address, *words, "--label-dir", there, "--out", tmp_path / "overlay.mp4",
        "--report", tmp_path / "report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert mgca_rt([*words, "--label-dir", str(here), "--backend", "onnxruntime-cpu"]) == 0
    names = sorted(path.name for path in here.glob("*.png"))
    assert names == ["0.png", "1.png", "2.png"]
    for name in names:
        labels = cv2.imread(str(here / name), cv2.IMREAD_UNCHANGED)
        assert len(np.unique(labels)) > 1
        np.testing.assert_array_equal(cv2.imread(str(there / name), cv2.IMREAD_UNCHANGED), labels)
    report = (tmp_path / "report.json").read_text()
    assert '"triton"' in report and f"onnxruntime_onnx at {address}" in report
    video = cv2.VideoCapture(str(tmp_path / "overlay.mp4"))
    assert video.read()[0]


def test_a_server_of_another_bundle_is_refused(
    served: tuple[str, Bundle, Path], client: Client, make_bundle: Callable[..., Bundle]
) -> None:
    """The same tensors, other weights or words: its scores would be taken for this bundle's."""
    address, bundle, frames = served
    other = make_bundle(model_id="other")
    words = ["--server", address, "--images", frames, "--classes", "red", "--bundle", other.path]
    done = client(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert f"serves no model of the bundle {other.id}" in done.stderr
    assert "colors-fp32" in done.stderr and "Traceback" not in done.stderr
    done = client(*words, "--model", "colors-fp32")
    assert done.returncode == 2 and f"is of the bundle {bundle.id}" in done.stderr
    done = client(*words, "--model", "absent")
    assert done.returncode == 2 and "'absent' is not found" in done.stderr


def test_no_server_is_one_line(served: tuple[str, Bundle, Path], client: Client) -> None:
    _, bundle, frames = served
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = client(
            "--server", address, "--images", frames, "--classes", "red", "--bundle", bundle.path
        )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"--server {address}" in line


def test_own_flags_are_checked(client: Client) -> None:
    done = client("--classes", "red")
    assert done.returncode == 2 and "--server" in done.stderr
