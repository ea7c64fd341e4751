"""Run several commands on all ranks, one after the other; keep what each prints and its exit code.

commands.json holds [name, arguments] of each.
"""

import contextlib
import io
import json
from pathlib import Path

from maxvolt.cli import main


def run_all():
    codes = {}
    for name, arguments in json.loads(Path("commands.json").read_text()):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                codes[name] = main(arguments)
            except SystemExit as wanted:  # of the parser, which the head alone has asked
                codes[name] = wanted.code
        if printed.getvalue():  # by the head alone
            with Path(f"{name}.out").open("x") as file:
                file.write(printed.getvalue())
    print(json.dumps(codes))


if __name__ == "__main__":
    run_all()
