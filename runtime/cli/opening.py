"""What a run is made of, from its config: words, source, model, segmenter and what steadies it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from runtime.address import fill_in_environment
from runtime.cli.config import (
    RunningConfig,
    SessionConfig,
    SourcesConfig,
    WordsConfig,
    merge_config,
)
from runtime.demo import DEMO_BUNDLE, DEMO_CLASSES, DEMO_VIDEO_NAME, demo_clip
from runtime.errors import UnknownClassError, UserError
from runtime.shipped import SHIPPED
from runtime.sinks.base import RunFacts
from runtime.sinks.registry import build_sinks
from runtime.sources import RawVideo, Source
from runtime.sources.plan import SourcePlan

if TYPE_CHECKING:
    from runtime.segment.model import Model
    from runtime.segment.segmenter import Segmenter
    from runtime.segment.smoothing import TemporalSmoother
    from runtime.segment.still import StillGate
    from runtime.segment.windows import Windows
    from runtime.text.wording import Wording

__all__ = [
    "ask_for",
    "build_source",
    "decide_by",
    "describe_facts",
    "fill_in_demo",
    "load_model",
    "make_gate",
    "make_segmenter",
    "make_smoother",
    "make_windows",
    "read_classes",
    "read_wording",
]


def fill_in_demo(config: SessionConfig) -> SessionConfig:
    """Without a source: the demo clip, its classes and its video, unless others were asked for."""
    sources, words = config.sources, config.words
    if config.streams or any(getattr(sources, name) for name in sources.ALTERNATIVES):
        return config
    values: dict[str, Any] = {"video": str(demo_clip())}
    if words.classes is None and words.classes_file is None:
        values["classes"] = ",".join(DEMO_CLASSES)
    if not build_sinks(config.outputs.sinks):
        values["out"] = DEMO_VIDEO_NAME
    return merge_config(config, values)


def read_classes(words: WordsConfig) -> list[str]:
    """The classes as given, from the flag or the file; raises ``UserError`` if ill-formed.

    Templates that cannot be read, and a setting that would do nothing, are refused as well.
    """
    from runtime.text.classes import parse_classes, read_classes_file
    from runtime.text.template_sets import read_templates

    if words.classes_file is not None:
        classes = read_classes_file(words.classes_file)
    else:
        assert words.classes is not None
        classes = words.classes.split(",")
    parse_classes(classes)  # refused here, before a camera or a model is waited for
    read_templates(words.templates)
    if words.background_probability == "sigmoid" and not words.background_threshold:
        raise UserError(
            "--background-probability sigmoid would do nothing: it says what "
            "--background-threshold is held against; give both"
        )
    return classes


def build_source(config: SourcesConfig) -> Source:
    """The source that the config asks for, not yet opened."""
    if config.stdin:
        return RawVideo(config.stdin, live=config.live == "yes")
    plan = plan_source(config)
    return _isolate(plan) if config.isolate else plan.build()


def plan_source(config: SourcesConfig) -> SourcePlan:
    """The same for what is not stdin, as a plan."""
    timeout_s = config.reconnect_timeout
    values: dict[str, Any]
    if config.camera:
        mode = {
            "size_wh": config.camera_size,
            "fps": config.camera_fps,
            "pixel_format": config.camera_format,
        }
        values = {"device": config.camera, "reconnect_timeout_s": timeout_s, "mode": mode}
        return SourcePlan("camera", values)
    if config.images:
        values = {"patterns": config.images, "fps": config.image_fps, "loop": config.loop}
        return SourcePlan("images", values)
    if config.gstreamer:
        pipeline = fill_in_environment(config.gstreamer, "--gstreamer")
        return SourcePlan("gstreamer", {"pipeline": pipeline, "reconnect_timeout_s": timeout_s})
    if config.test_pattern:
        values = {"mode": config.test_pattern, "live": config.live != "no"}
        return SourcePlan("test-pattern", values)
    assert config.video is not None
    values = {
        "name": fill_in_environment(config.video),
        "reconnect_timeout_s": timeout_s,
        "live": {"auto": None, "yes": True, "no": False}[config.live],
        "loop": config.loop,
    }
    return SourcePlan("video", values)


def _isolate(plan: SourcePlan) -> Source:
    if os.name == "nt":
        raise UserError("--isolate needs Linux or macOS; leave it out on Windows")
    from runtime.sources.isolated.source import IsolatedSource

    return IsolatedSource(plan)


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
    return Model.load(
        config.bundle,
        config.backend,
        threads=config.threads,
        force_backend=config.force_backend,
    )


def make_gate(skip_still: str, source: Source) -> StillGate | None:
    """What spares still frames the graph; None where every frame is run."""
    from runtime.segment.still import StillGate

    if skip_still == "on":
        return StillGate()
    # An address may turn out to be a file only once it is read.
    may_be_live = source.live or source.kind == "stream"
    return StillGate(wanted=lambda: source.live) if skip_still == "auto" and may_be_live else None


def make_smoother(smooth: str | float, source: Source) -> TemporalSmoother | None:
    """What steadies the masks over time; None where each frame is labelled by itself."""
    from runtime.segment.smoothing import TIME_CONSTANT_S, TemporalSmoother

    if smooth == "auto":
        # Images may have nothing to do with each other.
        smooth = "off" if source.kind == "images" else TIME_CONSTANT_S
    return TemporalSmoother(float(smooth)) if smooth != "off" and float(smooth) > 0 else None


def make_segmenter(
    model: Model,
    words: WordsConfig,
    class_list: list[str],
    sources: SourcesConfig | None = None,
    wording: Wording | None = None,
) -> Segmenter:
    """A segmenter of the model with a stream's words, ready to run; raises ``UserError``.

    ``wording`` stands for what the words' config names, which may be a file of another machine.
    """
    from runtime.segment.segmenter import Segmenter

    segmenter = Segmenter(model)
    try:
        ask_for(segmenter, words, class_list, sources or SourcesConfig(), wording)
    except UnknownClassError as error:
        if segmenter.bundle.path != DEMO_BUNDLE or not SHIPPED["photo"].is_dir():
            raise
        raise UnknownClassError(
            f"{error}; the shipped bundle of photographs takes any English word: --bundle photo",
            name=error.name,
            near=error.near,
        ) from None
    return segmenter


def ask_for(
    segmenter: Segmenter,
    words: WordsConfig,
    class_list: list[str],
    sources: SourcesConfig,
    wording: Wording | None = None,
) -> None:
    """Have a segmenter look, be asked and decide as a stream's config says; ``UserError``."""
    segmenter.windows = make_windows(sources)
    segmenter.set_classes(
        class_list, words.background, words.allow_unknown, wording=wording or read_wording(words)
    )
    decide_by(segmenter, words)


def make_windows(sources: SourcesConfig) -> Windows | None:
    """How frames are looked at; None: as a whole."""
    from runtime.segment.windows import Windows

    if sources.stride is None and sources.short_side is None:
        return None
    return Windows(sources.stride, sources.short_side)


def read_wording(words: WordsConfig) -> Wording:
    """How words are asked for; raises ``UserError`` where templates cannot be read."""
    from runtime.text.template_sets import read_templates
    from runtime.text.wording import Wording

    return Wording(read_templates(words.templates), words.exact_words)


def decide_by(segmenter: Segmenter, words: WordsConfig) -> None:
    """Have a segmenter meet the text, and decide, as its words' config says."""
    from runtime.segment.decision import Decision

    segmenter.units = words.units  # type: ignore[assignment]  # the flag's choices
    segmenter.decision = Decision(
        words.logit_scale or segmenter.manifest.logit_scale,
        words.threshold,
        words.background_threshold,
        words.background_probability,  # type: ignore[arg-type]  # the flag's choices
        words.least_area,
        segmenter.manifest.presence if words.presence is None else words.presence,
    )
