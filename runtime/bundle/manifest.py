"""The manifest: what a bundle says about itself, read field by field and never trusted blindly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from runtime.bundle.bounded_json import is_plain_text, read_json
from runtime.bundle.limits import (
    CONTEXT_LENGTH,
    EMBEDDING_WIDTH,
    PIXELS,
    PRESENCE,
    PROMPTS,
    SHORTEST_CONTEXT,
    UNITS,
)
from runtime.errors import BundleError
from runtime.plain_json import json_text

FORMAT = "mgca-bundle"
FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
REMEDY = "export it again with python -m export"

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "MANIFEST_FILE",
    "ClipInfo",
    "FileRecord",
    "InputInfo",
    "Manifest",
    "OutputInfo",
    "TemplateSet",
    "TextInfo",
]


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and sha256 (64 lower-case hex digits) of one file of the bundle."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class ClipInfo:
    """Which CLIP: open_clip's name, its weights tag, the variant of dense features, the activation
    of its towers (``quickgelu`` or ``gelu``), and how its position embeddings were resized
    (``size``, ``scale-factor`` or ``antialias``); the last two are None in bundles of before they
    were recorded, and of towers that are no CLIP.
    """

    name: str
    pretrained: str
    dense: str
    activation: str | None = None
    position_resize: str | None = None


@dataclass(frozen=True)
class InputInfo:
    """The frame the graph takes: (width, height) in pixels; RGB mean and std of values in 0..1.

    The graph normalises by itself; mean and std are here to be read, not to be applied again.
    """

    size_wh: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class OutputInfo:
    """The scores the graph gives: their grid (width, height) and the number of unit slots U."""

    grid_wh: tuple[int, int]
    units: int


@dataclass(frozen=True)
class TemplateSet:
    """A named set of prompts; ``{}`` in each prompt stands for the class name.

    ``mean_first``: whether the mean of a name's prompts is taken of what the text encoder gives,
    and only then brought to unit length, rather than of embeddings of unit length.
    """

    name: str
    prompts: tuple[str, ...]
    mean_first: bool = False


@dataclass(frozen=True)
class TextInfo:
    """The text side: tokens a prompt may have, hash of the encoder, whether a centre is taken off.

    ``encoder_sha256`` names the text encoder's weights, so that embeddings made by another one are
    never mixed in; it is there even when the bundle does not carry the encoder. ``tokenizer`` is
    the kind of the tower's own tokenizer (``wordpiece``), whose file says all; None is CLIP's.
    """

    context_length: int
    encoder_sha256: str
    centered: bool
    tokenizer: str | None = None


@dataclass(frozen=True)
class Manifest:
    """Everything a runtime must know to run the bundle. ``files`` is filled in by the writer.

    ``trained_words`` is the closed list of words the model has learned, or None for an open
    vocabulary. ``products`` says of each graph, by its file's name, how many matrix products and
    convolutions compute in ``half``, in ``fp32``, and ``quantised``; bundles of before it was
    recorded have none. ``presence`` is how far words that nothing in the picture shows step back
    (0 in bundles of before it was recorded). ``units`` (unit settings), ``created_by`` (versions)
    and ``parity`` (figures) are records for people and reports: the runtime reads nothing out of
    them.
    """

    model_id: str
    clip: ClipInfo
    embedding_width: int
    input: InputInfo
    output: OutputInfo
    logit_scale: float
    templates: TemplateSet
    text: TextInfo
    trained_words: tuple[str, ...] | None = None
    background_words: tuple[str, ...] = ()
    precision: str = "fp32"
    products: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    units: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)
    created_by: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, FileRecord] = field(default_factory=dict)
    presence: float = 0.0

    def to_json(self) -> str:
        """The manifest as JSON text, keys in a fixed order, one trailing newline.

        A figure that is not finite, for which JSON has no word, becomes null.
        """
        record = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        # As it was written before they were recorded, and so the bundle keeps its id.
        for name in ("activation", "position_resize"):
            if record["clip"][name] is None:
                del record["clip"][name]
        if self.text.tokenizer is None:
            del record["text"]["tokenizer"]
        if not self.templates.mean_first:
            del record["templates"]["mean_first"]
        if not self.presence:
            del record["presence"]
        return json_text(record)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest; raises :class:`BundleError` naming the first field that is wrong.

        Fields that this version does not know are left alone: a newer writer may add some without
        changing ``format_version``.
        """
        try:
            record = read_json(text)
        except ValueError as error:
            raise BundleError(f"{MANIFEST_FILE} is not valid JSON ({error}); {REMEDY}") from None
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise BundleError(
                f'{MANIFEST_FILE} does not describe an MGCA bundle (expected "format": '
                f'"{FORMAT}"); give a folder made by python -m export'
            )
        version = record.get("format_version")
        if type(version) is not int or version != FORMAT_VERSION:
            raise BundleError(
                f"bundle format version {version!r} is unknown, expected {FORMAT_VERSION}; "
                "update mgca or export the bundle again"
            )
        return _read(_Fields(record))


