import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones

import maxvolt
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


# --------------------------------------------------------------------- spreads far below the error


def molybdenum(factor: float) -> maxvolt.MTP:
    """A potential, and others whose energies and forces are multiples of its own."""
    untrained = maxvolt.MTP(2, ["Mo"], 5.0, 2.0, 4)
    shape = untrained.model.radial_coeffs.shape
    radial = np.random.default_rng(0).normal(size=shape)
    return untrained.with_coefficients(radial, np.zeros(1), np.array([0.1 * factor]))


def labelled(of: maxvolt.MTP) -> maxvolt.Dataset:
    atoms = [bulk("Mo", a=a, cubic=True) for a in (3.1, 3.2, 3.3)]
    for number, one in enumerate(atoms):
        one.rattle(0.05, seed=number)
        one.calc = maxvolt.Calculator(of)
        one.get_forces()
    return maxvolt.Dataset.from_atoms(atoms)


@pytest.mark.parametrize(("factors", "doubted"), [((1.5, 1.51), True), ((0.5, 1.5), False)])
def test_a_spread_far_below_the_error_is_marked(factors, doubted):
    # Off by half of what they say while they differ by a hundredth, or right on average.
    ensemble = maxvolt.Ensemble(tuple(molybdenum(factor) for factor in factors))
    data = labelled(molybdenum(1.0))
    statistics = ensemble_statistics(
        lambda calculator: calculator.get_potential_energy(bulk("Mo")), ensemble, labelled=data
    )
    assert len(statistics.warnings) == doubted
    spread = statistics.of(lambda energy: energy)
    assert spread.doubted is doubted
    told = "(the members differ by far less than they are wrong)"
    assert (told in f"{spread:.2f}") is doubted
    assert (told in spread._repr_html_()) is doubted
    if doubted:
        assert "(labelled): their spread is no estimate of the error" in statistics.warnings[0]
    # Nobody knows without labels.
    assert ensemble_statistics(lambda c: 0.0, ensemble).warnings == ()


def test_only_potentials_are_compared_with_labels():
    with pytest.raises(DataError, match="labelled: only members that are potentials"):
        ensemble_statistics(
            lambda c: 0.0, [LennardJones(), LennardJones()], labelled=labelled(molybdenum(1.0))
        )
