"""``calc-grade``, ``select-add`` and their like: how far configurations extrapolate."""

from __future__ import annotations

from maxvolt.mlp.command import Call, Command
from maxvolt.mlp.commands.selection_options import GRADE_OPTIONS, SELECT_OPTIONS, STATE_OPTIONS

__all__ = ["COMMANDS"]


def _calc_grade(call: Call) -> None:
    from maxvolt.mlp.grades import calc_grade

    calc_grade(call)


def _calculate_grade(call: Call) -> None:
    from maxvolt.mlp.grades import calculate_grade

    calculate_grade(call)


def _select_add(call: Call) -> None:
    from maxvolt.mlp.grades import select_add

    select_add(call)


def _select(call: Call) -> None:
    from maxvolt.mlp.grades import select

    select(call)


COMMANDS = (
    Command(
        names={2: "calc-grade"},
        files={2: "pot.mtp train.cfg in.cfg out.cfg"},
        summary="extrapolation grades of configurations, by the active set of a training set",
        options=GRADE_OPTIONS,
        run=_calc_grade,
        on_ranks=True,
    ),
    Command(
        names={3: "calculate_grade"},
        files={3: "pot.almtp in.cfg out.cfg"},
        summary="extrapolation grades of configurations, by the active set in the potential",
        options=STATE_OPTIONS,
        run=_calculate_grade,
        on_ranks=True,
    ),
    Command(
        names={2: "select-add", 3: "select_add"},
        files={
            2: "pot.mtp train.cfg candidates.cfg out.cfg",
            3: "pot.almtp train.cfg candidates.cfg out.cfg",
        },
        summary="select the candidates that a training set lacks",
        options=SELECT_OPTIONS,
        run=_select_add,
        on_ranks=True,
    ),
    Command(
        names={3: "select"},
        files={3: "pot.almtp in.cfg out.cfg"},
        summary="select the configurations from which all others are interpolated",
        options=tuple(
            option
            for option in SELECT_OPTIONS
            if 3 in option.versions and option.name not in ("save_selected_to", "swap_limit")
        ),
        run=_select,
        on_ranks=True,
    ),
)
