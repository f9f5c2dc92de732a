"""The fuzzer itself: it draws what it says, sees what it must, and our readers stand it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("onnx")
if not sys.platform.startswith("linux"):
    pytest.skip("limits and watches are Linux's own", allow_module_level=True)

from benchmarks.hostile_bundles.corpus import SeedBundle, read_corpus
from benchmarks.hostile_bundles.json_mutations import nested, room_for_depth, to_bytes
from benchmarks.hostile_bundles.mutant import PARTS, draw_mutant, write_mutant
from benchmarks.hostile_bundles.trial import End, try_bundle
from benchmarks.hostile_bundles.watch import FolderWatch
from benchmarks.hostile_bundles.worker import Limits, Outcome, run_apart
from runtime.bundle import TOKENIZER_FILE, VOCABULARY_FILE, load_bundle
from runtime.bundle.bounded_json import read_json
from runtime.bundle.tensor_file import check_tensor_file
from runtime.errors import BundleError
from runtime.text.tokenizer_file import check_tokenizer

CACHE = {"engines/a.json": b'{"format": 1}'}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[SeedBundle]:
    return [
        one for one in read_corpus(tmp_path_factory.mktemp("corpus")) if one.name.startswith("tiny")
    ]


def mutants(corpus: list[SeedBundle], seed: int, count: int) -> list:
    caches = {one.name: CACHE for one in corpus}
    return [
        draw_mutant(seed, number, corpus, caches, "/nowhere", openvino=False)
        for number in range(count)
    ]


def test_a_seed_gives_the_same_mutants(corpus: list[SeedBundle]) -> None:
    first, again, other = mutants(corpus, 1, 20), mutants(corpus, 1, 20), mutants(corpus, 2, 20)
    assert first == again != other
    assert len({one.part for one in first}) > 3
    for mutant in first:
        changed = {n for n, data in mutant.files.items() if data != mutant.origin.files[n]}
        assert changed - {"manifest.json"} <= {mutant.part}


def test_our_own_readers_stand_a_few_dozen(corpus: list[SeedBundle], tmp_path: Path) -> None:
    """Only readers of ours see these: no engine, no library in another language."""
    ends: Counter[str] = Counter()
    for mutant in mutants(corpus, 3, 48):
        folder = tmp_path / str(mutant.number)
        write_mutant(mutant, folder, tmp_path / "cache")
        try:
            load_bundle(folder).id.encode("utf-8", "surrogatepass")
            check_tensor_file(folder / VOCABULARY_FILE)
            check_tokenizer(read_json((folder / TOKENIZER_FILE).read_bytes()))
            ends["read"] += 1
        except BundleError:
            ends["refused"] += 1
        except ValueError:  # what the two readers at the end say, which others make a BundleError
            assert mutant.part in (VOCABULARY_FILE, TOKENIZER_FILE)
            ends["refused"] += 1
    assert ends["read"] > 0 < ends["refused"]


def test_a_good_bundle_runs(
    corpus: list[SeedBundle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path))
    for origin in corpus:
        assert try_bundle(origin.folder, "onnxruntime-cpu") == End("ran")
    assert try_bundle(tmp_path / "none", "onnxruntime-cpu").kind == "refused"


def apart(trial, tmp_path: Path, seconds: float = 20.0) -> Outcome:
    return run_apart(trial, Limits(64, seconds), tmp_path / "output.txt")


def test_a_worker_tells_how_it_ended(tmp_path: Path) -> None:
    def die() -> End:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError

    def leave() -> End:
        os._exit(3)

    def fill() -> End:
        try:
            return End("ran", str(len(bytearray(1 << 30))))
        except MemoryError:
            return End("over memory")

    assert apart(lambda: End("ran", "well"), tmp_path).end == End("ran", "well")
    assert apart(die, tmp_path).end == End("crash", "SIGTERM")
    assert apart(leave, tmp_path).end.kind == "crash"
    assert apart(fill, tmp_path).end == End("over memory")


def test_a_worker_that_waits_is_ended(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    ended = apart(lambda: End("ran", str(os.read(reader, 1))), tmp_path, 0.03)
    os.close(reader)
    os.close(writer)
    assert ended.end == End("over time", "more than 0.3 s")


def test_a_watched_folder_tells_who_touched_it(tmp_path: Path) -> None:
    secret, place = tmp_path / "secret", tmp_path / "place"
    for folder in (secret, place):
        folder.mkdir()
        (folder / "file").write_text("a")
    watch = FolderWatch({secret: True, place: False})
    (place / "file").read_text()
    assert watch.events() == []
    (secret / "file").read_text()
    (place / "new").touch()
    assert watch.events() == [str(secret / "file"), str(place / "new")]
    assert watch.events() == []
    watch.close()


@pytest.mark.slow
def test_some_hundred_mutants_end_well(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    command = [sys.executable, "-m", "benchmarks.hostile_bundles", "--mutants", "300"]
    done = subprocess.run(
        [*command, "--seed", "7", "--json", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads(path.read_text())
    assert record["findings"] == [] and record["by_part"].keys() == PARTS.keys()
    assert record["ends"]["refused"] > 100 and record["ends"]["ran"] > 20
    assert sum(record["ends"].values()) == record["mutants"] == 300


def test_values_that_two_changes_nest_are_written() -> None:
    usual = sys.getrecursionlimit()
    with room_for_depth():
        text = to_bytes(nested(2 * usual, as_list=True))
    assert text.count(b"[") == text.count(b"]") == 2 * usual
    assert sys.getrecursionlimit() == usual
