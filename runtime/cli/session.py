"""One run of ``mgca-rt``: what the config asks for is checked, opened, run, closed and told."""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from runtime.cli.config import (
    RunningConfig,
    SessionConfig,
    SourcesConfig,
    WordsConfig,
    merge_config,
)
from runtime.cli.progress import Progress
from runtime.cli.report import describe_run, print_summary
from runtime.cli.signals import StopSignals
from runtime.command import INTERRUPTED
from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES, DEMO_VIDEO_NAME, demo_clip
from runtime.errors import MgcaError, UserError, describe_error
from runtime.sinks.base import RunFacts, Sink
from runtime.sinks.claims import Claims
from runtime.sinks.registry import build_sinks
from runtime.sources import CameraSource, ImageSource, Source, open_video
from runtime.stream.pipeline import Pipeline
from runtime.stream.stream import Stream

if TYPE_CHECKING:
    from runtime.segment.model import Model
    from runtime.segment.segmenter import Segmenter

__all__ = ["run_session"]

log = logging.getLogger("mgca.session")


def run_session(
    config: SessionConfig,
    stopping: StopSignals,
    config_file: str | None = None,
    command: str = "",
) -> int:
    """Run one session.

    Args:
        config: what to do.
        stopping: the signals that end it.
        config_file: the file that filled the config, which no output may replace.
        command: the command line, without secrets, for the outputs' records.

    Returns:
        The exit code.

    Raises:
        MgcaError: what went wrong.
    """
    with ExitStack() as stack:
        config = fill_in_demo(config)
        class_list = read_classes(config.words)
        source = build_source(config.sources)
        stack.callback(source.close)
        sinks = build_sinks(config.outputs.sinks)
        claims = claim_inputs(config, source, config_file, class_list)
        for sink in sinks:
            stack.callback(sink.interrupt)
            sink.check(claims)
        source.open()
        model = stack.enter_context(load_model(config.running))
        segmenter = make_segmenter(model, config.words, class_list)
        facts = describe_facts(segmenter, command)
        for sink in sinks:
            sink.prepare(facts)
        return _run_pipeline(config, stopping, source, segmenter, sinks)


def _run_pipeline(
    config: SessionConfig,
    stopping: StopSignals,
    source: Source,
    segmenter: Segmenter,
    sinks: list[Sink],
) -> int:
    started_at = time.time()
    progress = Progress(config, source)
    stream = Stream(
        source,
        segmenter,
        sinks,
        every=config.sources.every,
        max_frames=config.sources.max_frames,
        strict=config.running.strict,
        on_frame=progress.update,
    )
    pipeline = Pipeline([stream], stop=stopping.event)
    failure: BaseException | None = None
    stopping.graceful = True
    try:
        pipeline.run()
    except BaseException as error:
        failure = error
    progress.close()
    _conclude(config, stream, sinks, failure, stopping.event.is_set(), started_at)
    code = INTERRUPTED if stopping.event.is_set() else 0
    if not pipeline.capture_ended:
        leave_at_once(code)
    return code


def _conclude(
    config: SessionConfig,
    stream: Stream,
    sinks: list[Sink],
    failure: BaseException | None,
    interrupted: bool,
    started_at: float,
) -> None:
    """Write the report and the summary of a run that is over, then raise what went wrong in it."""
    for rivalry in stream.rivals.rivalries(stream.segmenter.class_names):
        log.warning("%s", rivalry.describe())
    lost = _describe_lost_output(stream)
    status = "failed" if failure or lost else "interrupted" if interrupted else "done"
    record = describe_run(config, stream, status, failure or lost, started_at)
    # A run that failed before its first frame has nothing to report: an older report stays.
    if stream.statistics.frames_processed or failure is None:
        lost = _finish(sinks, record) or lost
    if failure is not None:
        raise failure
    if not config.running.quiet:
        to_stderr = any(sink.uses_stdout for sink in sinks)
        print_summary(record, sinks, sys.stderr if to_stderr else sys.stdout)
    if lost is not None:
        raise lost


