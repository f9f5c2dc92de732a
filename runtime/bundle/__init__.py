"""The bundle: a self-describing folder that holds one model, checked before it is trusted.

``manifest.json`` says what the model is and lists every other file with its size and sha256:

- ``segmenter.onnx``: ``frame`` uint8 (1, h, w, 3) RGB and ``text`` float32 (K, D) in, scores out;
- ``vocabulary.safetensors``: class names with their embeddings (see :mod:`.vocabulary`);
- ``text_encoder.onnx`` and ``tokenizer.json`` (optional, together): new names, on the device.

Reading (:func:`load_bundle`), writing (:func:`write_bundle`) and the format itself
(:class:`Manifest`, :class:`Vocabulary`) live here. Nothing in a bundle is executed or unpickled.
"""

from __future__ import annotations

from runtime.bundle.folder import (
    REQUIRED_FILES,
    SEGMENTER_FILE,
    TEXT_ENCODER_FILE,
    TOKENIZER_FILE,
    VOCABULARY_FILE,
    Bundle,
    load_bundle,
)
from runtime.bundle.manifest import (
    FORMAT,
    FORMAT_VERSION,
    MANIFEST_FILE,
    ClipInfo,
    FileRecord,
    InputInfo,
    Manifest,
    OutputInfo,
    TemplateSet,
    TextInfo,
)
from runtime.bundle.vocabulary import (
    Vocabulary,
    name_key,
    read_vocabulary,
    templates_sha256,
    write_vocabulary,
)
from runtime.bundle.writer import write_bundle

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "MANIFEST_FILE",
    "REQUIRED_FILES",
    "SEGMENTER_FILE",
    "TEXT_ENCODER_FILE",
    "TOKENIZER_FILE",
    "VOCABULARY_FILE",
    "Bundle",
    "ClipInfo",
    "FileRecord",
    "InputInfo",
    "Manifest",
    "OutputInfo",
    "TemplateSet",
    "TextInfo",
    "Vocabulary",
    "load_bundle",
    "name_key",
    "read_vocabulary",
    "templates_sha256",
    "write_bundle",
    "write_vocabulary",
]
