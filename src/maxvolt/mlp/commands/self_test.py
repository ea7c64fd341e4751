"""`self-test` and `test`: whether this installation computes what it should."""

from __future__ import annotations

from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call, Command

__all__ = ["COMMANDS"]


def _test(call: Call) -> None:
    from maxvolt.mlp.checks_of_itself import checks

    wrong = 0
    for number, check in enumerate(checks(), 1):
        verdict = "ok" if check.is_right else "WRONG"
        print(f"test {number}: {check.name}: {check.found:.2g} (at most {check.most:g}): {verdict}")
        wrong += not check.is_right
    if wrong:
        raise MaxvoltError(
            f"{wrong} tests failed: this installation computes wrongly and must not be used; "
            "install it again, and report what was printed"
        )
    print("All tests passed")


COMMANDS = (
    Command(
        names={2: "self-test", 3: "test"},
        files={2: "", 3: ""},
        summary="check this installation: derivatives, files, grades; a few seconds",
        options=(),
        run=_test,
    ),
)
