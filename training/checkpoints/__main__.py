"""``python -m training.checkpoints COMMAND``: what can be done to checkpoints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from runtime.command import CommandParser, run_command
from runtime.errors import UserError
from training.checkpoints import deepen, distill, interpolate, narrow, slim

PROG = "python -m training.checkpoints"
COMMANDS: dict[str, tuple[str, Callable[[Sequence[str]], None]]] = {
    "interpolate": ("one model between two states of a run, weight by weight", interpolate.run),
    "deepen": ("the same image tower with more blocks, which begin as nothing", deepen.run),
    "narrow": ("the same model with embeddings of fewer directions", narrow.run),
    "distill": ("the same model for smaller pictures, taught by a larger view", distill.run),
    "slim": ("half precision, nothing for resuming: fit to ship", slim.run),
}
EXAMPLES = f"""commands:
{chr(10).join(f"  {name:<12} {what}" for name, (what, _) in COMMANDS.items())}

examples:
  {interpolate.EXAMPLE}
  {deepen.EXAMPLE}
  {narrow.EXAMPLE}
  {distill.EXAMPLE}
  {slim.EXAMPLE}

python -m training.checkpoints COMMAND --help says what each takes.
"""


def run(arguments: Sequence[str]) -> None:
    """Hand the rest of the command line to the command that it begins with."""
    name = arguments[0] if arguments else ""
    if name in COMMANDS:
        COMMANDS[name][1](arguments[1:])
        return
    parser = CommandParser(prog=PROG, description=__doc__, epilog=EXAMPLES)
    parser.add_argument("command", choices=tuple(COMMANDS), help="see below")
    parser.parse_args(arguments)
    raise UserError(f"the command comes first, then its flags; see {PROG} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command(PROG, run, arguments)


if __name__ == "__main__":
    sys.exit(main())
