"""``train``: fit a potential, and give it an active set as MLIP-3 does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.cli.console import counted, note
from maxvolt.cli.fit_progress import describe_progress, fit_reporter
from maxvolt.cli.prediction import processors
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, MaxvoltError
from maxvolt.fitting.settings import FitSettings
from maxvolt.mlp.command import Call, Command
from maxvolt.mlp.commands.train_options import OPTIONS, settings_of
from maxvolt.mlp.configurations import check_outputs, read_configurations
from maxvolt.mlp.potentials import TypedPotential, read_typed
from maxvolt.mlp.reports import report_of
from maxvolt.mlp.selection import write_state
from maxvolt.mlp.training import read_start, started, with_shortest_distance
from maxvolt.potentials import MTP
from maxvolt.selection import ActiveSet, RowWeights
from maxvolt.selection.mlip_files import has_active_set, read_active_rows
from maxvolt.selection.weights import Mode

if TYPE_CHECKING:
    from maxvolt.fitting import FitResult
    from maxvolt.fitting.progress import FitProgress

__all__ = ["COMMANDS"]

_MODES: dict[str, Mode] = {"cfg": "configuration", "nbh": "neighborhood"}


def _run(call: Call) -> None:
    """Fit, write the potential, print the errors."""
    path, source = call.files
    target = _target(call)
    settings = settings_of(call)
    file = read_start(path)
    rows = _rows(call)
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
    log = options["log"] if options["log"] not in ("stdout", "none", "stderr") else None
    check_outputs(target, log, inputs=[source])
    return str(target)


def _rows(call: Call) -> RowWeights | None:
    """Rows of the active set; None where the potential gets none."""
    if call.version == 2:
        return None
    mode, path = call.options["al_mode"], call.files[0]
    if mode not in _MODES:
        raise MaxvoltError(f"--al_mode: expected cfg or nbh, got '{mode}'")
    if "al_mode" not in call.given and has_active_set(path):
        return read_active_rows(path, read_typed(path).potential.species).weights
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
    if log == "none":
        yield None
    elif log in ("stdout", "stderr"):
        with fit_reporter() as report:
            yield report
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


COMMANDS = (
    Command(
        names={2: "train", 3: "train"},
        files={2: "pot.mtp train.cfg", 3: "pot.almtp train.cfg"},
        summary="fit a potential to energies, forces and stresses",
        options=OPTIONS,
        run=_run,
        on_ranks=True,
        details="""
The loss is that of MLIP, with its weights. It is minimised by Levenberg-Marquardt with the linear
coefficients eliminated, not by BFGS; the errors at its end are as low as those of MLIP or lower.
Where pot is one of MLIP's untrained potentials (16.mtp, untrained_mtps/16.mtp) and no such file
exists, it is made. MLIP-3 takes the types of the potential from the training set, sets min_dist to
0.99 of its shortest distance, and adds an active set; MLIP-2 does none of these.
An interrupted training leaves a file POT.checkpoint, from which the same line goes on.""",
    ),
)
