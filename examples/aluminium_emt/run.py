"""An active-learning campaign from its file to a potential, in minutes: what `make demo` runs.

    python run.py --output demo_output

The reference is ASE's effective-medium theory (EMT), a stand-in for a quantum-mechanical code.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from validation import validation_set

import maxvolt
from maxvolt.cli import main as command

FILE = Path(__file__).with_name("aluminium.toml")


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder to fill")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    print("Active learning of aluminium. Labels come from ASE's EMT: it stands in for DFT here, so")
    print("that nothing else is needed; its numbers say nothing about aluminium.", flush=True)
    file = options.output / FILE.name
    shutil.copyfile(FILE, file)
    print(
        "Making a validation set with EMT: molecular dynamics of solid and liquid ...", flush=True
    )
    maxvolt.write(options.output / "validation.xyz", validation_set())
    if code := command(["run", str(file)]):
        raise SystemExit(code)
    folder = file.with_suffix("")
    print(f"Done in {time.perf_counter() - started:.0f} s.")
    print(f"  potential     {folder / 'potential.almtp'}")
    print(f"  training set  {folder / 'training.xyz'}")
    print(f"  page          {folder / 'report.html'}")


if __name__ == "__main__":
    main()
