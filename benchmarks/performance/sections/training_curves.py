"""How fast a loss falls: maxvolt, MLIP-3 (its log) and motep (its optimiser) on the same data.

All losses are equation (11) divided by the number of structures, which is what MLIP-3 prints; its
value also holds a penalty on the radial coefficients of about one part in a thousand.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import maxvolt
from maxvolt.threads import thread_count
from performance import motep_engine
from performance.context import Context, NotMeasuredError
from performance.own_loss import OwnLoss
from performance.results import Case, Findings, Measurement, Series

__all__ = ["measure", "read_mlip_log", "seconds_to_converge"]

_FOLDER = "reference/mlip3/active_set"
_LEVELS = (8, 16)
_MOTEP_SECONDS = {8: 60.0, 16: 120.0}
_CUTOFF, _RADIAL_BASIS_SIZE = 5.0, 8
_CONVERGED, _STEPS = 1e-3, 10
_LOG_LINE = re.compile(r"^\s*([\d.]+) BFGS iter \d+: f=([-+.\deE]+)")


def measure(context: Context) -> Findings:
    """Fit, and put the other programs' curves beside."""
    path = context.reference(f"{_FOLDER}/Mo_train100.cfg")
    dataset = maxvolt.read(path, species=["Mo"])
    found: list[Measurement] = []
    curves: list[Series] = []
    missing: list[str] = []
    for level in _LEVELS[:1] if context.quick else _LEVELS:
        group = f"Mo_train100, level {level}"
        context.say(f"{group}: maxvolt")
        own = _fit(dataset, level, 1, group)
        curves += [*own, _mlip_curve(context, level, group)]
        found += _seconds(context, own[0], level)
        try:
            if context.quick:
                raise NotMeasuredError("left out of the quick form")
            motep_engine.require_motep()
            context.say(f"{group}: motep")
            curves.append(_motep_curve(context, dataset, level, group))
        except NotMeasuredError as reason:
            missing.append(f"curve of motep, level {level}: {reason}")
    if context.quick:
        missing.append("level 16: left out of the quick form")
    else:
        context.say("mlearn Mo, level 16")
        found += _mlearn(context, curves, missing)
    return Findings(tuple(found), tuple(curves), tuple(missing))


def _fit(dataset: maxvolt.Dataset, level: int, threads: int, group: str) -> list[Series]:
    """Loss against the time since the call of `fit`: the potential, then each random start."""
    events: list[tuple[float, maxvolt.FitProgress]] = []
    began = perf_counter()
    maxvolt.fit(
        maxvolt.MTP(level, ["Mo"], _CUTOFF, _min_dist(dataset), _RADIAL_BASIS_SIZE),
        dataset,
        threads=threads,
        progress=lambda progress: events.append((perf_counter() - began, progress)),
    )
    last = events[-1][1].starts
    curves = []
    for start in (last, *range(last)):
        name = f"maxvolt, {threads} threads" if threads > 1 else "maxvolt"
        chosen = [(time, p.loss) for time, p in events if p.start == start]
        curve = _series(
            name if start == last else f"start {start + 1}",
            group,
            [time for time, _ in chosen],
            [loss for _, loss in chosen],
        )
        curves.append(replace(curve, aside=start != last))
    return [curve for curve in curves if curve.x]


def _min_dist(dataset: maxvolt.Dataset) -> float:
    """Where the radial basis begins, Angstrom: as MLIP-3 chooses it."""
    return 0.99 * maxvolt.minimum_distances(dataset).overall


def _seconds(context: Context, curve: Series, level: int) -> list[Measurement]:
    """Time to the loss that MLIP-3 ends at, and how far the fit gets."""
    case: Case = {"level": level, "data": "Mo_train100"}
    found = [
        Measurement("final loss", curve.y[-1], "", case),
        Measurement("time to the end", curve.x[-1], "s", case),
    ]
    trained = context.reference(_FOLDER) / f"m3_{level:02d}_trained.almtp"
    if trained.exists():
        target = _loss_of(trained, context)
        found.append(
            Measurement("final loss", target, "", {**case, "program": "MLIP-3"}, "neither")
        )
        reached = next((x for x, y in zip(curve.x, curve.y, strict=True) if y <= target), None)
        if reached is not None:
            found.append(Measurement("time to MLIP-3's final loss", reached, "s", case))
    return found


def _loss_of(potential_file: Path, context: Context) -> float:
    potential = maxvolt.read_potential(potential_file, ["Mo"])
    path = context.reference(f"{_FOLDER}/Mo_train100.cfg")
    if not isinstance(potential, maxvolt.MTP):
        raise TypeError(f"{potential_file} holds no single potential")
    dataset = maxvolt.read(path, species=["Mo"])
    return OwnLoss.at(potential, dataset, threads=1).loss_and_gradient()[0]


def _mlip_curve(context: Context, level: int, group: str) -> Series:
    times, losses = read_mlip_log(context.reference(f"{_FOLDER}/a{level}.log").read_text())
    return _series("MLIP-3, its log", group, times, losses)


def read_mlip_log(text: str) -> tuple[list[float], list[float]]:
    """Seconds and losses of a training log of MLIP-3 with time stamps."""
    lines = [found for line in text.splitlines() if (found := _LOG_LINE.match(line))]
    return [float(line[1]) for line in lines], [float(line[2]) for line in lines]


def _motep_curve(context: Context, dataset: maxvolt.Dataset, level: int, group: str) -> Series:
    """The optimiser of motep as its manual has it: a fit at level 2 as start, then L-BFGS-B."""
    path = context.reference(f"reference/mlip3/cases/L{level:02d}_1sp.mtp")
    history = motep_engine.train(path, dataset, _min_dist(dataset), _MOTEP_SECONDS[level])
    return _series("motep", group, *history)


def _mlearn(context: Context, curves: list[Series], missing: list[str]) -> list[Measurement]:
    """Level 16 on a larger set, all cores, and when it has converged."""
    dataset = maxvolt.read(context.reference("data/mlearn/Mo_train.xyz"))
    threads = thread_count(None)
    own = _fit(dataset, 16, threads, "mlearn Mo, level 16")
    curves += own
    curve = own[0]
    case: Case = {"level": 16, "data": "mlearn Mo", "threads": threads}
    found = [
        Measurement("final loss", curve.y[-1], "", case),
        Measurement("time to the end", curve.x[-1], "s", case),
    ]
    converged = seconds_to_converge(curve.x, curve.y)
    if converged is None:
        missing.append(
            f"time to convergence of {case['data']}: the fit ended before {_STEPS} iterations had "
            f"changed the loss by less than {_CONVERGED:g}"
        )
    else:
        found.append(Measurement("time to convergence", converged, "s", case))
    return found


def seconds_to_converge(times: tuple[float, ...], losses: tuple[float, ...]) -> float | None:
    """When the loss has first fallen by less than a thousandth in ten steps; None if never."""
    for k in range(_STEPS, len(losses)):
        if losses[k - _STEPS] - losses[k] < _CONVERGED * losses[k - _STEPS]:
            return times[k]
    return None


def _series(name: str, group: str, times: list[float], losses: list[float]) -> Series:
    return Series(name, group, "time (s)", "loss", tuple(times), tuple(losses))
