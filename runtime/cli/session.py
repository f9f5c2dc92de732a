"""One run of ``mgca-rt``: what the config asks for is checked, opened, run, closed and told."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from runtime.cli.config import RunningConfig, SessionConfig, WordsConfig
from runtime.cli.opening import (
    build_source,
    describe_facts,
    fill_in_demo,
    load_model,
    make_gate,
    make_segmenter,
    make_smoother,
    read_classes,
)
from runtime.cli.progress import Progress
from runtime.cli.report import describe_run, describe_stream, print_all
from runtime.cli.reread import HangupListener, reread_words
from runtime.cli.signals import StopSignals
from runtime.cli.streams import each_stream
from runtime.command import INTERRUPTED
from runtime.demo import DEMO_BUNDLE
from runtime.errors import MgcaError, UserError, describe_error
from runtime.heap import limit_arenas
from runtime.sinks.base import Sink
from runtime.sinks.claims import Claims
from runtime.sinks.registry import build_sinks
from runtime.sources import Source
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream

if TYPE_CHECKING:
    from runtime.segment.model import Model

__all__ = ["run_session"]

log = logging.getLogger("mgca.session")


@dataclass
class _Part:
    """One stream of a run on its way from its config to a :class:`Stream`."""

    name: str
    config: SessionConfig
    class_list: list[str]
    source: Source
    sinks: list[Sink]


def run_session(
    config: SessionConfig,
    stopping: StopSignals,
    config_file: str | None = None,
    command: str = "",
    reread: Callable[[], SessionConfig] | None = None,
    open_model: Callable[[RunningConfig], Model] | None = None,
) -> int:
    """Run one session.

    Args:
        config: what to do.
        stopping: the signals that end it.
        config_file: the file that filled the config, which no output may replace.
        command: the command line, without secrets, for the outputs' records.
        reread: reads flags and file again, for SIGHUP; None where that ends the run.
        open_model: opens what the frames are run on; None: the bundle on this machine.

    Returns:
        The exit code.

    Raises:
        MgcaError: what went wrong.
    """
    limit_arenas()
    with ExitStack() as stack:
        config = fill_in_demo(config)
        if reread is not None and _may_be_read_again(config, config_file):
            stopping.hangup = threading.Event()
        shared = [sink for sink in build_sinks(config.outputs.sinks) if sink.of_session]
        parts = [_plan(name, one, stack) for name, one in each_stream(config)]
        _check_outputs(config, parts, shared, config_file, stack)
        for part in parts:
            part.source.open()
        model = stack.enter_context((open_model or load_model)(config.running))
        streams = [_make_stream(part, model, command, len(parts) > 1) for part in parts]
        return _run_pipeline(config, stopping, streams, shared, reread)


def _plan(name: str, config: SessionConfig, stack: ExitStack) -> _Part:
    """A stream's parts that need no model, nothing opened yet."""
    class_list = read_classes(config.words)
    source = build_source(config.sources)
    stack.callback(source.close)
    sinks = [sink for sink in build_sinks(config.outputs.sinks) if not sink.of_session]
    return _Part(name, config, class_list, source, sinks)


def _check_outputs(
    config: SessionConfig,
    parts: Sequence[_Part],
    shared: Sequence[Sink],
    config_file: str | None,
    stack: ExitStack,
) -> None:
    """Let every sink claim what it will write; no stream may write to another's inputs."""
    claims = claim_inputs(config, parts, config_file)
    for part in parts:
        own = claims.of_stream(part.source, part.class_list)
        for sink in part.sinks:
            stack.callback(sink.interrupt)
            sink.check(own)
    for sink in shared:
        stack.callback(sink.interrupt)
        sink.check(claims)


def _make_stream(part: _Part, model: Model, command: str, several: bool) -> Stream:
    """A stream that is ready to run, its sinks prepared."""
    config = part.config
    segmenter = make_segmenter(model, config.words, part.class_list, config.sources)
    segmenter.motion_gate = make_gate(config.sources.skip_still, part.source)
    segmenter.smoother = make_smoother(config.sources.smooth, part.source)
    facts = replace(describe_facts(segmenter, command), stream=part.name, several=several)
    for sink in part.sinks:
        sink.prepare(facts)
    return Stream(
        part.source,
        segmenter,
        part.sinks,
        name=part.name,
        every=config.sources.every,
        max_frames=config.sources.max_frames,
        strict=config.running.strict,
    )


