"""What ``train`` does: fit a potential, and give it an active set as MLIP-3 does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.cli.fit_progress import fit_reporter
from maxvolt.cli.prediction import processors
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, MaxvoltError
from maxvolt.fitting.progress_display import describe_progress
from maxvolt.fitting.settings import FitSettings, Scaling, SizeScaling, Weights
from maxvolt.mlp.command import Call
from maxvolt.mlp.configurations import check_outputs, read_configurations
from maxvolt.mlp.outputs import STREAMS, is_file
from maxvolt.mlp.potentials import TypedPotential, typed
from maxvolt.mlp.reports import report_of
from maxvolt.mlp.selection import write_state
from maxvolt.mlp.training import read_start, started, with_shortest_distance
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.files.access import PotentialFile
from maxvolt.selection import ActiveSet, RowWeights
from maxvolt.selection.mlip_files import read_active_rows
from maxvolt.selection.weights import Mode

if TYPE_CHECKING:
    from maxvolt.fitting import FitResult
    from maxvolt.fitting.progress import FitProgress

__all__ = ["settings_of", "train"]

_MODES: dict[str, Mode] = {"cfg": "configuration", "nbh": "neighborhood"}


def train(call: Call) -> None:
    """Fit, write the potential, print the errors."""
    path, source = call.files
    target = _target(call)
    settings = settings_of(call)
    file = read_start(path)
    rows = _rows(call, file)
    configurations = read_configurations(source)
    start = started(path, file, configurations, call.version)
    dataset = start.dataset(configurations, source)
    if call.version == 3 and not call.options["no_mindist_update"]:
        start = with_shortest_distance(start, dataset)
    validation = _validation(call, start)
    result = _fitted(call, start.potential, dataset, validation, settings, Path(target))
    assert isinstance(result.potential, MTP)
    result.potential.write(target)
    if rows is not None:
        active_set = ActiveSet.from_dataset(
            result.potential, dataset, weights=rows, algorithm="mlip", ranks=call.ranks
        )
        write_state(target, active_set, call.version)
        note(f"active set: {active_set.mode} mode, {active_set.completeness}")
    _print(result, call.version)
    note(f"{target}: the trained potential")
    _checkpoint_of(Path(target)).unlink(missing_ok=True)


def _target(call: Call) -> str:
    """File for the trained potential; of MLIP-3 by default the one that was given."""
    path, source = call.files
    options = call.options
    if call.version == 2:
        check_outputs(options["trained-pot-name"], inputs=[source])
        return str(options["trained-pot-name"])
    target = options["save_to"] or path
    log = options["log"] if is_file(options["log"]) else None
    check_outputs(target, log, inputs=[source])
    return str(target)


def _rows(call: Call, file: PotentialFile) -> RowWeights | None:
    """Rows of the active set; None where the potential gets none."""
    if call.version == 2:
        return None
    mode, path = call.options["al_mode"], call.files[0]
    if mode not in _MODES:
        raise MaxvoltError(f"--al_mode: expected cfg or nbh, got '{mode}'")
    if "al_mode" not in call.given and file.active_set is not None:
        return read_active_rows(path, typed(path, file).potential.species).weights
    return RowWeights() if mode == "cfg" else RowWeights(energy=0.0, site_energy=1.0)


def _validation(call: Call, start: TypedPotential) -> Dataset | None:
    path = call.options.get("valid-cfgs")
    return start.dataset(read_configurations(path), path) if path else None


def _fitted(
    call: Call,
    start: MTP,
    dataset: Dataset,
    validation: Dataset | None,
    settings: FitSettings,
    target: Path,
) -> FitResult:
    from maxvolt.fitting import fit

    checkpoint = _checkpoint_of(target)
    goes_on = _goes_on(checkpoint, start, dataset, settings)
    note(
        f"training on {counted(len(dataset), 'configuration')}, {counted(dataset.n_atoms, 'atom')};"
        f" {start.n_parameters} parameters; {processors(call.ranks, None)}"
    )
    with _reporter(call) as report:
        return fit(
            start,
            dataset,
            settings,
            validation=validation,
            checkpoint=checkpoint,
            restart=goes_on,
            progress=report,
            ranks=call.ranks,
        )


def _checkpoint_of(target: Path) -> Path:
    return target.with_name(target.name + ".checkpoint")


def _goes_on(checkpoint: Path, start: MTP, dataset: Dataset, settings: FitSettings) -> bool:
    """Whether an interrupted fit of the same line is there; one of another is put away."""
    from maxvolt.fitting.variable_projection.checkpoint import fit_signature, read_checkpoint

    if not checkpoint.exists():
        return False
    try:
        read_checkpoint(checkpoint, fit_signature(start, dataset, settings))
    except FitError as error:
        note(f"mlp train: note: beginning anew: {error}")
        checkpoint.unlink()
        return False
    note(f"{checkpoint}: going on with the fit that was interrupted")
    return True


@contextmanager
def _reporter(call: Call) -> Iterator[Callable[[FitProgress], None] | None]:
    log = call.options.get("log", "stdout")
    if log in STREAMS:
        with fit_reporter() as report:
            yield report
    elif not is_file(log):
        yield None
    else:
        with Path(log).open("w") as stream:

            def line(progress: FitProgress) -> None:
                print(describe_progress(progress), file=stream, flush=True)

            yield line


def _print(result: FitResult, version: int) -> None:
    for warning in result.warnings:
        note(f"mlp: warning: {warning}")
    if version == 2:
        print("\n\t\t* * * TRAIN ERRORS * * *\n")
    print(report_of(result.training_errors, version))
    if result.validation_errors is not None:
        print("\n\t\t* * * VALIDATION ERRORS * * *\n")
        print(report_of(result.validation_errors, version))


def settings_of(call: Call) -> FitSettings:
    """Settings of the fit that a line asks for."""
    options, mlip_2 = call.options, call.version == 2
    names = ("energy-weight", "force-weight", "stress-weight")
    weights = Weights(*(options[_own(name, mlip_2)] for name in names))
    tolerance = "bfgs-conv-tol" if mlip_2 else "tolerance"
    limit = options["max-iter" if mlip_2 else "iteration_limit"]
    if limit < 0:
        raise MaxvoltError(f"the limit of iterations is {limit}; expected 0 or more")
    return FitSettings(
        weights=weights,
        scaling=_scaling(call),
        max_iterations=max(limit, 1),
        tolerance=options[tolerance] if tolerance in call.given else FitSettings().tolerance,
        starts=1 if options[_own("skip-preinit", mlip_2)] else None,
    )


def _scaling(call: Call) -> Scaling | SizeScaling:
    """The name of a scaling where it has one, so that what is known of fits with it holds."""
    options = call.options
    if call.version == 3:
        return SizeScaling(
            options["weight_scaling"], options["weight_scaling_forces"], options["scale_by_force"]
        )
    powers = {"vibrations": (1, 0), "molecules": (0, 0), "structures": (2, 1)}
    weighting = options["weighting"]
    if weighting not in powers:
        raise MaxvoltError(f"--weighting: expected {', '.join(powers)}, got '{weighting}'")
    return SizeScaling(*powers[weighting], options["scale-by-force"])


def _own(name: str, mlip_2: bool) -> str:
    return name if mlip_2 else name.replace("-", "_")
