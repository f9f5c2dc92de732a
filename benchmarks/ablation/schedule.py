"""Goes through all (row, seed) pairs, in this process or in several, and reads what they left."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.ablation.bench import Bench
from benchmarks.ablation.folder import read_record
from benchmarks.ablation.plan import Plan
from benchmarks.ablation.rows import Row, full_row
from training.engine.allocator import keep_freed_memory


@dataclass(frozen=True)
class Task:
    """One (row, seed); ``sensitivity``: the adaptive units' settings are varied as well."""

    row: Row
    seed: int
    sensitivity: bool


def list_tasks(rows: tuple[Row, ...], seeds: int) -> list[Task]:
    """Seed by seed, so that an unfinished table holds whole pairs; untrained rows once."""
    full = full_row(rows)
    return [
        Task(row, seed, seed == 0 and row is full)
        for seed in range(seeds)
        for row in rows
        if row.trained or seed == 0
    ]


def run_tasks(bench: Bench, tasks: Sequence[Task], jobs: int, threads: int | None) -> None:
    """Do what is not done yet, ``jobs`` at a time with ``threads`` torch threads each.

    None: torch's own number, which heeds ``OMP_NUM_THREADS``, shared among the jobs. More threads
    than free cores cost many times the arithmetic: they wait for each other, and spin.
    """
    threads = threads or max(1, torch.get_num_threads() // jobs)
    waiting = [task for task in tasks if not _is_done(bench, task)]
    if any(task.row.trained for task in waiting):
        bench.prepare()  # once, before several processes would
    bar = tqdm(
        total=len(tasks), initial=len(tasks) - len(waiting), desc="rows x seeds", disable=None
    )
    with bar:
        if jobs == 1 or len(waiting) < 2:
            _start_process(bench.plan, threads, bench)
            for task in waiting:
                _do(task, show_progress=True)
                bar.update()
            return
        start = (bench.plan, threads)
        with ProcessPoolExecutor(jobs, get_context("spawn"), _start_process, start) as pool:
            futures = [pool.submit(_do, task) for task in waiting]
            try:
                for future in as_completed(futures):
                    future.result()
                    bar.update()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in active_children():  # else leaving would wait for their trainings
                    process.terminate()
                raise


def read_results(bench: Bench, tasks: Sequence[Task]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Records by dataset and row, in the order of the seeds; the training's under "training"."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {"training": {}}
    for task in tasks:
        folder = bench.trial_folder(task.row, task.seed)
        files = {"training": folder / "training.json"} if task.row.trained else {}
        for dataset in bench.plan.datasets:
            files[dataset] = bench.result_file(task.row, task.seed, dataset, task.sensitivity)
        for name, path in files.items():
            record = read_record(path)
            if record is not None:
                found.setdefault(name, {}).setdefault(task.row.name, []).append(record)
    return found


def _is_done(bench: Bench, task: Task) -> bool:
    return all(
        bench.result_file(task.row, task.seed, dataset, task.sensitivity).is_file()
        for dataset in bench.plan.datasets
    )


_benches: list[Bench] = []  # of this process


def _start_process(plan: Plan, threads: int, bench: Bench | None = None) -> None:
    if bench is None:  # a worker: the process above it says what an interruption means
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    logging.getLogger().setLevel(logging.ERROR)
    torch.set_num_threads(threads)
    _benches[:] = [bench or Bench(plan)]


def _do(task: Task, *, show_progress: bool = False) -> None:
    (bench,) = _benches
    bench.train(task.row, task.seed, show_progress=show_progress)
    for dataset in bench.plan.datasets:
        bench.evaluate(task.row, task.seed, dataset, sensitivity=task.sensitivity)
