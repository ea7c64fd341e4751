"""Run lines of `mlp` on all ranks, one after the other; exit with the code of the first that fails.

lines.json holds the words of each.
"""

import json
import sys
from pathlib import Path

from maxvolt.mlp import main


def run_all():
    for words in json.loads(Path("lines.json").read_text()):
        if code := main(words):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(run_all())
