"""The Triton client against a double of the server in a process of its own, over real gRPC."""

from __future__ import annotations

import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.targets.triton import write_repository
from runtime.backends.protocol import TensorSpec
from runtime.bundle import Bundle
from runtime.cli import main as mgca_rt
from runtime.errors import MgcaError
from runtime.segment.frames import PreparedFrame
from runtime.segment.model import Model
from tests.support import bundle as hand_made
from tests.support.image_folder import write_images
from tests.support.processes import LIMIT_S, REPOSITORY, command_environment, started_processes

pytestmark = pytest.mark.slow
SCRIPT = REPOSITORY / "deploy" / "triton_client.py"
Client = Callable[..., int]


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
    """The script's ``main``, in this process."""
    main = runpy.run_path(str(SCRIPT))["main"]
    return lambda *words: main([str(word) for word in words])


def test_labels_and_overlay_are_those_of_this_machine(
    served: tuple[str, Bundle, Path], tmp_path: Path
) -> None:
    address, bundle, frames = served
    words = ["--images", str(frames), "--bundle", str(bundle.path), "--classes", "red"]
    words += ["--background", "blue"]
    there, here = tmp_path / "there", tmp_path / "here"
    outputs = ["--label-dir", there, "--out", tmp_path / "all.mp4", "--report", tmp_path / "r.json"]
    command = [sys.executable, SCRIPT, "--server", address, *words, *outputs]
    done = subprocess.run(
        list(map(str, command)),
        env=command_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert mgca_rt([*words, "--label-dir", str(here), "--backend", "onnxruntime-cpu"]) == 0
    names = sorted(path.name for path in here.glob("*.png"))
    assert names == ["0.png", "1.png", "2.png"]
    labels = np.stack([cv2.imread(str(here / name), cv2.IMREAD_UNCHANGED) for name in names])
    assert set(np.unique(labels)) >= {0, 255}
    for name, expected in zip(names, labels, strict=True):
        found = cv2.imread(str(there / name), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, expected)
    report = (tmp_path / "r.json").read_text()
    assert '"triton"' in report and f"onnxruntime_onnx at {address}" in report
    assert cv2.VideoCapture(str(tmp_path / "all.mp4")).read()[0]


def test_a_server_of_another_bundle_is_refused(
    served: tuple[str, Bundle, Path],
    client: Client,
    make_bundle: Callable[..., Bundle],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same tensors, other weights or words: its scores would be taken for this bundle's."""
    address, bundle, frames = served
    other = make_bundle(model_id="other")
    words = ["--server", address, "--images", frames, "--classes", "red", "--bundle", other.path]
    for more, says in (
        ([], f"serves no model of the bundle {other.id} (it has colors-fp32, colors-fp32-text)"),
        (["--model", "colors-fp32"], f"is of the bundle {bundle.id}"),
        (["--model", "absent"], "'absent' is not found"),
    ):
        assert client(*words, *more) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert says in line


def test_what_the_server_does_not_take_is_one_line(served: tuple[str, Bundle, Path]) -> None:
    """The double refuses what Triton would: here another size than the configuration says."""
    address, bundle, _ = served
    parts = runpy.run_path(str(SCRIPT))
    backend = parts["TritonBackend"](parts["Server"](address, None, 30.0), bundle)
    with Model(bundle, backend) as model:
        queries = model.prepare_queries("red", "none")
        backend.inputs = {**backend.inputs, "frame": TensorSpec("uint8", (1, "h", "w", 3))}
        frame = PreparedFrame(np.zeros((1, 9, 9, 3), np.uint8), (9, 9))
        with pytest.raises(MgcaError, match=f"{address}: .*unexpected shape for input 'frame'"):
            model.score(frame, queries, "pixel")


def test_no_server_is_one_line(
    served: tuple[str, Bundle, Path], client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bundle, frames = served
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        words = ["--images", frames, "--classes", "red", "--bundle", bundle.path]
        assert client("--server", address, *words) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--server {address}" in line
    assert client("--classes", "red") == 2
    assert "--server" in capsys.readouterr().err
