"""The command ``python -m runtime.archive``: flags in, a labelled archive out."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from runtime.archive.extra import need
from runtime.archive.job import Job, LabelConfig, ModelConfig, PoolConfig
from runtime.cli.config import WordsConfig
from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from runtime.options import add_options
from runtime.redaction import redact
from runtime.terminal import LineHandler

PROG = "python -m runtime.archive"
DESCRIPTION = """\
Label an archive of videos on Ray Data, on this machine or on a cluster. Needs the extra "ray".
Every video gets a folder of its name: labels.mkv (or masks.jsonl), areas.parquet, video.json.
Run again, what is finished is passed over."""
EXAMPLES = f"""\
examples:
  {PROG} --videos recordings/ --classes-file street.txt --out labelled/
  {PROG} --videos recordings/ --classes person,car --out labelled/ --workers 4 --masks rle
  {PROG} --videos s3://bucket/recordings --classes-file street.txt \\
      --out s3://bucket/labelled --address auto --gpus-per-worker 0.5 --smooth off

exit codes: 0 done, 1 a video could not be labelled (failures.jsonl names each), 2 wrong arguments,
130 stopped by Ctrl-C or SIGTERM"""

Config = TypeVar("Config")

__all__ = ["build_parser", "main"]


def build_parser() -> CommandParser:
    """The command's parser."""
    parser = CommandParser(prog=PROG, description=DESCRIPTION, epilog=EXAMPLES)
    archive = parser.add_argument_group("archive")
    archive.add_argument(
        "--videos",
        nargs="+",
        required=True,
        metavar="DIR_OR_FILE",
        help="folders (with all below them) or files, here or in an object store: "
        "--videos recordings/ s3://bucket/more",
    )
    archive.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="where outputs and records go: --out labelled/ or --out s3://bucket/labelled",
    )
    add_options(parser.add_argument_group("words"), WordsConfig)
    add_options(parser.add_argument_group("labels"), LabelConfig)
    add_options(parser.add_argument_group("model"), ModelConfig)
    add_options(parser.add_argument_group("cluster"), PoolConfig)
    archive.add_argument("--quiet", action="store_true", help="no progress, summary or warnings")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with ``arguments`` (default: the process's own); gives the exit code."""
    return run_command(PROG, _run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = build_parser().parse_args(list(arguments))
    need("ray", "pyarrow", "pandas")
    _configure_logging(options.debug, options.quiet)
    job = _read_job(options)
    pool = _filled(PoolConfig, options)
    from runtime.archive.run import run_archive
    from runtime.archive.store import absolute
    from runtime.archive.videos import list_videos

    videos = list_videos([*map(absolute, options.videos)], job.out)
    command = shlex.join([*PROG.split(), *map(redact, arguments)])
    return run_archive(job, pool, videos, quiet=options.quiet, debug=options.debug, command=command)


def _read_job(options: argparse.Namespace) -> Job:
    """What is done, its words and bundle checked here, before anything starts."""
    from runtime.archive.store import absolute
    from runtime.bundle import load_bundle
    from runtime.cli.opening import read_classes, read_wording
    from runtime.demo import DEMO_BUNDLE
    from runtime.shipped import SHIPPED
    from runtime.text.embedder import TextEmbedder
    from runtime.text.queries import prepare_queries

    words, model = _filled(WordsConfig, options), _filled(ModelConfig, options)
    if (words.classes is None) == (words.classes_file is None):
        raise UserError("give the classes to look for: --classes person,car or --classes-file FILE")
    classes, wording = read_classes(words), read_wording(words)
    if model.bundle is not None and model.bundle not in SHIPPED:
        model = replace(model, bundle=absolute(model.bundle))
    bundle = load_bundle(model.bundle or DEMO_BUNDLE)
    embedder = TextEmbedder(bundle)
    try:
        queries = prepare_queries(embedder, classes, words.background, words.allow_unknown, wording)
    finally:
        embedder.close()
    return Job(
        out=absolute(options.out),
        classes=tuple(classes),
        words=words,
        labels=_filled(LabelConfig, options),
        model=model,
        piece_s=_filled(PoolConfig, options).piece,
        bundle_id=bundle.id,
        class_names=queries.class_names,
        wording=wording,
    )


def _filled(kind: type[Config], options: argparse.Namespace) -> Config:
    """A dataclass of options with what was given."""
    given: dict[str, Any] = vars(options)
    names = [one.name for one in fields(kind) if one.name in given]  # type: ignore[arg-type]
    return kind(**{name: given[name] for name in names})


def _configure_logging(debug: bool, quiet: bool) -> None:
    handler = LineHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{PROG}: %(levelname)s: %(message)s"))
    for name in ("mgca", "runtime"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.DEBUG if debug else logging.ERROR if quiet else logging.WARNING)
