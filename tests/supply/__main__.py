"""Write the table of licenses anew: ``python -m tests.supply``."""

from __future__ import annotations

import sys

from tests.supply.licenses import list_packages
from tests.supply.page import PAGE, write_table


def main() -> int:
    """Read what is installed, write the page."""
    count = write_table(list_packages())
    print(f"{count} packages: {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
