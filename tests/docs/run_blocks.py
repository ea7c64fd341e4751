"""Run the blocks of a page, in their order, in the current folder.

    python run_blocks.py steps.json

The file is a list of steps: kind (python, sh or file), text, line, and the path of the page or name
of the file. Python has one namespace for all blocks. The first block that fails ends the run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from pathlib import Path
from types import ModuleType

_BEFORE = '[ ! -e "{state}" ] || . "{state}"\n'
_AFTER = '\n{{ export -p; printf "cd %q\\n" "$PWD"; }} > "{state}"\n'


def run(steps: list[dict[str, str]]) -> int:
    """Exit code: 0, or 1 with a message that names page and line."""
    module = ModuleType("__main__")  # where pickled functions of the blocks are looked for
    sys.modules["__main__"] = module
    state = Path.cwd() / ".state_of_the_shell"
    for step in steps:
        where = f"{Path(step['name']).name}:{step['line']}"
        print(f"--- {where}", flush=True)
        if step["kind"] == "file":
            Path(step["name"]).write_text(step["text"], encoding="utf-8")
        elif step["kind"] == "python":
            code = "\n" * int(step["line"]) + step["text"]  # lines as in the page
            try:
                exec(compile(code, step["name"], "exec"), module.__dict__)
            except BaseException:  # noqa: BLE001 (what a block raises is reported, whatever it is)
                traceback.print_exc()
                print(f"the block at {where} failed", file=sys.stderr)
                return 1
        else:
            code = _BEFORE.format(state=state) + step["text"] + _AFTER.format(state=state)
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], check=False)
            if done.returncode != 0:
                print(f"the block at {where} ended with code {done.returncode}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
