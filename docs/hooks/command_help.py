"""Puts a command's own ``--help`` where a page says ``<!-- help: python -m export -->``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("run_without_libraries.py")
MARK = re.compile(r"^<!-- help: python -m ([a-z_.]+(?: [a-z]+)?) -->$", re.MULTILINE)


def read_help(command: str) -> str:
    """What ``python -m <command> --help`` prints, 80 columns wide."""
    done = subprocess.run(
        [sys.executable, str(RUNNER), *command.split(), "--help"],
        cwd=REPOSITORY,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PluginError(f"python -m {command} --help failed: {last}")
    return done.stdout.rstrip()


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Replace every mark by the command's help (an mkdocs event)."""
    return MARK.sub(lambda mark: f"```text\n{read_help(mark[1])}\n```", markdown)