class _Fields:
    """One JSON object of the manifest, read with the checks its fields need."""

    def __init__(self, record: Mapping[str, Any], where: str = "") -> None:
        self.record = record
        self.where = where

    def wrong(self, key: str, expected: str) -> BundleError:
        found = json.dumps(self.record[key]) if key in self.record else "nothing"
        if len(found) > 60:
            found = found[:57] + "..."
        return BundleError(
            f"{MANIFEST_FILE}: {self.where}{key} should be {expected}, found {found}; {REMEDY}"
        )

    def group(self, key: str) -> _Fields:
        return _Fields(self.mapping(key, required=True), f"{self.where}{key}.")

    def mapping(self, key: str, required: bool = False) -> dict[str, Any]:
        value = self.record.get(key, None if required else {})
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        return value

    def text(self, key: str) -> str:
        value = self.record.get(key)
        if not value or not isinstance(value, str) or not is_plain_text(value):
            raise self.wrong(key, "a text")
        return value

    def text_or_none(self, key: str) -> str | None:
        return None if self.record.get(key) is None else self.text(key)

    def texts(self, key: str, at_least: int = 0) -> tuple[str, ...]:
        value = self.record.get(key)
        if not isinstance(value, list) or len(value) < at_least:
            raise self.wrong(key, "a list of texts")
        if not all(is_plain_text(item) and item.strip() for item in value):
            raise self.wrong(key, "a list of texts")
        return tuple(value)

    def integer(self, key: str, least: int = 1, most: int | None = None) -> int:
        value = self.record.get(key)
        if type(value) is not int or value < least:
            raise self.wrong(key, f"a whole number of at least {least}")
        if most is not None and value > most:
            raise self.wrong(key, f"a whole number of at most {most}")
        return value

    def number(self, key: str) -> float:
        value: Any = self.record.get(key)
        if not _is_number(value) or not value > 0:
            raise self.wrong(key, "a positive number")
        return float(value)

    def flag(self, key: str) -> bool:
        value = self.record.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def size(self, key: str) -> tuple[int, int]:
        value = self.record.get(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(key, "[width, height]")
        if not all(type(side) is int and 0 < side <= 1 << 16 for side in value):
            raise self.wrong(key, "[width, height]")
        if value[0] * value[1] > PIXELS:
            raise self.wrong(key, f"[width, height] of at most {PIXELS} pixels")
        return value[0], value[1]

    def triple(self, key: str) -> tuple[float, float, float]:
        value = self.record.get(key)
        if not isinstance(value, list) or len(value) != 3 or not all(map(_is_number, value)):
            raise self.wrong(key, "three numbers")
        return float(value[0]), float(value[1]), float(value[2])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _read(fields: _Fields) -> Manifest:
    clip, frame, output = fields.group("clip"), fields.group("input"), fields.group("output")
    templates, text = fields.group("templates"), fields.group("text")
    prompts = templates.texts("prompts", at_least=1)
    if any(prompt.count("{}") != 1 for prompt in prompts):
        raise templates.wrong("prompts", "texts with one {} each")
    if len(prompts) > PROMPTS:
        raise templates.wrong("prompts", f"at most {PROMPTS} texts")
    words = fields.record.get("trained_words")
    return Manifest(
        model_id=fields.text("model_id"),
        clip=ClipInfo(
            clip.text("name"),
            clip.text("pretrained"),
            clip.text("dense"),
            clip.text_or_none("activation"),
            clip.text_or_none("position_resize"),
        ),
        embedding_width=fields.integer("embedding_width", most=EMBEDDING_WIDTH),
        input=InputInfo(frame.size("size_wh"), frame.triple("mean"), frame.triple("std")),
        output=OutputInfo(output.size("grid_wh"), output.integer("units", most=UNITS)),
        logit_scale=fields.number("logit_scale"),
        templates=TemplateSet(
            templates.text("name"),
            prompts,
            "mean_first" in templates.record and templates.flag("mean_first"),
        ),
        text=TextInfo(
            text.integer("context_length", SHORTEST_CONTEXT, CONTEXT_LENGTH),
            text.text("encoder_sha256"),
            text.flag("centered"),
            text.text_or_none("tokenizer"),
        ),
        trained_words=None if words is None else fields.texts("trained_words"),
        background_words=fields.texts("background_words"),
        precision=fields.text("precision"),
        products=_read_products(fields.mapping("products")),
        units=fields.mapping("units"),
        parity=fields.mapping("parity"),
        created_by=fields.mapping("created_by"),
        files=_read_files(fields.mapping("files", required=True)),
        presence=_read_presence(fields),
    )


def _read_presence(fields: _Fields) -> float:
    presence: Any = fields.record.get("presence", 0.0)
    if not _is_number(presence) or not 0 <= presence <= PRESENCE:
        raise fields.wrong("presence", f"a number from 0 to {PRESENCE:g}")
    return float(presence)


def _read_products(records: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    products = {}
    for name, record in records.items():
        if not isinstance(record, dict):
            raise BundleError(f"{MANIFEST_FILE}: products.{name} should be an object; {REMEDY}")
        fields = _Fields(record, f"products.{name}.")
        products[name] = {kind: fields.integer(kind, least=0) for kind in record}
    return products


def _read_files(records: Mapping[str, Any]) -> dict[str, FileRecord]:
    files = {}
    for name, record in records.items():
        if not isinstance(record, dict):
            raise BundleError(f"{MANIFEST_FILE}: files.{name} should be an object; {REMEDY}")
        fields = _Fields(record, f"files.{name}.")
        sha256 = fields.text("sha256")
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise fields.wrong("sha256", "64 lower-case hex digits")
        files[name] = FileRecord(fields.integer("bytes", least=0), sha256)
    return files
