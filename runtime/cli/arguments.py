"""The command line of ``mgca-rt``: flags, and a file of them, fill one session config."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from runtime.cli.config import (
    RunningConfig,
    SessionConfig,
    SourcesConfig,
    WordsConfig,
    merge_config,
)
from runtime.cli.config_file import read_config
from runtime.cli.streams import check_streams, read_sources
from runtime.command import CommandParser, hide_login
from runtime.options import GIVEN_SOURCES, add_options
from runtime.sinks.registry import registered_sinks

DESCRIPTION = """\
Open-vocabulary segmentation of a camera, a video or images: name the classes, get their masks.
Without a source it segments the demo clip and writes mgca-demo.mp4."""

EXAMPLES = """\
examples:
  mgca-rt
  mgca-rt --camera 0 --classes person,car --show
  mgca-rt --video drive.mp4 --classes 'sky,road,vehicle=car|bus' --out overlay.mp4
  mgca-rt --video rtsp://user:password@host/stream --classes person --jsonl - --rle
  mgca-rt --test-pattern --classes person --show
  mgca-rt --images frames/ --classes sky,road,tree --background none --label-dir labels/
  mgca-rt --camera 0 --name door=rtsp://host/stream --classes person --jsonl '{name}.jsonl'
  mgca-rt --config site.toml --max-frames 100
  mgca-rt words [PREFIX]    the words that a bundle knows
  mgca-rt doctor            what this machine has, which backend runs, and a short self-test
  mgca-rt cache list        the engines and compiled graphs kept here (cache clear removes them)

exit codes: 0 done, 1 failed while running (also when one output failed and the others went on),
2 wrong arguments, 3 the camera or stream is gone, 130 stopped by Ctrl-C or SIGTERM (every output
is closed first)"""

__all__ = ["CommandLine", "build_parser", "parse_arguments"]


@dataclass(frozen=True)
class CommandLine:
    """What was typed.

    Attributes:
        config: the run, from the file and the flags.
        config_file: the file that ``--config`` named.
        print_config: write the config as a file instead of running.
        version: print the version instead of running.
        debug: show tracebacks.
    """

    config: SessionConfig
    config_file: str | None
    print_config: bool
    version: bool
    debug: bool


class ArgumentParser(CommandParser):
    """The commands' parser; an argument without a flag is told which flag a source needs."""

    def _describe_unknown(self, argument: str) -> str:
        if argument.startswith("-"):
            return super()._describe_unknown(argument)
        argument = hide_login(argument)
        return (
            f"unexpected argument {argument!r}; a source needs its flag: --video {argument} or "
            f"--images {argument}"
        )


def build_parser() -> ArgumentParser:
    """The parser of ``mgca-rt``, with the flags of every registered sink."""
    parser = ArgumentParser(
        prog="mgca-rt",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n\n{_list_backends()}",
    )
    sources = parser.add_argument_group(
        "source",
        "any of these, also several times: each is a stream, called cam0, cam1 and so on, and "
        "{name} in an output's path is its name. Without any, the demo clip",
    )
    add_options(sources, SourcesConfig)
    sources.add_argument(
        "--name",
        action="append",
        metavar="NAME=SOURCE",
        help="a source with a name: --name door=rtsp://host/stream --name yard=1",
    )
    add_options(parser.add_argument_group("words"), WordsConfig)
    outputs = parser.add_argument_group(
        "outputs",
        "any mix. A missing folder is made (but none directly under /); a file that exists is "
        "replaced when the first new frame is ready",
    )
    for sink in registered_sinks():
        add_options(outputs, sink.Options)
    running = parser.add_argument_group("running")
    add_options(running, RunningConfig)
    running.add_argument(
        "--config",
        metavar="FILE",
        help="a TOML file of these flags, which flags given beside it outdo: --config site.toml",
    )
    running.add_argument(
        "--print-config",
        action="store_true",
        help="write the flags given as such a file: --camera 0 --classes car --print-config",
    )
    running.add_argument("--version", action="store_true", help="print the version and leave")
    return parser


def parse_arguments(arguments: Sequence[str]) -> CommandLine:
    """Parse and check; raises ``UserError``. What needs a file or the model is checked later."""
    options = vars(build_parser().parse_args(arguments))
    config = SessionConfig()
    if options["config"] is not None:
        from_file = read_config(options["config"])
        config = replace(merge_config(config, from_file.values), streams=from_file.streams)
    given, named = options.pop(GIVEN_SOURCES, ()), options.pop("name") or ()
    sources = read_sources(given, named) if given or named else {}
    if isinstance(sources, dict):
        config = merge_config(config, {**options, **sources})
    else:  # they take the place of those of the file, as one would
        nothing = dict.fromkeys(SourcesConfig.ALTERNATIVES)
        config = replace(merge_config(config, {**options, **nothing}), streams=sources)
    check_streams(config)
    return CommandLine(
        config=config,
        config_file=options["config"],
        print_config=options["print_config"],
        version=options["version"],
        debug=options["debug"],
    )


def _list_backends() -> str:
    """The names that ``--backend`` takes, none of them broken at a hyphen."""
    from runtime.backends.open import BACKEND_NAMES

    names = textwrap.fill(
        ", ".join(BACKEND_NAMES),
        width=96,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
    return f"backends, for --backend:\n{names}"
