"""The session config: from flags, from a file, from both, and back into a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.arguments import parse_arguments
from runtime.cli.config import SessionConfig, SourcesConfig
from runtime.cli.config_file import write_config
from runtime.cli.streams import each_stream
from runtime.errors import UserError

# Every kind of value at least once, and texts that a file must not break.
COMMAND_LINES = [
    [],
    ["--camera", "0", "--classes", "person,car", "--show"],
    ["--video", "rtsp://me:p#w@host/a?b=c", "--classes", "car=car|van", "--jsonl", "-", "--rle"],
    ["--images", "a b/*.jpg", "c", "--classes", "straße,猫,\U0001f697", "--out", 'o "1"\\.mp4'],
    ["--video", "a", "--classes", "tab\there", "--label-dir", "del\x7f", "--report", "n\nl",
     "--overwrite"],
    ["--camera", "1", "--classes", "a", "--pictures", "p", "--picture-every", "4"],
    ["--gstreamer", "v4l2src ! video/x-raw,width=640 ! videoconvert", "--classes", "a"],
    ["--test-pattern", "--classes", "a"],
    ["--test-pattern", "64x48@60", "--classes", "a"],
    ["--stdin", "64x48@25:nv12", "--classes", "a"],
    ["--camera", "/dev/video2", "--camera-fps", "29.97", "--camera-format", "mjpg", "--classes",
     "a"],
    ["--images", "a", "--loop", "--classes", "a"],
    ["--camera", "1", "--classes", "a", "--record", "clips", "--segment", "90s", "--keep", "1.5GB",
     "--record-view", "camera", "--label-video", "l.mkv",
     "--mqtt", "mqtts://me:p@host/a", "--mqtt-every", "0.5", "--mqtt-discovery", "none",
     "--webhook", "https://me:p@host/a?b=c", "--webhook-every", "60",
     "--coco", "c.json", "--voc", "v", "--ros2", "/a"],
    ["--camera", "1", "--classes", "a", "--zone", "the yard=0.1,0.25 1,0 1e-1,1", "--zone",
     "b=0,0 1,0 1,1", "--alert", "a >2.5% for 5s  in the yard", "--alert", "a<1", "--snapshots",
     "s", "--keep-snapshots", "9", "--jsonl", "j", "--objects"],
    ["--camera", "1", "--classes", "a", "--serve", "0.0.0.0:80", "--serve-token", "${PAGE}"],
    ["--camera", "/dev/video2", "--classes-file", "w.txt", "--camera-size", "1280x720", "--strict",
     "--live", "yes", "--isolate",
     "--reconnect-timeout", "inf", "--every", "5", "--max-frames", "9",
     "--skip-still", "on", "--smooth", "0.5",
     "--image-fps", "0.1", "--threshold", "1e-07", "--units", "pixel",
     "--background", "none",
     "--allow-unknown", "--bundle", "b", "--backend", "openvino", "--threads", "2", "--quiet",
     "--force-backend", "--short-side", "336", "--stride", "112", "--templates", "imagenet",
     "--exact-words", "--logit-scale", "40", "--background-threshold", "0.1",
     "--background-probability", "sigmoid", "--presence", "0.5", "--least-area", "0.05"],
    ["--camera", "0", "--name", "d=rtsp://me:pw@host", "--images", "x", "y", "--classes", "a"],
]  # fmt: skip


@pytest.mark.parametrize("typed", COMMAND_LINES, ids=lambda typed: " ".join(typed[:3]))
def test_what_is_printed_reads_back_as_the_same(typed: list[str], tmp_path: Path) -> None:
    config = parse_arguments(typed).config
    path = tmp_path / "site.toml"
    path.write_text(write_config(config), encoding="utf-8")
    assert parse_arguments(["--config", str(path)]).config == config
    assert (config == SessionConfig()) == (typed == [])


def test_they_set_every_key_but_the_alternatives() -> None:
    """Otherwise the round trip would prove less than it says."""
    default = write_config(SessionConfig()).splitlines()
    printed = "\n".join(write_config(parse_arguments(typed).config) for typed in COMMAND_LINES)
    keys = [line.split(" = ")[0] for line in default if " = " in line]
    keys += [line.split()[1] for line in default if line.endswith("is not set")]
    assert len(keys) == 68
    for key in keys:
        own = [line for line in printed.splitlines() if line.startswith(f"{key} = ")]
        assert set(own) - set(default), key


def test_the_config_is_frozen_through_and_through() -> None:
    config = parse_arguments(COMMAND_LINES[-1]).config
    for part in (config, *(one for parts in config.parts().values() for one in parts)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, dataclasses.fields(part)[0].name, None)
    hash(config)


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


FILE = """
[sources]
images = "frames"
every = 5
image-fps = 10

