"""``python -m runtime`` is ``mgca-rt``."""

from __future__ import annotations

import sys

from runtime.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
