"""Viscosity and self-diffusion of a melt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.averages import few_blocks
from maxvolt.properties.dynamic.green_kubo import MPA_S, GreenKubo, green_kubo_viscosity
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.mean_square_displacement import (
    mean_square_displacement,
    slopes_of_blocks,
)
from maxvolt.properties.dynamic.production import Production, produced
from maxvolt.properties.dynamic.settings import Phase, PhaseSettings
from maxvolt.properties.findings import Findings, Quantity

__all__ = ["DiffusionSettings", "TransportSettings", "self_diffusion", "viscosity"]

_BLOCKS = 5
_LAGS = 4
"""Least length of a block, in the time after which atoms diffuse."""

_YEH_HUMMER = 2.837297
"""Of a cubic cell."""

_D_UNIT = "10⁻⁹ m²/s"
_D = 1e4
"""Of one Angstrom^2/fs in that unit."""

_CUBE = 1e-6
"""Relative difference of edges up to which a cell is a cube."""

_NOT_SOLVED = 0.5
"""Share of its value above which a statistical error leaves a number without meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings(PhaseSettings):
    """Settings of `viscosity`: those of `PhaseSettings` for a melt at 1000 K, and one more.

    Parameters
    ----------
    cutoff_time : ps or None
        Time up to which the autocorrelation of the stress is integrated; None: twenty times its
        integrated correlation time.
    """

    temperature: float = 1000.0
    phase: Phase = "melt"
    production_time: float = 50.0
    cutoff_time: float | None = None

    def __post_init__(self) -> None:
        PhaseSettings.__post_init__(self)
        if self.cutoff_time is not None and not 0 < self.cutoff_time < np.inf:
            self._refuse(f"cutoff_time must be a time above 0, in ps; got {self.cutoff_time!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusionSettings(TransportSettings):
    """Settings of `self_diffusion`: those of `TransportSettings`, and these.

    Parameters
    ----------
    diffusive_from : ps
        From which time on atoms diffuse; before, they fly or rattle in their cages.
    estimate
        "blocks", lines through the mean square displacements of five blocks; "kinisi", the
        Bayesian regression of that package.
    """

    diffusive_from: float = 1.0
    estimate: Literal["blocks", "kinisi"] = "blocks"

    def __post_init__(self) -> None:
        TransportSettings.__post_init__(self)
        if not 0 < self.diffusive_from < np.inf:
            self._refuse(f"diffusive_from must be above 0, in ps; got {self.diffusive_from!r}")
        least = _BLOCKS * _LAGS * self.diffusive_from
        if self.production_time < least:
            self._refuse(
                f"production_time: {_BLOCKS} blocks in which atoms diffuse need {least:g} ps or "
                f"more ({_BLOCKS} x {_LAGS} times diffusive_from); got {self.production_time:g}"
            )
        if self.estimate not in ("blocks", "kinisi"):
            self._refuse(f"estimate must be blocks or kinisi; got {self.estimate!r}")


def viscosity(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: TransportSettings = TransportSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Compute the shear viscosity by the formula of Green and Kubo, equation (100).

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium, of which the melt is made.
    settings
        Temperature, pressure, size and times.
    keeping
        Where segments are kept.

    Raises
    ------
    MaxvoltError
        The simulation ended early, or the crystal did not melt.
    """
    purpose = "viscosity"
    calculator, atoms = system_of(calculator, atoms, purpose)
    run = produced(calculator, atoms, settings, keeping, purpose)
    found = _green_kubo(run, settings)
    labels = [("time (ps)", "autocorrelation of the stress"), ("time (ps)", "integral (mPa s)")]
    times = found.times / 1e3
    curves = (
        Curve.of("stress", times, found.correlation, labels[0]),
        Curve.of("viscosity", times, found.running, labels[1]),
    )
    quantities = {"viscosity": Quantity(found.value, "mPa s", found.error), **run.state()}
    return Findings(
        "Viscosity",
        quantities,
        curves,
        (
            *run.warnings(settings),
            *_still("viscosity", _moved(run.recorded.frames)[-1], run.atoms),
            *_noise("viscosity", found.value, found.error),
            *few_blocks("viscosity", found.blocks),
        ),
        (*run.begin.notes, _note(found)),
    )


def self_diffusion(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: DiffusionSettings = DiffusionSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Compute self-diffusion from mean square displacements, equations (98) and (99).

    A periodic cell slows diffusion down; what is missing follows from the viscosity, which the same
    simulation gives.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium, of which the melt is made.
    settings
        Temperature, pressure, size, times, estimate.
    keeping
        Where segments are kept.

    Raises
    ------
    MaxvoltError
        The simulation ended early, the crystal did not melt, or kinisi is not installed.
    """
    purpose = "self-diffusion"
    if settings.estimate == "kinisi":
        _require_kinisi()
    calculator, atoms = system_of(calculator, atoms, purpose)
    run = produced(calculator, atoms, settings, keeping, purpose)
    friction = _green_kubo(run, settings)
    symbols = list(dict.fromkeys(run.atoms.get_chemical_symbols()))
    frames = {one: run.recorded.frames[:, run.atoms.symbols == one] for one in symbols}
    moved = {one: _moved(frames[one]) for one in symbols}
    still = {one: _still(one, moved[one][-1], run.atoms) for one in symbols}
    correction, note = _finite_size(run, friction, flows=not any(still.values()))
    quantities: dict[str, Quantity] = {}
    curves: list[Curve] = []
    warnings: tuple[str, ...] = run.warnings(settings)
    for symbol in symbols:
        of = "" if len(symbols) == 1 else f" of {symbol}"
        value, error = _diffusion(run, frames[symbol], symbol, settings)
        quantities[f"self-diffusion{of}, in this cell"] = Quantity(value, _D_UNIT, error)
        if correction is not None:
            both = float(np.hypot(error, correction.statistical_error or 0.0))
            total = value + correction.value
            quantities[f"self-diffusion{of}"] = Quantity(total, _D_UNIT, both)
        times = np.arange(len(moved[symbol])) * run.recorded.frame_time / 1e3
        labels = ("time (ps)", "mean square displacement (Å²)")
        curves.append(Curve.of(symbol, times, moved[symbol], labels))
        warnings += still[symbol]
        warnings += _noise(f"self-diffusion{of}", value, error)
    if correction is not None:
        warnings += _noise("viscosity", friction.value, friction.error)
        warnings += few_blocks("viscosity", friction.blocks)
        quantities["finite-size correction"] = correction
    quantities["viscosity"] = Quantity(friction.value, "mPa s", friction.error)
    quantities |= run.state()
    notes = (*run.begin.notes, note, _note(friction), _how(settings))
    return Findings("Self-diffusion", quantities, tuple(curves), warnings, notes)


def _diffusion(
    run: Production, frames: NDArray[np.float64], symbol: str, settings: DiffusionSettings
) -> tuple[float, float]:
    """Coefficient and its error."""
    if settings.estimate == "kinisi":
        return _by_kinisi(run, symbol, settings)
    first = max(1, round(settings.diffusive_from * 1e3 / run.recorded.frame_time))
    slopes = slopes_of_blocks(frames, _BLOCKS, first) / run.recorded.frame_time / 6 * _D
    return float(slopes.mean()), float(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def _require_kinisi() -> None:
    try:
        import kinisi  # noqa: F401
    except ImportError as error:
        raise MaxvoltError(
            "self-diffusion: the estimate by kinisi needs that package: pip install "
            "maxvolt[kinisi], or take estimate=blocks"
        ) from error


_KINISI_LAGS = 50


def _by_kinisi(run: Production, symbol: str, settings: DiffusionSettings) -> tuple[float, float]:
    """Mean and standard deviation of the posterior distribution.

    A. R. McCluskey, S. W. Coles, B. J. Morgan, J. Chem. Theory Comput. 21, 79 (2025). Up to half of
    the simulation, at fifty times.
    """
    import scipp
    from kinisi.analyze import DiffusionAnalyzer

    recorded = run.recorded
    frames = []
    for positions in recorded.frames:
        one = run.atoms.copy()
        one.positions = positions
        frames.append(one)
    lags = np.unique(np.linspace(1, len(frames) // 2, _KINISI_LAGS).astype(int))
    step = recorded.frame_time
    analyzer = DiffusionAnalyzer.from_ase(
        frames,
        specie=symbol,
        time_step=scipp.scalar(step, unit="fs"),
        step_skip=scipp.scalar(1),
        dt=scipp.array(dims=["time interval"], values=lags * step, unit="fs"),
        progress=False,
    )
    begin = scipp.scalar(settings.diffusive_from * 1e3, unit="fs")
    state = np.random.RandomState(settings.seed)  # what kinisi takes
    analyzer.diffusion(begin, progress=False, random_state=state)
    samples = scipp.to_unit(analyzer.D, "m^2/s").values * 1e9
    return float(np.mean(samples)), float(np.std(samples, ddof=1))


def _finite_size(
    run: Production, friction: GreenKubo, *, flows: bool
) -> tuple[Quantity | None, str]:
    """What a periodic cube lacks in diffusion, and what is said of it."""
    edges = run.atoms.cell.lengths()
    if not np.allclose(run.atoms.cell.array, edges[0] * np.eye(3), atol=_CUBE * edges[0]):
        return None, (
            "the cell is no cube: diffusion is not corrected for its size; compare two sizes"
        )
    if not flows:
        return None, "atoms keep their places: diffusion is not corrected for the cell"
    if friction.value <= 0:
        return None, "the viscosity is lost in noise: diffusion is not corrected for the cell"
    mean = float(run.recorded.temperatures.mean())
    friction_atomic = friction.value / MPA_S
    value = _YEH_HUMMER * units.kB * mean / (6 * np.pi * friction_atomic * edges[0]) * _D
    error = value * friction.error / friction.value
    note = "diffusion in a periodic cube is corrected to infinite size (Yeh and Hummer)"
    return Quantity(value, _D_UNIT, error), note


def _green_kubo(run: Production, settings: TransportSettings) -> GreenKubo:
    recorded = run.recorded
    return green_kubo_viscosity(
        recorded.stresses,
        recorded.value_time,
        float(run.atoms.get_volume()),
        float(recorded.temperatures.mean()),
        None if settings.cutoff_time is None else settings.cutoff_time * 1e3,
    )


def _noise(what: str, value: float, error: float) -> tuple[str, ...]:
    if error <= _NOT_SOLVED * abs(value) and value > 0:
        return ()
    return (f"{what}: the statistical error is as large as the number; raise production_time",)


def _moved(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square displacements up to half of the simulation, Angstrom^2."""
    return mean_square_displacement(frames)[: len(frames) // 2]


def _still(what: str, moved: float, atoms: Atoms) -> tuple[str, ...]:
    """Say so where atoms have not left their places."""
    apart = (atoms.get_volume() / len(atoms)) ** (2 / 3)
    if moved > apart:
        return ()
    return (
        f"{what}: atoms have moved by {moved**0.5:.2g} Å only, less than the distance between "
        "them: nothing flows; raise production_time or temperature",
    )


def _note(found: GreenKubo) -> str:
    return (
        f"stress integrated up to {found.cutoff_time / 1e3:.2g} ps, error from {found.blocks} "
        "blocks"
    )


def _how(settings: DiffusionSettings) -> str:
    if settings.estimate == "kinisi":
        return f"diffusion by kinisi, from {settings.diffusive_from:g} ps on"
    return (
        f"diffusion: lines from {settings.diffusive_from:g} ps to half of each of {_BLOCKS} blocks"
    )
