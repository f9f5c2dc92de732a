"""What else takes room in the cache: left-overs of a crash, and the provider's folders."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.backends.tensorrt.cache import EngineCache, EngineKey
from runtime.backends.tensorrt.cache.holdings import YOUNGEST_S, Holding, evict
from runtime.backends.tensorrt.cache.locking import hold_lock
from runtime.cli.cache import run_cache

KEY = EngineKey("ab" * 32, "11.4.0.106", "Orin", "8.7", "fp16", {"text": ((1, 8), (4, 8), (9, 8))})
TORN, PART = "1" * 32, "2" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MGCA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MGCA_CACHE_LIMIT", raising=False)
    return tmp_path / "cache" / "engines"


def put(path: Path, size: int, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    stamp = time.time() - age_s
    os.utime(path, (stamp, stamp))
    return path


def put_engine(cache: EngineCache, key: EngineKey, size: int, age_s: float = 0) -> Path:
    cache.obtain(key, lambda: (b"x" * size, {}))
    stamp = time.time() - age_s
    os.utime(cache.folder / f"{key.digest}.json", (stamp, stamp))
    return cache.folder / f"{key.digest}.plan"


def put_provider(cache: EngineCache, key: str, size: int, age_s: float) -> Path:
    made = cache.provider_folder(key)
    put(made / "graph.engine", size, age_s)
    stamp = time.time() - age_s
    os.utime(made, (stamp, stamp))
    return made


@pytest.mark.parametrize("unfinished", ["77.0a1b2c.part", "0a1b.partial"])
def test_what_a_crash_left_goes_before_any_engine(folder: Path, unfinished: str) -> None:
    cache = EngineCache(limit_bytes=250)
    # Younger than the engine in use, and yet it goes first: nothing can ever use it.
    engine = put_engine(cache, KEY, 100, age_s=9000)
    torn = put(folder / f"{TORN}.plan", 100, age_s=700)
    part = put(folder / f".{PART}.plan.{unfinished}", 40, age_s=800)
    put_engine(cache, replace(KEY, gpu="Thor"), 100)  # 340 bytes: 90 too many
    assert engine.exists() and not torn.exists() and not part.exists()


def test_an_unreadable_sidecar_is_as_good_as_none(folder: Path) -> None:
    cache = EngineCache(limit_bytes=150)
    torn = put(folder / f"{TORN}.plan", 100, age_s=700)
    sidecar = put(folder / f"{TORN}.json", 30, age_s=700)
    put_engine(cache, KEY, 100)
    assert not torn.exists() and not sidecar.exists()


def test_what_may_be_on_its_way_stays(folder: Path) -> None:
    cache = EngineCache(limit_bytes=0)
    young = put(folder / f"{TORN}.plan", 100, age_s=0)  # its sidecar may be written any moment
    held = put(folder / f"{PART}.plan", 100, age_s=99_999)
    with hold_lock(folder / f"{PART}.lock", wait_s=0):
        cache.make_room(keep="")
        assert young.exists() and held.exists()
        gone, kept = cache.clear()
        assert [one.name for one in gone] == [TORN] and [one.name for one in kept] == [PART]
        assert held.exists()
    cache.make_room(keep="")
    assert not held.exists()


def test_the_providers_folders_share_the_limit(folder: Path) -> None:
    cache = EngineCache(limit_bytes=250)
    old = put_provider(cache, "old", 100, age_s=9000)
    engine = put_engine(cache, KEY, 100, age_s=8000)
    recent = put_provider(cache, "recent", 100, age_s=7000)
    cache.make_room(keep="recent")
    assert not old.exists() and engine.exists() and recent.exists()
    cache.provider_folder("recent")  # used now
    EngineCache(limit_bytes=0).make_room(keep="")
    # ONNX Runtime may be building in a folder that was opened within the hour.
    assert not engine.exists() and recent.exists()
    assert cache.provider_root == folder.parent / "onnxruntime_tensorrt"


def test_eviction_by_hand() -> None:
    removed: list[str] = []

    def holding(name: str, size: int, used_at: float, can: bool = True) -> Holding:
        def remove() -> bool:
            removed.append(name)
            return can

        return Holding(name=name, kind="engine", size_bytes=size, used_at=used_at, remove=remove)

    held = [holding("c", 3, 30), holding("a", 5, 10, can=False), holding("b", 4, 20)]
    evict(held, 12, keep="")
    assert removed == []
    evict(held, 9, keep="")  # a cannot go, b can: 8 are left
    assert removed == ["a", "b"]
    removed.clear()
    evict(held, 0, keep="b")
    assert removed == ["a", "c"]
    assert YOUNGEST_S["engine"] == 0


def test_list_and_clear_name_and_count_all_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = EngineCache()
    mib = 1 << 20
    put_engine(cache, KEY, mib)
    put(folder / f"{TORN}.plan", 2 * mib, age_s=0)
    put_provider(cache, "somekey", 3 * mib, age_s=0)
    total = "1 engine and 1 left over and 1 of ONNX Runtime's provider, 6.0 MiB"
    assert run_cache(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"{TORN[:12]}       2.0 MiB  left over: no readable sidecar says what it is"
    assert lines[2] == "somekey       3.0 MiB  engines of ONNX Runtime's TensorRT provider"
    assert len(lines) == 4 and lines[3] == f"{total}, in {folder.parent}"
    assert run_cache(["list", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[0]["digest"] == KEY.digest
    assert records[1:] == [
        {"left_over": TORN, "bytes": 2 * mib},
        {"provider_folder": "somekey", "bytes": 3 * mib},
    ]
    with hold_lock(folder / f"{KEY.digest}.lock", wait_s=0):
        assert run_cache(["clear", "--json"]) == 0
    nothing = dict.fromkeys(("engines", "left_over", "provider_folders", "compiled_graphs"), 0)
    assert json.loads(capsys.readouterr().out) == {
        "removed": {**nothing, "left_over": 1, "provider_folders": 1, "bytes": 5 * mib},
        "kept": {**nothing, "engines": 1, "bytes": mib},
    }
    assert run_cache(["clear"]) == 0
    assert capsys.readouterr().out == f"removed 1 engine, 1.0 MiB, from {folder.parent}\n"
    assert [path for path in folder.parent.rglob("*") if path.is_file()] == []


def test_a_provider_folder_that_cannot_be_made_is_one_line(folder: Path) -> None:
    from runtime.errors import MgcaError

    folder.parent.mkdir()
    (folder.parent / "onnxruntime_tensorrt").write_bytes(b"")
    with pytest.raises(MgcaError, match=r"cannot be written .*set MGCA_CACHE"):
        EngineCache().provider_folder("x")


@pytest.mark.parametrize(("age_s", "goes"), [(-9000.0, True), (-300.0, False), (300.0, False)])
def test_what_is_of_the_future_is_not_young_for_ever(age_s: float, goes: bool) -> None:
    """The clock has gone back since it was written."""
    removed: list[str] = []
    one = Holding(
        name="a", kind="left over", size_bytes=100, used_at=time.time() - age_s,
        remove=lambda: bool(removed.append("a")) or True,
    )  # fmt: skip
    engine = replace(one, name="b", kind="engine", remove=lambda: bool(removed.append("b")) or True)
    evict([one, engine], 0, keep="")
    assert removed == (["a", "b"] if goes else ["b"])
