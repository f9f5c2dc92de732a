"""The export's parts stand in layers: each imports only what comes before it."""

from __future__ import annotations

import ast
from pathlib import Path

LAYERS = (
    ("progress", "even_spacing", "training_free"),
    ("graph",),
    ("precision",),
    ("parity", "text", "targets"),
    ("settings", "idle_flags"),
    ("source", "fit"),
    ("output", "activations"),
    ("candidates",),
    ("job",),
    ("cli",),
    ("__main__",),
)
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def test_no_part_imports_its_own_layer_or_one_above(repository: Path) -> None:
    broken, seen = [], set()
    for path in sorted((repository / "export").rglob("*.py")):
        part = path.relative_to(repository / "export").with_suffix("").parts[0]
        if part == "__init__":
            continue
        seen.add(part)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("export."):
                other = str(node.module).split(".")[1]
                if other != part and LEVEL[other] >= LEVEL[part]:
                    broken.append(f"{path.relative_to(repository)}:{node.lineno} imports {other}")
    assert broken == []
    assert seen == set(LEVEL)