def _describe_lost_output(stream: Stream) -> MgcaError | None:
    """The error of a run that went on without outputs that failed, None if all are whole."""
    errors = [worker.error for worker in stream.workers if worker.error is not None]
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


def leave_at_once(code: int) -> None:
    """End the process although a thread hangs in a read; everything has been written."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def fill_in_demo(config: SessionConfig) -> SessionConfig:
    """Without a source: the demo clip, its classes and its video, unless others were asked for."""
    sources, words = config.sources, config.words
    if any(getattr(sources, name) for name in sources.ALTERNATIVES):
        return config
    values: dict[str, Any] = {"video": str(demo_clip())}
    if words.classes is None and words.classes_file is None:
        values["classes"] = ",".join(DEMO_CLASSES)
    if not build_sinks(config.outputs.sinks):
        values["out"] = DEMO_VIDEO_NAME
    return merge_config(config, values)


def read_classes(words: WordsConfig) -> list[str]:
    """The classes as given, from the flag or the file; raises ``UserError`` if ill-formed."""
    from runtime.text.classes import parse_classes, read_classes_file

    if words.classes_file is not None:
        classes = read_classes_file(words.classes_file)
    else:
        assert words.classes is not None
        classes = words.classes.split(",")
    parse_classes(classes)  # refused here, before a camera or a model is waited for
    return classes


def build_source(config: SourcesConfig) -> Source:
    """The source that the config asks for, not yet opened."""
    if config.camera:
        return CameraSource(config.camera, config.reconnect_timeout, config.camera_size)
    if config.images:
        return ImageSource(config.images, config.image_fps)
    assert config.video is not None
    live = {"auto": None, "yes": True, "no": False}[config.live]
    video = fill_in_environment(config.video)
    return open_video(video, config.reconnect_timeout, live)


def fill_in_environment(address: str) -> str:
    """``${NAME}`` in an address replaced by that environment variable; raises ``UserError``.

    So a password need stand neither in a file of flags nor in the list of processes.
    """
    if os.path.exists(address):
        return address

    def read(found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if value is None:
            raise UserError(
                f"--video {address}: the environment variable {found[1]} is not set; set it"
            )
        return value

    return re.sub(r"\$\{([A-Za-z_]\w*)\}", read, address)


def claim_inputs(
    config: SessionConfig, source: Source, config_file: str | None, class_list: list[str]
) -> Claims:
    """The files that the run reads, to which no sink may write, and what it looks for."""
    from runtime.text.classes import parse_classes

    files = [config.words.classes_file, config_file]
    inputs = [*source.input_paths(), *(path for path in files if path is not None)]
    images = source.input_paths() if source.kind == "images" else ()
    names = [entry.name for entry in parse_classes(class_list)]
    return Claims(inputs, config.running.bundle or DEMO_BUNDLE, images, names)


def describe_facts(segmenter: Segmenter, command: str) -> RunFacts:
    """What the outputs may know of a run before its first frame."""
    assert segmenter.classes is not None
    words = segmenter.classes
    return RunFacts(words.class_names, words.background, segmenter.bundle.id, command)


def load_model(config: RunningConfig) -> Model:
    """The bundle on its backend; raises ``UserError``."""
    from runtime.segment.model import Model

    if config.threads is not None:
        import cv2

        cv2.setNumThreads(config.threads)
    return Model.load(config.bundle, config.backend, threads=config.threads)


def make_segmenter(model: Model, words: WordsConfig, class_list: list[str]) -> Segmenter:
    """A segmenter of the model with a stream's words, ready to run; raises ``UserError``."""
    from runtime.segment.segmenter import Segmenter

    segmenter = Segmenter(model)
    segmenter.set_classes(
        class_list, background=words.background, allow_unknown=words.allow_unknown
    )
    segmenter.units = words.units  # type: ignore[assignment]  # the flag's choices
    segmenter.threshold = words.threshold
    return segmenter