[words]
classes = "car"
threshold = 1

[outputs]
jsonl = "a.jsonl"
rle = true
"""


def test_a_file_sets_what_flags_do_not(tmp_path: Path) -> None:
    path = write(tmp_path / "site.toml", FILE)
    line = parse_arguments(["--config", path, "--every", "7", "--video", "a.mp4"])
    config = line.config
    assert line.config_file == path
    assert (config.sources.every, config.sources.image_fps) == (7, 10.0)
    assert (config.sources.video, config.sources.images) == ("a.mp4", None)  # one source
    assert config == parse_arguments(
        ["--video", "a.mp4", "--every", "7", "--image-fps", "10", "--classes", "car",
         "--threshold", "1", "--jsonl", "a.jsonl", "--rle"]
    ).config  # fmt: skip
    words = parse_arguments(["--config", path, "--classes-file", "w.txt"]).config.words
    assert (words.classes, words.classes_file) == (None, "w.txt")
    assert parse_arguments(["--config", path]).config.sources.images == ("frames",)


WRONG_FILES = [
    ("[outputs]\nlable-dir = 'l'", "[outputs] lable-dir is not a key; expected one of out, "),
    ("[outputs]\nlable-dir = 'l'", ", serve-token; did you mean label-dir?"),
    ("[outputs]\nlabel_dir = 'l'", "did you mean label-dir?"),
    ("[outputs]\nclases = 'l'", "did you mean classes of [words]?"),
    ("[outputs]\nclasses = 'car'", "[outputs] classes is not a key; it belongs under [words]"),
    ("[outputs]\nzzzz = 1", "[outputs] zzzz is not a key; expected one of out, record"),
    ("[source]\nevery = 1", "source is not a table; expected [sources], [words], [outputs], "
     "[running] or [[stream]]; did you mean sources?"),
    ("every = 1", "every stands outside its table; write it under [sources]"),
    ("sources = 1", "sources should be a table; write [sources] above it"),
    ("[[sources]]\nevery = 1", "sources should be a table"),
    ("[sources]\nevery = '5'", "[sources] every: expected a whole number, not '5'"),
    ("[sources]\nevery = 5.0", "[sources] every: expected a whole number, not 5.0"),
    ("[sources]\nevery = true", "[sources] every: expected a whole number, not true"),
    ("[sources]\nevery = 0", "[sources] every: expected a whole number >= 1, not '0'"),
    ("[sources]\nvideo = ['a', 'b']", "[sources] video: expected a text, not ['a', 'b']"),
    ("[sources]\nvideo = 1979-05-27", "[sources] video: expected a text, not"),
    ("[sources]\nimages = []", "[sources] images: expected a text or a list of them, not an empty"),
    ("[sources]\nimages = [1]", "[sources] images: expected a text or a list of them, not [1]"),
    ("[sources]\nlive = 'maybe'", "[sources] live: expected one of auto, yes, no, not 'maybe'"),
    ("[sources]\ncamera-size = '5'", "[sources] camera-size: expected WIDTHxHEIGHT"),
    ("[words]\nthreshold = nan", "[words] threshold: expected a number from 0 to 1, not 'nan'"),
    ("[words]\nthreshold = 2", "[words] threshold: expected a number from 0 to 1, not '2'"),
    ("[outputs]\nsegment = 600", "[outputs] segment: expected a text, not 600"),
    ("[outputs]\nkeep = '20'", "[outputs] keep: expected a size such as 500MB or 20GB"),
    ("[outputs]\nzone = 'a=0,0 1,1'", "[outputs] zone: zone a: expected 3 to 64 points, not 2"),
    ("[outputs]\nzone = ['a=0,0 1,0 1,1', 'b']", "[outputs] zone: expected NAME=X,Y X,Y X,Y"),
    ("[outputs]\nzone = []", "[outputs] zone: expected a text or a list of them, not an empty"),
    ("[outputs]\nalert = 'a'", "[outputs] alert: 'a': there is no comparison"),
    ("[outputs]\nalert = 5", "[outputs] alert: expected a text or a list of them, not 5"),
    ("[outputs]\nrle = 'yes'", "[outputs] rle: expected true or false, not 'yes'"),
    ("[outputs]\nrle = {a = 1}", "[outputs] rle: expected true or false, not a table of 1 keys"),
    ("[outputs\n", "is not TOML: "),
    ("[words]\nclasses = 'a'\nclasses = 'b'", "is not TOML: "),
    ("[" * 100_000, "is not TOML: "),
    ("# " + "x" * (1 << 20), "is longer than 1 MiB"),
    ("[sources]\nvideo = 'a'\ncamera = '0'", "--camera and --video cannot go together"),
    ("[sources]\nvideo = 'a'", "--video needs the classes to look for"),
    ("[sources]\nvideo = ''", "--video is empty"),
    ("[words]\nclasses = 'a'\nclasses-file = 'b'", "--classes and --classes-file cannot go"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG_FILES, ids=[text[:30] for text, _ in WRONG_FILES])
def test_a_wrong_file_is_told_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    path = write(tmp_path / "site.toml", text)
    with pytest.raises(UserError) as caught:
        parse_arguments(["--config", path])
    assert says in str(caught.value) and caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("gone.toml", None, "--config gone.toml cannot be read (No such file or directory)"),
        (".", None, "--config . cannot be read (Is a directory)"),
        ("latin.toml", b"a = 'caf\xe9'", "--config latin.toml is not UTF-8 text"),
        ("/dev/zero", None, "--config /dev/zero is longer than 1 MiB"),
        ("", None, "--config cannot be read (No such file or directory)"),
    ],
)
def test_what_is_no_file_of_flags(
    name: str, content: bytes | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        parse_arguments(["--config", name])
    assert str(caught.value).startswith(says)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = write(tmp_path / "site.toml", "\ufeff[sources]\nevery = 2\n")
    assert parse_arguments(["--config", path]).config.sources.every == 2


def test_bytes_that_are_no_text_cannot_be_printed() -> None:
    config = parse_arguments(["--video", "caf\udce9.mp4", "--classes", "car"]).config
    with pytest.raises(UserError, match=r"--video 'caf\\udce9.mp4' is not readable text"):
        write_config(config)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--video a.mp4 --video b.mp4", {"cam0": ("video", "a.mp4"), "cam1": ("video", "b.mp4")}),
        (
            "--video a.mp4 --camera=1 --images p/*.png q",
            {
                "cam0": ("video", "a.mp4"),
                "cam1": ("camera", "1"),
                "cam2": ("images", ("p/*.png", "q")),
            },
        ),
        (
            "--camera 0 --name door=rtsp://host/x --name yard=0",
            {"yard": ("camera", "0"), "door": ("video", "rtsp://host/x")},
        ),
        ("--name one=/dev/video3", {"one": ("camera", "/dev/video3")}),
        ("--name pictures=p*/a?.jpg", {"pictures": ("images", ("p*/a?.jpg",))}),
    ],
)
def test_each_source_is_a_stream(typed: str, expected: dict[str, tuple[str, Any]]) -> None:
    config = parse_arguments([*typed.split(), "--classes", "car", "--out", "{name}.mp4"]).config
    streams = dict(each_stream(config))
    assert list(streams) == list(expected)
    for name, (kind, value) in expected.items():
        one = streams[name]
        assert getattr(one.sources, kind) == value and one.words.classes == "car"
        given = [other for other in SourcesConfig.ALTERNATIVES if getattr(one.sources, other)]
        assert given == [kind]
        assert f"{name}.mp4" in [getattr(sink, "out", None) for sink in one.outputs.sinks]


def test_one_source_is_called_cam0_in_its_outputs() -> None:
    config = parse_arguments(
        ["--camera", "2", "--classes", "car", "--jsonl", "{name}.jsonl"]
    ).config
    ((name, one),) = each_stream(config)
    assert name == "cam0" and one.sources.camera == "2"
    assert "cam0.jsonl" in [getattr(sink, "jsonl", None) for sink in one.outputs.sinks]


SITE = """
[sources]
every = 2
[words]
classes = "person,car"
[outputs]
jsonl = "{name}.jsonl"
report = "{name}.json"
[[stream]]
name = "door"
camera = "0"
[[stream]]
video = "rtsp://host/yard"
classes = "dog"
every = 3
jsonl = "yard-only.jsonl"
"""


def test_a_file_says_what_each_stream_has_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    config = parse_arguments(["--config", str(path), "--max-frames", "7"]).config
    door, yard = (one for _, one in each_stream(config))
    assert [name for name, _ in each_stream(config)] == ["door", "cam1"]
    assert (door.words.classes, yard.words.classes) == ("person,car", "dog")
    assert (door.sources.every, yard.sources.every) == (2, 3)
    assert door.sources.max_frames == yard.sources.max_frames == 7
    told = [getattr(sink, "jsonl", None) for one in (door, yard) for sink in one.outputs.sinks]
    assert [one for one in told if one] == ["door.jsonl", "yard-only.jsonl"]
    # The report is the run's: one for all streams.
    assert "{name}.json" in [getattr(sink, "report", None) for sink in door.outputs.sinks]
    again = tmp_path / "again.toml"
    again.write_text(write_config(config))
    assert parse_arguments(["--config", str(again)]).config == config
    # A source given as a flag takes the place of all streams of a file.
    flag = parse_arguments(["--config", str(path), "--camera", "9"]).config
    assert flag.streams == () and flag.sources.camera == "9"
    flags = parse_arguments(["--config", str(path), "--camera", "9", "--camera", "8"]).config
    assert [name for name, _ in each_stream(flags)] == ["cam0", "cam1"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[stream]]\nname = 'a b'\ncamera = '0'", "--name a b is no name of a stream"),
        ("[[stream]]\nname = 'a'\ncamera = '0'\n[[stream]]\nname = 'a'\ncamera = '1'",
         "two streams are called a"),
        ("[[stream]]\nname = 'a'", "stream a has no source; give it one of camera"),
        ("[[stream]]\ncamera = '0'\nvideo = 'b'", "stream cam0: --camera and --video cannot go"),
        ("[[stream]]\ncamra = '0'", "[[stream]] 1 camra is not a key; expected one of camera"),
        ("[[stream]]\ncamra = '0'", "did you mean camera?"),
        ("[[stream]]\ncamera = '0'\nthreads = 2", "it belongs under [running]"),
        ("[[stream]]\ncamera = '0'\nevery = 'x'", "[[stream]] 1 every: expected a whole number"),
        ("[stream]\ncamera = '0'", "write [[stream]] above each stream"),
        ("[sources]\ncamera = '1'\n[[stream]]\ncamera = '0'", "[sources] holds a source and there"),
    ],
)  # fmt: skip
def test_a_wrong_stream_is_told_in_one_line(content: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f"{content}\n[words]\nclasses = 'car'")
    with pytest.raises(UserError) as caught:
        parse_arguments(["--config", str(path)])
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_stream_needs_classes_and_a_name_needs_a_source() -> None:
    with pytest.raises(UserError, match="stream cam0: --video needs the classes"):
        parse_arguments(["--video", "a", "--video", "b"])
    with pytest.raises(UserError, match="two streams would read stdin"):
        pipes = ["--stdin", "64x48@25:nv12", "--stdin", "64x48@25:nv12"]
        parse_arguments([*pipes, "--classes", "car"])
    # Beside a camera, a file may begin again; a camera alone has no end.
    parse_arguments(["--camera", "0", "--video", "a", "--loop", "--classes", "car"])
    with pytest.raises(UserError, match="--loop is for"):
        parse_arguments(["--camera", "0", "--camera", "1", "--loop", "--classes", "car"])
    with pytest.raises(UserError, match="--name door: expected a name and its source"):
        parse_arguments(["--name", "door", "--classes", "car"])
