"""`maxvolt train`: fit a potential, or an ensemble of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import counted, note, print_json, stdout_console
from maxvolt.cli.inputs import read_structures
from maxvolt.cli.outputs import check_output
from maxvolt.cli.potentials import check_potential_output, potential_files
from maxvolt.cli.train_networks import check_model, new_networks
from maxvolt.cli.train_options import NEW_POTENTIAL, add_arguments, settings_of
from maxvolt.errors import MaxvoltError, SpeciesError
from maxvolt.fitting.variable_projection.new_potential import (
    CUTOFF,
    LEVEL,
    RADIAL_BASIS_SIZE,
    default_min_dist,
)
from maxvolt.limits import MEMBERS

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset
    from maxvolt.fitting import FitResult
    from maxvolt.fitting.error_statistics import EnsembleErrors, ErrorReport
    from maxvolt.potentials import MTP, Ensemble, Potential, Trainable
    from maxvolt.potentials.mtp.basis.repulsion import ZBL
    from maxvolt.selection.weights import Mode

__all__ = ["DESCRIPTION", "EXAMPLES", "NAME", "SUMMARY", "add_arguments", "run"]

NAME = "train"
SUMMARY = "fit a potential, or an ensemble, to labelled structures"
DESCRIPTION = """\
Fit a potential to energies, forces and stresses, whichever of them a structure has: a moment
tensor potential or, with --model ani, neural networks.
The elements are those of the training files. The N potentials of an ensemble go to files of their
own: pot.0.mtp, pot.1.mtp, ... for -o pot.mtp; that name is then the name of all of them. Each has
random weights of the structures, and the spread of their predictions shows what another choice of
structures would change. It does not show what all of them lack; a warning says so where this is
most of the error. An .almtp file holds the active set of the training set, by which
'maxvolt grade', 'maxvolt select' and MLIP-3 tell how far a structure extrapolates."""
EXAMPLES = """\
  maxvolt train train.xyz -o pot.mtp --level 16 --cutoff 5.2 --min-dist 1.9 --radial-basis-size 8
  maxvolt train bulk.xyz slab.cfg -o pot.mtp --species Ti,Al --validation test.xyz
  maxvolt train train.xyz -o pot.mtp --ensemble 5 --seed 1 --checkpoint fit.ckpt
  maxvolt train train.xyz -o pot.mtp --ensemble 5 --seed 1 --checkpoint fit.ckpt --restart
  maxvolt train more.xyz -o better.mtp --init pot.mtp
  maxvolt train more.xyz -o better.mtp --init pot.mtp --ensemble 5    # of an ensemble of 5
  mpiexec -n 4 maxvolt train train.xyz -o pot.mtp --checkpoint fit.ckpt
  maxvolt train train.xyz -o pot.almtp --active-set neighborhood
  maxvolt train train.xyz -o pot.ani.safetensors --model ani --ensemble 8 --epochs 500"""


def run(options: argparse.Namespace) -> None:
    """Read, fit, write, print the errors."""
    from maxvolt.cli.fit_progress import fit_reporter
    from maxvolt.cli.prediction import processors
    from maxvolt.dataset import Dataset
    from maxvolt.fitting import fit

    _check(options)
    model = _model(options)
    check_model(options, model)
    settings = settings_of(options)
    species = options.species or _species_of_init(options.init)
    dataset = Dataset.concatenate([read_structures(path, species) for path in options.train])
    validation = None
    if options.validation is not None:
        validation = read_structures(options.validation, species or dataset.species)
    start = _start(options, model, dataset)
    _check_isolated_energies(options.isolated_energies, start.species)
    _say_starts(start, options)
    note(
        f"training on {counted(len(dataset), 'structure')}, {counted(dataset.n_atoms, 'atom')}; "
        f"{_first(start).n_parameters} parameters; {processors(options.ranks, options.threads)}"
    )
    with fit_reporter() as report:
        result = fit(
            start,
            dataset,
            settings,
            validation=validation,
            threads=options.threads,
            checkpoint=options.checkpoint,
            restart=options.restart,
            progress=report,
            ranks=options.ranks,
        )
    result.potential.write(options.output)
    _add_active_sets(result.potential, dataset, options)
    _print(result, options)


def _check(options: argparse.Namespace) -> None:
    """Refuse, before reading data, what could not end well."""
    MEMBERS.check("--ensemble", options.ensemble)
    starts = _init_files(options.init, options.ensemble)
    inputs = [*options.train, options.validation, *starts]
    check_potential_output(options.output, options.ensemble, [*inputs, options.checkpoint])
    if options.restart and options.checkpoint is None:
        raise MaxvoltError("--restart continues from a checkpoint: name it with --checkpoint FILE")
    if options.checkpoint is not None:
        check_output(options.checkpoint, inputs)
        if options.checkpoint.exists() and not options.restart:
            raise MaxvoltError(
                f"{options.checkpoint}: holds an earlier fit; continue it with --restart, "
                "or remove the file"
            )
    if options.active_set not in (None, "none") and options.output.suffix != ".almtp":
        raise MaxvoltError(
            f"--active-set {options.active_set} needs a file that can hold it: end the name "
            f"{options.output} with .almtp"
        )
    given = [name for name in NEW_POTENTIAL if getattr(options, name) is not None]
    if options.init is not None and given:
        names = ", ".join("--" + name.replace("_", "-") for name in given)
        raise MaxvoltError(f"--init brings its own {names}: leave them out, or leave out --init")


def _init_files(path: Path | None, ensemble: int) -> list[Path]:
    """Files that --init names; an ensemble that is fitted again keeps its number of members."""
    files = [] if path is None else potential_files(path)
    if files != [path] and files and len(files) != ensemble:
        raise MaxvoltError(
            f"--init {path}: names an ensemble of {counted(len(files), 'potential')}, and "
            f"--ensemble {ensemble} of them are to be trained; give --ensemble {len(files)}, so "
            f"that each goes on, or start from one of them, such as --init {files[0]}"
        )
    return files


def _check_isolated_energies(choice: str | dict[str, float], species: tuple[str, ...]) -> None:
    foreign = [symbol for symbol in choice if symbol not in species]
    if isinstance(choice, dict) and foreign:
        raise SpeciesError(
            f"--isolated-energies: {', '.join(foreign)} is not among the species of the "
            f"potential, {', '.join(species)}"
        )


def _model(options: argparse.Namespace) -> str:
    """Name the family to train: that of --init, that of --model, or moment tensors."""
    from maxvolt.potentials.families import family_of_file

    family = None if options.init is None else family_of_file(potential_files(options.init)[0])
    if family is None:
        return options.model or "mtp"
    if options.model not in (None, family.name):
        raise MaxvoltError(f"--init {options.init} is {family.one_of_it}: leave out --model")
    return family.name


def _species_of_init(path: Path | None) -> tuple[str, ...] | None:
    from maxvolt.potentials.families import family_of_file
    from maxvolt.potentials.mtp.files.access import read_potential_file

    if path is None:
        return None
    first = potential_files(path)[0]
    family = family_of_file(first)
    if family is not None and family.name != "mtp":
        return family.read(first).species
    return read_potential_file(first).species


def _start(options: argparse.Namespace, model: str, dataset: Dataset) -> Trainable | Ensemble:
    """Return the potential to train, or those that go on: of --init, or a new one."""
    if options.init is None:
        if model == "mtp":
            return _new_moment_tensors(options, dataset)
        return new_networks(options, options.species or dataset.species)
    from maxvolt.fitting.families import starts_to_fit
    from maxvolt.potentials import Ensemble

    files = potential_files(options.init)
    if model == "mtp":
        members = [_read_moment_tensors(file, options, dataset) for file in files]
        return members[0] if len(members) == 1 else Ensemble(tuple(members))
    first, *others = starts_to_fit(options.init, options.ensemble)
    return Ensemble((first, *others)) if others else first


def _first(start: Trainable | Ensemble) -> Trainable:
    """Give the potential to train, or the first of several alike."""
    from maxvolt.potentials import Trainable
    from maxvolt.potentials.ensemble import members_of

    first = members_of(start)[0]
    assert isinstance(first, Trainable)
    return first


def _say_starts(start: Trainable | Ensemble, options: argparse.Namespace) -> None:
    """Say which potentials go on from --init, where it is one and several are trained."""
    from maxvolt.potentials import HasMembers

    if options.ensemble > 1 and not isinstance(start, HasMembers) and start.is_trained:
        note(
            f"potential 0 goes on from {options.init}, the other {options.ensemble - 1} of the "
            "ensemble begin at random; to go on with each of an ensemble, give its name to --init"
        )


def _read_moment_tensors(path: Path, options: argparse.Namespace, dataset: Dataset) -> MTP:
    from maxvolt.potentials import read_potential
    from maxvolt.potentials.mtp.files.access import read_potential_file

    file, species = read_potential_file(path), options.species
    if species is None and file.species is None and not file.is_trained:
        species = dataset.species
    potential = read_potential(path, species=species)
    zbl = _repulsion(options)
    return potential if zbl is None else potential.with_repulsion(zbl)


def _repulsion(options: argparse.Namespace) -> ZBL | None:
    from maxvolt.potentials.mtp.basis.repulsion import ZBL

    return None if options.zbl is None else ZBL(*options.zbl)


def _new_moment_tensors(options: argparse.Namespace, dataset: Dataset) -> MTP:
    from maxvolt.neighbors import minimum_distances
    from maxvolt.potentials import MTP

    cutoff, min_dist = options.cutoff or CUTOFF, options.min_dist
    if min_dist is None:
        min_dist = default_min_dist(minimum_distances(dataset).overall, cutoff, grows=False)
    return MTP(
        level=options.level or LEVEL,
        species=options.species or dataset.species,
        cutoff=cutoff,
        min_dist=min_dist,
        radial_basis_size=options.radial_basis_size or RADIAL_BASIS_SIZE,
        repulsion=_repulsion(options),
    )


def _add_active_sets(potential: Potential, dataset: Dataset, options: argparse.Namespace) -> None:
    """Write each potential again with its active set; without one it is there already."""
    if options.output.suffix != ".almtp" or options.active_set == "none":
        return
    from maxvolt.cli.active_sets import say_complete
    from maxvolt.potentials import ParameterGradients, member_paths
    from maxvolt.potentials.ensemble import members_of
    from maxvolt.selection import ActiveSet

    members = members_of(potential)
    mode: Mode = options.active_set or "configuration"
    for member, path in zip(members, member_paths(options.output, len(members)), strict=True):
        assert isinstance(member, ParameterGradients)
        active_set = ActiveSet.from_dataset(
            member, dataset, mode=mode, threads=options.threads, ranks=options.ranks
        )
        active_set.write(path)
        say_complete(active_set)


def _print(result: FitResult, options: argparse.Namespace) -> None:
    from maxvolt.potentials import member_paths
    from maxvolt.report import ensemble_error_table, print_errors, print_fitted

    for warning in result.warnings:
        note(f"maxvolt: warning: {warning}")
    files = [str(path) for path in member_paths(options.output, options.ensemble)]
    if options.json:
        print_json(_document(result, files))
        return
    for line in [] if result.robust is None else result.robust.lines():
        note(line)
    print_errors(_errors(result), stdout_console())
    ensembles = _ensemble_errors(result)
    if ensembles:
        print_fitted(ensemble_error_table(ensembles), stdout_console())
    note("wrote " + ", ".join(files))


def _errors(result: FitResult) -> dict[str, ErrorReport]:
    errors = {"training": result.training_errors, "validation": result.validation_errors}
    return {name: found for name, found in errors.items() if found is not None}


def _ensemble_errors(result: FitResult) -> dict[str, EnsembleErrors]:
    errors = {
        "training": result.ensemble_training_errors,
        "validation": result.ensemble_validation_errors,
    }
    return {name: found for name, found in errors.items() if found is not None}


def _document(result: FitResult, files: list[str]) -> dict[str, Any]:
    from maxvolt.report import errors_document

    ensembles = _ensemble_errors(result)
    return {
        **errors_document(_errors(result)),
        "potentials": [
            {"file": file, "losses": member.losses, "finished": member.finished}
            for file, member in zip(files, result.members, strict=True)
        ],
        "members": [
            errors_document({name: found.members[index] for name, found in ensembles.items()})
            for index in range(len(files) if ensembles else 0)
        ],
        "robust": None if result.robust is None else result.robust.to_dict(),
        "warnings": result.warnings,
    }
