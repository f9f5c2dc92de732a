"""One run of ``mgca-rt``: what the flags ask for is checked, opened, run, closed and told."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from typing import Any

from runtime.cli.output_checks import check_outputs
from runtime.cli.progress import Progress
from runtime.cli.report import describe_run, print_summary
from runtime.cli.signals import StopSignals
from runtime.command import INTERRUPTED
from runtime.demo import DEMO_CLASSES, DEMO_VIDEO_NAME, demo_clip
from runtime.errors import MgcaError
from runtime.sinks import JsonLines, LabelFolder, OverlayVideo, ReportFile, Sink, Window
from runtime.sources import CameraSource, ImageSource, Source, open_video
from runtime.stream.pipeline import Pipeline


def run_session(options: argparse.Namespace, stopping: StopSignals) -> int:
    """Run one session; gives the exit code, raises ``MgcaError`` with what went wrong."""
    with ExitStack() as stack:
        use_demo(options)
        class_list = read_classes(options)
        source = build_source(options)
        stack.callback(source.close)
        sinks, report = build_sinks(options)
        check_outputs(options, source, sinks, report)
        source.open()
        segmenter = load_segmenter(options, class_list)
        for sink in sinks:
            if isinstance(sink, OverlayVideo):
                sink.fps = source.fps
        return _run_pipeline(options, stopping, source, segmenter, sinks, report)


def _run_pipeline(
    options: argparse.Namespace,
    stopping: StopSignals,
    source: Source,
    segmenter: Any,
    sinks: list[Sink],
    report: ReportFile | None,
) -> int:
    started_at = time.time()
    progress = Progress(options, source)
    pipeline = Pipeline(
        source,
        segmenter,
        sinks,
        stop=stopping.event,
        every=options.every,
        max_frames=options.max_frames,
        on_frame=progress.update,
    )
    failure: BaseException | None = None
    stopping.graceful = True
    try:
        pipeline.run()
    except BaseException as error:
        failure = error
    progress.close()
    failure = _close_all(sinks, failure)
    status = "failed" if failure else "interrupted" if stopping.event.is_set() else "done"
    record = describe_run(
        options, source, segmenter, pipeline.statistics, sinks, status, failure, started_at
    )
    # A run that failed before its first frame has nothing to report: an older report stays.
    if report is not None and (pipeline.statistics.frames_processed or failure is None):
        try:
            report.write_record(record)
        except MgcaError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    if not options.quiet:
        stream = sys.stderr if options.jsonl == "-" else sys.stdout
        print_summary(record, stream)
    if not pipeline.capture_ended:
        leave_at_once(INTERRUPTED if status == "interrupted" else 0)
    return INTERRUPTED if status == "interrupted" else 0


def _close_all(sinks: list[Sink], failure: BaseException | None) -> BaseException | None:
    """Close every sink whatever happens; the first failure of all is kept."""
    for sink in sinks:
        try:
            sink.close()
        except Exception as error:
            failure = failure or error
    return failure


def leave_at_once(code: int) -> None:
    """End the process although a thread hangs in a read; everything has been written."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def use_demo(options: argparse.Namespace) -> None:
    """Without a source: the demo clip, its classes and its video, unless others were asked for."""
    if options.camera or options.video or options.images:
        return
    options.video = str(demo_clip())
    if options.classes is None and options.classes_file is None:
        options.classes = ",".join(DEMO_CLASSES)
    outputs = (options.out, options.label_dir, options.jsonl, options.report, options.show)
    if not any(outputs):
        options.out = DEMO_VIDEO_NAME


def read_classes(options: argparse.Namespace) -> list[str]:
    """The classes as given, from the flag or the file; raises ``UserError`` if ill-formed."""
    from runtime.text.classes import parse_classes, read_classes_file

    if options.classes_file is not None:
        classes = read_classes_file(options.classes_file)
    else:
        classes = options.classes.split(",")
    parse_classes(classes)  # refused here, before a camera or a model is waited for
    return classes


def build_source(options: argparse.Namespace) -> Source:
    """The source the flags ask for, not yet opened."""
    if options.camera:
        return CameraSource(options.camera, options.reconnect_timeout, options.camera_size)
    if options.images:
        return ImageSource(options.images, options.image_fps)
    live = {"auto": None, "yes": True, "no": False}[options.live]
    return open_video(options.video, options.reconnect_timeout, live)


def build_sinks(options: argparse.Namespace) -> tuple[list[Sink], ReportFile | None]:
    """The outputs the flags ask for, not yet checked."""
    sinks: list[Sink] = []
    if options.out is not None:
        sinks.append(OverlayVideo(options.out))
    if options.label_dir is not None:
        sinks.append(LabelFolder(options.label_dir))
    if options.jsonl is not None:
        sinks.append(JsonLines(options.jsonl, options.rle))
    if options.show:
        sinks.append(Window())
    return sinks, None if options.report is None else ReportFile(options.report)


def load_segmenter(options: argparse.Namespace, class_list: list[str]) -> Any:
    """The bundle with its classes set, ready to run; raises ``UserError``."""
    from runtime.segment.segmenter import Segmenter

    if options.threads is not None:
        import cv2

        cv2.setNumThreads(options.threads)
    segmenter = Segmenter.load(options.bundle, backend=options.backend, threads=options.threads)
    segmenter.set_classes(
        class_list, background=options.background, allow_unknown=options.allow_unknown
    )
    segmenter.units = options.units
    segmenter.threshold = options.threshold
    return segmenter
