"""Run the command line as ``python -m maxvolt``."""

import sys

from maxvolt.cli import main

if __name__ == "__main__":
    sys.exit(main())
