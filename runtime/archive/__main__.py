"""``python -m runtime.archive``: an archive of videos on Ray Data."""

from __future__ import annotations

import sys

from runtime.archive.entry import main

if __name__ == "__main__":
    sys.exit(main())
