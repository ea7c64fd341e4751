import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones

from maxvolt.errors import DataError
from maxvolt.properties import MeanSpread, ensemble_statistics, lattice_constant


def test_members_are_evaluated_one_by_one_and_summarised():
    # The lattice constant of Lennard-Jones is proportional to sigma.
    calculators = [LennardJones(sigma=s, rc=3 * s) for s in (0.99, 1.0, 1.01)]
    atoms = bulk("Ar", a=1.56)
    statistics = ensemble_statistics(lambda c: lattice_constant(c, atoms), calculators)
    spread = statistics.of(lambda result: result.value)
    middle = statistics.results[1].value
    assert spread.mean == pytest.approx(middle, rel=1e-5)
    assert spread.two_sigma == pytest.approx(0.02 * middle, rel=1e-4)
    assert spread.values == pytest.approx(np.array([0.99, 1.0, 1.01]) * middle, rel=1e-5)


def test_two_sigma_is_twice_the_sample_standard_deviation():
    spread = MeanSpread.of([[1.0, 10.0], [3.0, 10.0]])
    assert spread.mean == pytest.approx([2.0, 10.0])
    assert spread.two_sigma == pytest.approx([2 * np.sqrt(2), 0.0])


def test_one_member_has_no_spread():
    spread = MeanSpread.of([4.25])
    assert np.isnan(spread.two_sigma)
    assert f"{spread:.1f}" == "4.2"


def test_format_writes_both_numbers():
    assert f"{MeanSpread.of([1.0, 3.0]):.2f}" == "2.00 +- 2.83"


def test_arrays_cannot_be_formatted():
    with pytest.raises(DataError, match="single number"):
        format(MeanSpread.of([[1.0, 2.0]]), ".2f")


def test_no_member_is_an_error():
    with pytest.raises(DataError, match="at least one"):
        ensemble_statistics(lambda c: 0.0, [])
    with pytest.raises(DataError, match="at least one"):
        MeanSpread.of([])
