"""Ray: a cluster or a Ray of this machine, and the data set whose rows are labelled on it."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from runtime.archive.extra import need
from runtime.archive.job import Job, PoolConfig
from runtime.archive.videos import Video
from runtime.archive.worker import ArchiveWorker, cut_video
from runtime.errors import UserError

#: Of this machine's memory, for Ray's own objects: rows of text alone go through it.
OBJECT_STORE_BYTES = 128 << 20
#: Of a processor: reading packets to cut a video waits for the disk.
CUT_CPUS = 0.25
#: Seconds for a connection to a cluster's head.
KNOCK_S = 10.0
#: Of the list of videos: Ray keeps account of each block.
MOST_BLOCKS = 10_000

__all__ = ["count_workers", "label_rows", "ray_running"]


@contextmanager
def ray_running(pool: PoolConfig, threads: int, debug: bool) -> Iterator[None]:
    """Ray for the block: the cluster at the address, else one of this machine, ended with it.

    Args:
        pool: the address, and how much of this machine is wanted.
        threads: processors of each worker.
        debug: show what Ray and its workers log.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """
    need("ray", "pyarrow", "pandas")
    # A Ray of this machine would run its workers at niceness 15, behind all other programs.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # Read when Ray is imported. Nothing about a run is sent to anybody.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error" if debug else "fatal")
    level = logging.INFO if debug else logging.ERROR
    import ray.data

    if not debug:  # its log files have it all
        warnings.filterwarnings("ignore", module="ray.data")
        for handler in logging.getLogger("ray.data").handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setLevel(logging.CRITICAL)
    how: dict[str, Any] = {"logging_level": level, "log_to_driver": debug}
    address = pool.address or os.environ.get("RAY_ADDRESS")
    if address is not None:
        _knock_at(address)
        how["address"] = address
    else:
        # Room for the cutting beside the workers.
        processors = max(os.cpu_count() or 1, (pool.workers or 1) * threads) + 1
        how |= {"num_cpus": processors, "include_dashboard": False}
        how["object_store_memory"] = OBJECT_STORE_BYTES
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**how)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"no Ray at {address or 'this machine'} ({error})") from None
    try:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray has put its own in place
        yield
    finally:
        ray.shutdown()


def _knock_at(address: str) -> None:
    """See that somebody listens there: Ray itself goes on trying for more than five minutes.

    Raises:
        UserError: nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # auto, local, or what Ray itself refuses at once
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_S):
            pass
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"no Ray at {address} ({reason}); give the address of a running one (--address), or "
            "start it: ray start --head"
        ) from None


def count_workers(pool: PoolConfig, threads: int) -> int:
    """How many workers to start: as asked for, else as many as the cluster holds.

    Raises:
        UserError: it does not hold one.
    """
    import ray

    has = ray.cluster_resources()
    local = pool.address is None and "RAY_ADDRESS" not in os.environ
    processors = has.get("CPU", 0) - (1 if local else 0)
    fits = int(processors // threads)
    if pool.gpus_per_worker:
        fits = min(fits, int(has.get("GPU", 0) / pool.gpus_per_worker + 1e-6))
    # A cluster may grow to what is asked for.
    if (local or pool.workers is None) and fits < (pool.workers or 1):
        raise UserError(
            f"--workers {pool.workers or 1} of {threads} processors and {pool.gpus_per_worker:g} "
            f"GPUs do not fit: Ray has {processors:g} processors and {has.get('GPU', 0):g} GPUs; "
            "ask for less, or for more nodes"
        )
    return pool.workers or fits


def label_rows(
    job: Job, pool: PoolConfig, workers: int, videos: Sequence[Video]
) -> Iterator[dict[str, Any]]:
    """Cut and label videos; gives each row's record (see :meth:`ArchiveWorker.label_row`).

    A worker that dies is replaced, and its row is given to another, up to ``retries`` times; a row
    after that gives nothing.
    """
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # what killed its workers is told of with the failures
    context.execution_options.preserve_order = False
    rows = [{"video": json.dumps(video.record())} for video in videos]
    cut = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).flat_map(
        cut_video, fn_kwargs={"job": job}, num_cpus=CUT_CPUS
    )
    with warnings.catch_warnings():
        # Ray 2.60 would rather have these two named, and has no names for them.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        labelled = cut.repartition(target_num_rows_per_block=1).map_batches(
            ArchiveWorker,
            fn_constructor_args=[job],
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1),
            num_cpus=job.model.threads,
            num_gpus=pool.gpus_per_worker or None,
            max_restarts=-1,
            max_task_retries=pool.retries,
        )
    for row in labelled.iter_rows():
        yield json.loads(row["record"])
