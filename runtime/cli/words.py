"""``mgca-rt words [PREFIX]``: the words that a bundle knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from runtime.bundle import TEXT_ENCODER_FILE, load_bundle, name_key
from runtime.command import CommandParser
from runtime.demo import DEMO_BUNDLE
from runtime.text.embedder import TextEmbedder
from runtime.text.known import known_words

PROG = "mgca-rt words"
_EXAMPLES = """\
examples:
  mgca-rt words
  mgca-rt words car
  mgca-rt words --bundle bundles/mine --json

Words come one a line, those of the background list marked with a star. A closed list names all
that the model was trained on; where a bundle has its text encoder, words put together of them
(purple bus) work too. An open vocabulary takes any word; its list is what was computed before."""

__all__ = ["run_words"]


def run_words(arguments: Sequence[str]) -> int:
    """Run the subcommand with what stands behind ``mgca-rt words``; gives the exit code."""
    parser = CommandParser(
        prog=PROG, description="List the words that a bundle knows.", epilog=_EXAMPLES
    )
    parser.add_argument(
        "prefix", nargs="?", default="", metavar="PREFIX", help="only those that begin so"
    )
    parser.add_argument("--bundle", metavar="DIR", help="a bundle's folder (default: the demo's)")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    options = parser.parse_args(list(arguments))
    embedder = TextEmbedder(load_bundle(options.bundle or DEMO_BUNDLE, verify=False))
    try:
        record = describe_words(embedder, options.prefix)
    finally:
        embedder.close()
    print(json.dumps(record, ensure_ascii=False) if options.json else "\n".join(_lines(record)))
    return 0


def describe_words(embedder: TextEmbedder, prefix: str = "") -> dict[str, Any]:
    """What a bundle knows, as a record of plain values; ``words`` are those with the prefix."""
    bundle = embedder.bundle
    words = known_words(bundle)
    key = name_key(prefix)
    chosen = [word for word in words if name_key(word).startswith(key)]
    manifest = bundle.manifest
    return {
        "bundle": bundle.id,
        "model": manifest.model_id,
        "open_vocabulary": manifest.trained_words is None,
        "text_encoder": bundle.has(TEXT_ENCODER_FILE),
        "count": len(words),
        "prefix": prefix,
        "words": chosen,
        "nearest": [] if chosen else embedder.nearest(prefix),
        "cached": [word for word in bundle.vocabulary().names if word in set(chosen)],
        "background": list(manifest.background_words),
        "templates": {"name": manifest.templates.name, "prompts": list(manifest.templates.prompts)},
    }


def _lines(record: dict[str, Any]) -> list[str]:
    starred = set(map(name_key, record["background"]))
    lines = [f"{word} *" if name_key(word) in starred else word for word in record["words"]]
    if not lines:
        near = ", ".join(record["nearest"])
        lines = [
            f"no word begins with {record['prefix']!r}" + (f"; near it: {near}" if near else "")
        ]
    count, encoder = record["count"], record["text_encoder"]
    if record["open_vocabulary"] and encoder:
        kind = f"open vocabulary: any word works; {count} are computed beforehand"
    elif encoder:
        kind = f"closed list of {count} words; phrases put together of them work too"
    else:
        kind = f"{count} word{'' if count == 1 else 's'}, and no text encoder for others"
    prompts = record["templates"]["prompts"]
    few, others = prompts[:3], len(prompts[3:])
    more = f", and {others} more" if others else ""
    return [
        *lines,
        "",
        f"{record['model']}: {kind}",
        f"* {len(starred)} background words compete with your classes (--background)",
        f"prompts ({record['templates']['name']}): {', '.join(map(repr, few))}{more}",
    ]
