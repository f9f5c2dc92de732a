"""The command lines that the project's texts print: Markdown, help texts, docstrings."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("runtime", "training", "export", "benchmarks")
FENCED = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:python -m (?:training|export|runtime|benchmarks)|mgca-rt\b|torchrun )")
_EXAMPLE = re.compile(rf"^ *({COMMAND.pattern}.*)$", re.MULTILINE)
_IN_DOCSTRING = re.compile(r"``([^`]+)``")
# What follows an example in a help text, behind some blanks, says what it is for.
_REMARK = re.compile(r" {2,}.*")


def commands_of(text: str) -> list[str]:
    """Every command line of ours in a Markdown text: in blocks of code, and between backticks."""
    return [*in_blocks(text), *in_prose(text)]


def in_blocks(text: str) -> list[str]:
    """Those in blocks of code."""
    blocks = "\n".join(FENCED.findall(text)).replace("\\\n", " ").splitlines()
    return [line.strip() for line in blocks if COMMAND.match(line.strip())]


def in_prose(text: str) -> list[str]:
    """Those between backticks; without an argument they only name a command."""
    found = INLINE.findall(FENCED.sub("", text))
    return [line.strip() for line in found if COMMAND.match(line.strip())]


def as_module(line: str) -> tuple[str, list[str]]:
    """(module, arguments) of a command line; a bare one is asked for its help."""
    words = split(line)
    if words[0] == "mgca-rt":
        module, arguments = "runtime", words[1:]
    else:
        at = words.index("-m")
        module, arguments = words[at + 1], words[at + 2 :]
    if not any(word.startswith("-") for word in arguments):
        arguments = [*arguments, "--help"]
    return module, arguments


def split(line: str) -> list[str]:
    """The words of a command line without its comment and without where its output goes."""
    words = shlex.split(line, comments=True)
    return words[: words.index(">")] if ">" in words else words


def in_sources() -> tuple[set[str], set[str]]:
    """(examples of help texts, commands that docstrings print) of all modules."""
    examples: set[str] = set()
    printed: set[str] = set()
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            for text, is_docstring in _texts(ast.parse(path.read_text(encoding="utf-8"))):
                if is_docstring:
                    spans = (" ".join(span.split()) for span in _IN_DOCSTRING.findall(text))
                    printed.update(span for span in spans if COMMAND.match(span))
                elif "\n" in text or " --" in text:
                    joined = re.sub(r"\\\n *", "", text)
                    examples.update(_REMARK.sub("", line) for line in _EXAMPLE.findall(joined))
    return examples, printed


def _texts(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """(text, whether it is a docstring) of a module's texts, ``{PROG}`` filled in."""
    prog = ""
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "PROG" and isinstance(node.value, ast.Constant):
                prog = str(node.value.value)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.add(first.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node in docstrings
        elif isinstance(node, ast.JoinedStr):
            yield "".join(_part(part, prog) for part in node.values), False


def _part(part: ast.expr, prog: str) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    name = part.value if isinstance(part, ast.FormattedValue) else None
    return prog if isinstance(name, ast.Name) and name.id == "PROG" else "..."