def _run_pipeline(
    config: SessionConfig,
    stopping: StopSignals,
    streams: Sequence[Stream],
    shared: Sequence[Sink],
    reread: Callable[[], SessionConfig] | None,
) -> int:
    started_at = time.time()
    progress = Progress(streams, quiet=config.running.quiet)
    for stream in streams:
        stream.on_frame = progress.update
    pipeline = Pipeline(
        streams, stop=stopping.event, strict=config.running.strict, on_wait=progress.beat
    )
    failure: BaseException | None = None
    stopping.graceful = True

    def reread_all() -> None:
        assert reread is not None
        for stream in streams:
            reread_words(stream, partial(_read_words_again, reread, stream.name))

    try:
        with HangupListener(stopping.hangup, reread_all):
            pipeline.run()
    except BaseException as error:
        failure = error
    progress.close()
    _conclude(config, streams, shared, failure, stopping.event.is_set(), started_at)
    code = INTERRUPTED if stopping.event.is_set() else 0
    if not pipeline.capture_ended:
        leave_at_once(code)
    return code


def _may_be_read_again(config: SessionConfig, config_file: str | None) -> bool:
    """Whether words stand in a file, which may say others later."""
    streams = [one for _, one in each_stream(config)]
    return bool(config_file or any(one.words.classes_file for one in streams))


def _read_words_again(
    reread: Callable[[], SessionConfig], name: str
) -> tuple[WordsConfig, list[str]]:
    """The words that a stream's files say now; raises ``UserError``."""
    for other, one in each_stream(fill_in_demo(reread())):
        if other == name:
            return one.words, read_classes(one.words)
    raise UserError(f"the files name no stream {name} any more")


def _conclude(
    config: SessionConfig,
    streams: Sequence[Stream],
    shared: Sequence[Sink],
    failure: BaseException | None,
    interrupted: bool,
    started_at: float,
) -> None:
    """Write the report and the summary of a run that is over, then raise what went wrong in it."""
    for stream in streams:
        for rivalry in stream.rivals.rivalries(stream.segmenter.class_names):
            log.warning("%s", rivalry.describe())
    lost = _describe_lost_output(streams)
    configs = [one for _, one in each_stream(config)]
    records = [
        describe_stream(one, stream, interrupted, failure if len(streams) == 1 else None)
        for one, stream in zip(configs, streams, strict=True)
    ]
    status = "failed" if failure or lost else "interrupted" if interrupted else "done"
    record = describe_run(records, status, failure or lost, started_at)
    # A run that failed before its first frame has nothing to report: an older report stays.
    if failure is None or any(stream.statistics.frames_processed for stream in streams):
        for stream, one in zip(streams, records, strict=True):
            lost = _finish(stream.sinks, record | one) or lost
        lost = _finish(shared, record) or lost
    if failure is not None:
        raise failure
    if not config.running.quiet:
        sinks = [sink for stream in streams for sink in stream.sinks]
        to_stderr = any(sink.uses_stdout for sink in [*sinks, *shared])
        file = sys.stderr if to_stderr else sys.stdout
        print_all(record, records, [stream.sinks for stream in streams], shared, file)
    if lost is not None:
        raise lost


def _describe_lost_output(streams: Sequence[Stream]) -> MgcaError | None:
    """The error of a run that went on without outputs that failed, None if all are whole."""
    workers = [worker for stream in streams for worker in stream.workers]
    errors = [worker.error for worker in workers if worker.error is not None]
    if not errors:
        return None
    error = MgcaError(f"an output lost data: {'; '.join(map(describe_error, errors))}")
    error.__cause__ = errors[0]
    return error


def _finish(sinks: Sequence[Sink], record: dict[str, Any]) -> MgcaError | None:
    """Give every sink the run's record, whatever happens; the first failure of all."""
    first: MgcaError | None = None
    for sink in sinks:
        try:
            sink.finish(record)
        except Exception as error:
            failure = error if isinstance(error, MgcaError) else MgcaError(describe_error(error))
            first = first or failure
    return first


def claim_inputs(config: SessionConfig, parts: Sequence[_Part], config_file: str | None) -> Claims:
    """The files that the run reads, to which no sink may write."""
    inputs = [path for part in parts for path in part.source.input_paths()]
    files = [config_file, *(part.config.words.classes_file for part in parts)]
    bundle = config.running.bundle or DEMO_BUNDLE
    return Claims([*inputs, *(path for path in files if path is not None)], bundle)


def leave_at_once(code: int) -> None:
    """End the process although a thread hangs in a read; everything has been written."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)
