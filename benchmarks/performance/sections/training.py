"""Training: one loss with gradient, a pass of Gauss-Newton and its parts, beside motep.

The data are the 100 configurations (5245 atoms) that MLIP-3's reference times are of. Both programs
compute the same loss at the same coefficients; that they agree is checked.
"""

from __future__ import annotations

from collections.abc import Callable

import maxvolt
from maxvolt.threads import thread_count
from performance import motep_engine
from performance.cases import reference_potential
from performance.context import Context, NotMeasuredError
from performance.gauss_newton import parts_of_pass
from performance.own_loss import OwnLoss
from performance.results import Case, Findings, Measurement
from performance.timing import smallest_times

__all__ = ["measure"]

_LEVELS = (8, 12, 16, 20)
_QUICK_LEVELS_OF_MOTEP = (8, 12)
_LOSS, _PASS = "loss and gradient", "Gauss-Newton pass"
_PARTS = ("linear rows", "symmetric product", "radial rows")  # of a pass
# What MLIP-3 took for one loss and gradient of this set, one core: s, by level; not measured here.
_MLIP_SECONDS = {8: 0.127, 12: 0.613, 16: 1.65, 20: 3.69}
_LARGEST_DIFFERENCE = 1e-9  # of the losses of the two programs, relative


def measure(context: Context) -> Findings:
    """Time each level."""
    dataset = maxvolt.read(
        context.reference("reference/mlip3/active_set/Mo_train100.cfg"), species=["Mo"]
    )
    missing: list[str] = []
    of_motep: tuple[int, ...] = _LEVELS
    try:
        motep_engine.require_motep()
        if context.quick:
            of_motep = _QUICK_LEVELS_OF_MOTEP
            missing.append(f"motep above level {of_motep[-1]}: left out of the quick form")
    except NotMeasuredError as reason:
        of_motep = ()
        missing.append(f"times of motep: {reason}")
    found: list[Measurement] = []
    for level in _LEVELS:
        context.say(f"training, level {level}")
        found += _one(context, dataset, level, with_motep=level in of_motep)
    return Findings(tuple(found), not_measured=tuple(missing))


def _one(
    context: Context, dataset: maxvolt.Dataset, level: int, *, with_motep: bool
) -> list[Measurement]:
    potential = reference_potential(context, level, "Mo")
    own = OwnLoss.at(potential, dataset, threads=1)
    parts = parts_of_pass(own)
    works: dict[str, Callable[[], object]] = {
        "evaluation": parts["evaluation"],
        _LOSS: own.loss_and_gradient,
        _PASS: own.normal_equations,
        **{name: parts[name] for name in _PARTS},
    }
    if with_motep:
        loss = motep_engine.MotepLoss(
            context.reference(f"reference/mlip3/cases/L{level:02d}_1sp.mtp"), dataset
        )
        parameters, losses = loss.parameters, []
        works["motep"] = lambda: losses.append(loss(parameters)[0])
    times = smallest_times(works, context.seconds, least=2)
    if with_motep:
        _require_equal(own.loss_and_gradient()[0], losses[0], level)
    return _measurements(level, times, _on_two_threads(context, potential, dataset))


def _on_two_threads(
    context: Context, potential: maxvolt.MTP, dataset: maxvolt.Dataset
) -> dict[str, float]:
    """Times with both cores; none where there is one."""
    if thread_count(None) < 2:
        return {}
    own = OwnLoss.at(potential, dataset, threads=2)
    works = {_LOSS: own.loss_and_gradient, _PASS: own.normal_equations}
    return smallest_times(works, 0.5 * context.seconds, wall=True)


def _measurements(
    level: int, times: dict[str, float], on_two_threads: dict[str, float]
) -> list[Measurement]:
    found = []
    every = {(name, 1): times[name] for name in ("evaluation", _LOSS, _PASS)}
    every |= {(name, 2): time for name, time in on_two_threads.items()}
    for (name, threads), time in every.items():
        case: Case = {"level": level, "threads": threads, "program": f"maxvolt, {name}"}
        found.append(Measurement("time", time, "s", case))
    ratios = {
        f"{name} / evaluation": times[name] / times["evaluation"]
        for name in (_LOSS, _PASS, *_PARTS)
    }
    found += [Measurement(name, value, "", {"level": level}) for name, value in ratios.items()]
    of_mlip: Case = {"level": level, "threads": 1, "program": "MLIP-3, reference machine"}
    found.append(Measurement("time", _MLIP_SECONDS[level], "s", of_mlip, "neither"))
    if "motep" in times:
        of_motep: Case = {"level": level, "threads": 1, "program": f"motep, {_LOSS}"}
        ratio = times["motep"] / times[_LOSS]
        found += [
            Measurement("time", times["motep"], "s", of_motep),
            Measurement("motep / maxvolt", ratio, "", {"level": level}, "higher"),
        ]
    return found


def _require_equal(own: float, other: float, level: int) -> None:
    if abs(own - other) > _LARGEST_DIFFERENCE * abs(own):
        raise RuntimeError(f"level {level}: the two programs disagree: losses {own} and {other}")
