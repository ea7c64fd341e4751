"""How long a program waits before it can begin: the import, the command's help."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from performance.context import Context
from performance.results import Findings, Measurement
from performance.timing import smallest_times

__all__ = ["measure"]

_COMMANDS = {
    "python alone": ("-c", "pass"),
    "import maxvolt": ("-c", "import maxvolt"),
    "import, make a potential": (
        "-c",
        "import maxvolt; maxvolt.MTP(16, ['Mo'], 5.0, 2.0); maxvolt.Calculator",
    ),
    "maxvolt --help": ("-m", "maxvolt", "--help"),
}


def measure(context: Context) -> Findings:
    """Time whole processes."""
    context.say("start of a process")
    works: dict[str, Callable[[], object]] = {
        name: lambda arguments=arguments: subprocess.run(  # type: ignore[misc]
            [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
        )
        for name, arguments in _COMMANDS.items()
    }
    times = smallest_times(works, context.seconds, wall=True)
    return Findings(
        tuple(Measurement("time", time, "s", {"command": name}) for name, time in times.items())
    )
