"""A sentence encoder of a few kilobytes, as Hugging Face publishes them: random weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (
    "a an the photo of in picture there is small many dog cat car bus red green blue person tree "
    "##s ##ing ##er sky street light traffic . , ' - ! and to be seen no old near"
).split()
WIDTH = 16


def word_pieces() -> list[str]:
    """The tokens, in the order of their ids: special ones, words, letters."""
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1) if chr(code) != "a"]
    digits = [str(number) for number in range(10)]
    inner = [f"##{letter}" for letter in ["a", *letters, *digits] if f"##{letter}" != "##s"]
    return [*SPECIAL, *WORDS, *letters, *digits, *inner]


def tokenizer_json(**changes: Any) -> bytes:
    """A WordPiece tokenizer of BERT's kind; ``changes`` replace parts of the file."""
    tokens = {token: number for number, token in enumerate(word_pieces())}
    special = [
        {"id": tokens[token], "content": token, "special": True, "single_word": False,
         "lstrip": False, "rstrip": False, "normalized": False}
        for token in SPECIAL
    ]  # fmt: skip
    around = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    named = {
        token: {"id": token, "ids": [tokens[token]], "tokens": [token]}
        for token in ("[CLS]", "[SEP]")
    }
    content = {
        "version": "1.0",
        "truncation": {"max_length": 9, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None,
                    "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": around, "pair": around,
                           "special_tokens": named},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": tokens},
        **changes,
    }  # fmt: skip
    return json.dumps(content).encode()


def write_sentence_folder(
    folder: Path, kind: str = "bert", prefix: str = "", files: Mapping[str, Any] | None = None
) -> Path:
    """Write ``config.json``, ``tokenizer.json`` and ``model.safetensors``.

    Args:
        folder: created.
        kind: ``bert``, ``distilbert``, ``roberta`` or ``xlm-roberta``.
        prefix: put before the names of the weights, as models with a head have it.
        files: other content by file name: bytes, or what becomes JSON.
    """
    import torch
    import transformers
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    sizes: dict[str, Any] = {
        "vocab_size": len(word_pieces()), "hidden_size": WIDTH, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 24,
        "pad_token_id": 0,
    }  # fmt: skip
    if kind == "distilbert":
        sizes = {
            "vocab_size": len(word_pieces()), "dim": WIDTH, "n_layers": 2, "n_heads": 2,
            "hidden_dim": 32, "max_position_embeddings": 24, "pad_token_id": 0,
        }  # fmt: skip
    torch.manual_seed(5)
    model = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(kind, **sizes))
    for value in model.parameters():  # as random models are made, all texts look alike
        torch.nn.init.normal_(value, std=0.3)
    state = {f"{prefix}{name}": value.contiguous() for name, value in model.state_dict().items()}
    if prefix:
        state["cls.predictions.bias"] = torch.zeros(3)
    save_file(state, str(folder / "model.safetensors"))
    content = {
        "config.json": {"model_type": kind, **sizes},
        "tokenizer.json": tokenizer_json(),
        **(files or {}),
    }
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return folder
