"""The session config: from flags, from a file, from both, and back into a file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from runtime.cli.arguments import parse_arguments
from runtime.cli.config import SessionConfig
from runtime.cli.config_file import write_config
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
    ["--camera", "/dev/video2", "--classes-file", "w.txt", "--camera-size", "1280x720", "--strict",
     "--live", "yes", "--reconnect-timeout", "inf", "--every", "5", "--max-frames", "9",
     "--image-fps", "0.1", "--threshold", "1e-07", "--units", "pixel", "--background", "none",
     "--allow-unknown", "--bundle", "b", "--backend", "openvino", "--threads", "2", "--quiet"],
]  # fmt: skip


@pytest.mark.parametrize("typed", COMMAND_LINES, ids=lambda typed: " ".join(typed[:3]))
def test_what_is_printed_reads_back_as_the_same(typed: list[str], tmp_path: Path) -> None:
    config = parse_arguments(typed).config
    path = tmp_path / "site.toml"
    path.write_text(write_config(config), encoding="utf-8")
    assert parse_arguments(["--config", str(path)]).config == config
    assert (config == SessionConfig()) == (typed == [])


def test_the_last_of_them_sets_every_key_but_the_alternatives() -> None:
    """Otherwise the round trip would prove less than it says."""
    default = write_config(SessionConfig()).splitlines()
    printed = "\n".join(write_config(parse_arguments(typed).config) for typed in COMMAND_LINES)
    keys = [line.split(" = ")[0] for line in default if " = " in line]
    keys += [line.split()[1] for line in default if line.endswith("is not set")]
    assert len(keys) == 29
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
    ("[outputs]\nlable-dir = 'l'", "[outputs] lable-dir is not a key; expected one of out, "
     "pictures, picture-every, label-dir, overwrite, jsonl, rle, report, show; "
     "did you mean label-dir?"),
    ("[outputs]\nlabel_dir = 'l'", "did you mean label-dir?"),
    ("[outputs]\nclases = 'l'", "did you mean classes of [words]?"),
    ("[outputs]\nclasses = 'car'", "[outputs] classes is not a key; it belongs under [words]"),
    ("[outputs]\nzzzz = 1", "[outputs] zzzz is not a key; expected one of out, pictures"),
    ("[source]\nevery = 1", "source is not a table; expected [sources], [words], [outputs], "
     "[running]; did you mean sources?"),
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
    ("typed", "says"),
    [
        ("--video a --video b", "--video is given twice; a run takes one source, give one"),
        ("--images a --images b", "--images is given twice; a run takes one source, give one"),
        ("--camera 0 --camera=1", "--camera is given twice; a run takes one source, give one"),
        ("--video a --camera 0", "--camera and --video cannot go together; give one source"),
    ],
)
def test_several_sources_are_refused(typed: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_arguments([*typed.split(), "--classes", "car"])
    assert (str(caught.value), caught.value.exit_code) == (says, 2)
