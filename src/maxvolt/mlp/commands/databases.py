"""Commands of MLIP, undocumented there, that thin out, filter or mend files of configurations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maxvolt.cli.outputs import check_output
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call, Command, Option

__all__ = ["COMMANDS"]


def _subsample(call: Call) -> None:
    from maxvolt.mlp.changes import whole_number
    from maxvolt.mlp.configurations import read_configurations, write_configurations

    source, target = map(Path, call.files[:2])
    step = whole_number(call.files[2])
    if step < 1:
        raise MaxvoltError(f"every how many configurations: expected 1 or more, got {step}")
    check_output(target, [source])
    write_configurations(target, read_configurations(source, empty=True)[::step])


def _fix(call: Call) -> None:
    """Read and write again, in place."""
    from maxvolt.mlp.configurations import read_configurations, write_configurations

    path = Path(call.files[0])
    exact = call.value("no_loss")
    found = read_configurations(path, empty=True)
    write_configurations(path, found, encoding="full" if exact else "ordinary")


def _filter_unconverged(call: Call) -> None:
    from maxvolt.mlp.configurations import read_configurations, write_configurations

    path = Path(call.files[0])
    found = read_configurations(path, empty=True)
    kept = [one for one in found if "not_converged" not in one.features.get("EFS_by", "")]
    write_configurations(path, kept)
    print(f"{len(found) - len(kept)} of {len(found)} configurations removed")


def _remap(call: Call) -> None:
    from maxvolt.mlp.changes import change_each, whole_number
    from maxvolt.mlp.geometry import renumbered

    new = [whole_number(word) for word in call.files[2:]]
    if min(new) < 0:
        raise MaxvoltError(f"new types: expected numbers from 0, got {min(new)}")
    change_each(call.files[:2], lambda one: renumbered(one, new))


def _invert_stress(call: Call) -> None:
    """Change the sign of every stress, in place."""
    from maxvolt.mlp.configurations import read_configurations, write_configurations

    path = Path(call.files[0])
    found = read_configurations(path, empty=True)
    inverted = [
        one if one.plus_stress is None else replace(one, plus_stress=-one.plus_stress)
        for one in found
    ]
    write_configurations(path, inverted)
    print(f"{sum(one.plus_stress is not None for one in found)} stresses inverted")


COMMANDS = (
    Command(
        names={2: "subsample", 3: "subsample"},
        files={2: "in.cfg out.cfg N", 3: "in.cfg out.cfg N"},
        summary="keep every Nth configuration, beginning with the first",
        options=(),
        run=_subsample,
        same=True,
    ),
    Command(
        names={2: "fix-cfg", 3: "fix_cfg"},
        files={2: "db.cfg", 3: "db.cfg"},
        summary="read a file and write it again in its place",
        options=(
            Option("no-loss", False, "with all digits", (2,)),
            Option("no_loss", False, "with all digits", (3,)),
        ),
        run=_fix,
    ),
    Command(
        names={2: "filter-nonconv", 3: "filter_nonconv"},
        files={2: "db.cfg", 3: "db.cfg"},
        summary="remove, in place, configurations whose calculation did not converge",
        options=(),
        run=_filter_unconverged,
    ),
    Command(
        names={3: "remap_species"},
        files={3: "in.cfg out.cfg n0 ..."},
        summary="type 0 becomes n0, type 1 becomes n1, and so on",
        options=(),
        run=_remap,
    ),
    Command(
        names={2: "invert-stress", 3: "invert_stress"},
        files={2: "db.cfg", 3: "db.cfg"},
        summary="change the sign of all stresses, in place",
        options=(),
        run=_invert_stress,
    ),
)
