"""Commands that thin out, filter or mend files of configurations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import Files, mlp

from maxvolt.io.cfg import write_cfg


def test_every_second_configuration(files: Files) -> None:
    mlp("subsample", "train.cfg", "out.cfg", "5")
    kept = [one.energy for one in files.read("out.cfg")]
    expected = [one.energy for one in files.read("train.cfg")[::5]]
    np.testing.assert_allclose(np.array(kept), np.array(expected), atol=1e-11)
    assert len(kept) == 3
    mlp("subsample", "train.cfg", "out.cfg", "0", code=2)


def test_a_file_is_written_again(files: Files) -> None:
    exact = files.read("in.cfg")
    mlp("fix-cfg", "in.cfg", "--no-loss")
    assert all(
        (a.positions == b.positions).all() for a, b in zip(files.read("in.cfg"), exact, strict=True)
    )
    mlp("fix_cfg", "in.cfg")
    once = Path("in.cfg").read_bytes()
    mlp("fix_cfg", "in.cfg")
    assert Path("in.cfg").read_bytes() == once
    found = np.concatenate([one.positions for one in files.read("in.cfg")])
    expected = np.concatenate([one.positions for one in exact])
    assert 0 < abs(found - expected).max() <= 5.1e-7  # six decimals


def test_types_get_other_numbers(files: Files) -> None:
    mlp("remap_species", "in.cfg", "out.cfg", "3", "0")
    for one, before in zip(files.read("out.cfg"), files.read("in.cfg"), strict=True):
        assert one.types.tolist() == [3 if kind == 0 else 0 for kind in before.types]


@pytest.mark.parametrize(("new", "message"), [(("1",), "type 1"), (("-1", "2"), "from 0")])
def test_types_that_are_none(
    new: tuple[str, ...], message: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    mlp("remap_species", "in.cfg", "out.cfg", *new, code=2)
    assert message in capsys.readouterr().err


def test_stresses_change_their_sign(files: Files) -> None:
    one = files.read("in.cfg")[0]
    write_cfg("two.cfg", [one, replace(one, plus_stress=None)])
    mlp("invert-stress", "two.cfg")
    first, second = files.read("two.cfg")
    assert one.plus_stress is not None
    assert first.plus_stress is not None
    np.testing.assert_allclose(first.plus_stress, -one.plus_stress, atol=1e-5)
    assert second.plus_stress is None


def test_unconverged_ones_are_removed(files: Files) -> None:
    found = files.read("train.cfg")
    found[3] = replace(found[3], features={"EFS_by": "VASP_not_converged"})
    files.write("train.cfg", found)
    mlp("filter_nonconv", "train.cfg")
    assert len(files.read("train.cfg")) == len(found) - 1
