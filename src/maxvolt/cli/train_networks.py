"""What `maxvolt train --model ani` takes beside the other options of training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maxvolt.cli.options import non_negative_float, positive_float, positive_int
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.potentials.ani.settings import SUFFIX, ANISettings

if TYPE_CHECKING:
    from maxvolt.potentials import ANI

__all__ = ["NEW_NETWORKS", "add_networks", "check_model", "network_settings", "new_networks"]

NEW_NETWORKS = ("layers", "radial_functions", "angular_cutoff", "angular_functions")
"""Options that describe new networks; none of them goes with --init or another model."""

_ONLY_MOMENT_TENSORS = ("level", "min_dist", "radial_basis_size", "zbl")

_TRAINING = (
    *("epochs", "batch_size", "learning_rate", "patience"),
    *("smallest_learning_rate", "validation_share", "precision", "device"),
)

_FORM, _FIT = ANISettings(), NetworkSettings()


def add_networks(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("neural networks, with --model ani")
    group.add_argument(
        "--layers",
        type=positive_int,
        nargs="+",
        metavar="N",
        help=f"widths of the hidden layers ({' '.join(map(str, _FORM.layers))})",
    )
    group.add_argument(
        "--radial-functions",
        type=positive_int,
        metavar="N",
        help=f"radial functions up to --cutoff ({_FORM.radial_functions})",
    )
    group.add_argument(
        "--angular-cutoff",
        type=positive_float,
        metavar="A",
        help=f"of the angular functions, in Angstrom ({_FORM.angular_cutoff:g})",
    )
    group.add_argument(
        "--angular-functions",
        type=positive_int,
        nargs=2,
        metavar=("DISTANCES", "ANGLES"),
        help=f"angular functions ({_FORM.angular_shells} {_FORM.angular_sections})",
    )
    for name, kind, text in (
        ("epochs", positive_int, "most passes over the training set"),
        ("batch_size", positive_int, "structures of a minibatch"),
        ("learning_rate", positive_float, "of Adam, at the start"),
        ("patience", positive_int, "epochs without a lower loss before the rate is halved"),
        ("smallest_learning_rate", positive_float, "below it the fit ends"),
        (
            "validation_share",
            non_negative_float,
            "share of the training set that is held out, to end the fit in time",
        ),
    ):
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            metavar="X" if kind is not positive_int else "N",
            help=f"{text} ({getattr(_FIT, name):g})",
        )
    group.add_argument(
        "--precision", choices=("double", "single"), help=f"of the training ({_FIT.precision})"
    )
    group.add_argument(
        "--device", choices=("cpu", "cuda"), help=f"where the networks are trained ({_FIT.device})"
    )


def check_model(options: argparse.Namespace, model: str) -> None:
    """Refuse options of another model than the one that is trained.

    Parameters
    ----------
    options
        Of the command line.
    model
        Name of the family.
    """
    foreign = (*NEW_NETWORKS, *_TRAINING) if model == "mtp" else _ONLY_MOMENT_TENSORS
    if given := [name for name in foreign if getattr(options, name) is not None]:
        option = "--" + given[0].replace("_", "-")
        raise MaxvoltError(f"{option} is not for potentials of the kind {model}: leave it out")
    is_of_networks = options.output.name.endswith(SUFFIX)
    if is_of_networks != (model == "ani"):
        expected = SUFFIX if model == "ani" else ".mtp or .almtp"
        raise MaxvoltError(
            f"{options.output}: end the name of a potential of the kind {model} with {expected}"
        )


def network_settings(options: argparse.Namespace) -> NetworkSettings:
    """Settings of the training that the options ask for, the others as by default."""
    given = {name: getattr(options, name) for name in _TRAINING}
    return NetworkSettings(**{name: value for name, value in given.items() if value is not None})


def new_networks(options: argparse.Namespace, species: tuple[str, ...]) -> ANI:
    """Make the untrained potential that the options describe."""
    from maxvolt.potentials import ANI

    shells, sections = options.angular_functions or (None, None)
    given = {
        "radial_cutoff": options.cutoff,
        "radial_functions": options.radial_functions,
        "angular_cutoff": options.angular_cutoff,
        "angular_shells": shells,
        "angular_sections": sections,
        "layers": None if options.layers is None else tuple(options.layers),
    }
    return ANI(species, ANISettings(**{k: v for k, v in given.items() if v is not None}))
