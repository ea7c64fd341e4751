"""ANI potentials: symmetry functions as published, settings, files."""

from __future__ import annotations

import builtins
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ani_formulas import features, output
from ase import Atoms
from ase.build import bulk

import maxvolt
from maxvolt.errors import DataError, EvaluationError, FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials.ani.environments import Environments
from maxvolt.potentials.ani.settings import SUFFIX
from maxvolt.potentials.families import family_of_file
from promises import needs

VALUES: dict[str, Any] = {
    "radial_cutoff": 4.2,
    "radial_functions": 3,
    "angular_cutoff": 3.3,
    "angular_shells": 2,
    "angular_sections": 2,
    "start": 0.9,
    "layers": (5, 4),
}
FORM = maxvolt.ANISettings(**VALUES)


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    needs("ani")


def cluster(seed: int = 0) -> Atoms:
    """Six atoms of two elements, none close to another."""
    generator = np.random.default_rng(seed)
    corners = np.array(list(np.ndindex(2, 2, 2)))[:6] * 2.1
    return Atoms("CuAuCuCuAuAu", corners + generator.uniform(-0.3, 0.3, (6, 3)))


def made(seed: int = 0, species: tuple[str, ...] = ("Cu", "Au")) -> maxvolt.ANI:
    return maxvolt.ANI.random(species, FORM, seed=seed)


# ------------------------------------------------------------------ against formulas


def test_site_energies_are_the_published_formulas() -> None:
    start = made()
    weights = {
        name: values + 0.1 if name.endswith("bias") else values
        for name, values in start.weights.items()
    }
    potential = start.with_weights(weights, np.array([-3.5, 2.0]), np.array([0.4, 1.7]))
    atoms = cluster()
    found = potential.evaluate(atoms).site_energies
    for i, symbol in enumerate(atoms.symbols):
        kind = potential.species.index(symbol)
        of_network = output(potential, symbol, features(FORM, atoms, i, potential.species))
        expected = potential.energies[kind] + potential.scales[kind] * of_network
        assert found[i] == pytest.approx(expected, rel=1e-12)


def test_every_symmetry_function_is_that_of_the_formula() -> None:
    import torch

    from maxvolt.potentials.ani.descriptors import Descriptors

    atoms, species = cluster(3), ("Cu", "Au")
    neighborhoods = made().neighborhoods(atoms)
    where = Environments.of(neighborhoods, FORM.radial_cutoff, FORM.angular_cutoff)
    descriptors = Descriptors.of(FORM, 2, torch.float64)
    found = descriptors.with_derivatives(where).features.numpy()
    expected = np.array([features(FORM, atoms, i, species) for i in range(len(atoms))])
    assert (expected != 0).mean() > 0.8
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


def by_torchani(where: Environments, vectors: Any) -> Any:
    """Symmetry functions of two species by the terms of torchani, in a form to differentiate."""
    import torch

    from maxvolt.potentials.ani.libraries import require_torchani

    aev = require_torchani().aev
    eta, angular_eta, zeta = FORM.exponents
    radial = aev.ANIRadial(eta, FORM.radial_centers.tolist(), FORM.radial_cutoff).double()
    shells, sections = FORM.shell_centers.tolist(), FORM.section_centers.tolist()
    angular = aev.ANIAngular(angular_eta, zeta, shells, sections, FORM.angular_cutoff).double()
    # They round their constants to single precision.
    exact = {
        radial: {"eta": [eta], "shifts": FORM.radial_centers.tolist()},
        angular: {"eta": [angular_eta], "zeta": [zeta], "shifts": shells, "sections": sections},
    }
    for term, constants in exact.items():
        for name, values in constants.items():
            setattr(term, name, torch.tensor(values, dtype=torch.float64))
    owners, kinds = torch.as_tensor(where.owners), torch.as_tensor(where.neighbor_types)
    lengths, n = vectors.norm(dim=1), len(where.types)
    ends = torch.as_tensor(where.near)[torch.as_tensor(where.triples)]
    of_pairs = vectors.new_zeros((n * 2, 3)).index_add(0, owners * 2 + kinds, radial(lengths))
    # Cu Cu, Cu Au, Au Au: the sum of the two numbers of species.
    groups = owners[ends[0]] * 3 + kinds[ends].sum(dim=0)
    of_triples = vectors.new_zeros((n * 3, 4)).index_add(
        0, groups, angular(lengths[ends], vectors[ends])
    )
    return torch.cat([of_pairs.reshape(n, -1), of_triples.reshape(n, -1)], dim=1)


def test_symmetry_functions_and_derivatives_are_those_of_torchani() -> None:
    import torch

    from maxvolt.potentials.ani.descriptors import Descriptors

    atoms = bulk("Cu", "fcc", a=3.4, cubic=True)
    atoms.symbols[1] = "Au"
    atoms.rattle(0.1, seed=1)
    where = Environments.of(made().neighborhoods(atoms), FORM.radial_cutoff, FORM.angular_cutoff)
    descriptors = Descriptors.of(FORM, 2, torch.float64)
    known = descriptors.with_derivatives(where)
    vectors = torch.as_tensor(where.vectors).requires_grad_()
    reference = by_torchani(where, vectors)
    np.testing.assert_allclose(known.features, reference.detach(), rtol=1e-11, atol=1e-14)
    indices = [torch.as_tensor(one) for one in (where.owners, where.neighbor_types, where.near)]
    assert reference.shape == (4, 18)
    for column in range(18):
        chosen = torch.zeros_like(known.features)
        chosen[:, column] = 1.0
        (expected,) = torch.autograd.grad(reference, vectors, chosen, retain_graph=True)
        found = known.slopes(chosen, *indices)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)
        assert expected.abs().max() > 1e-3


AL_RADIAL = (1.25, 1.4296875, 6.8203125)
AL_SHELLS = (1.25, 1.71875, 4.53125)
AL_ANGLES = (0.19634954, 2.9452431)


def test_defaults_are_those_of_ani_al() -> None:
    potential = maxvolt.ANI(["Al"])
    assert potential.cutoff == 7.0
    assert potential.settings.layer_sizes(1) == (32 + 8 * 8, 96, 96, 64, 1)
    # Exponents and centres of rAl-7.0R_32-5.0A_a8-8.params, as published with the paper.
    np.testing.assert_allclose(potential.settings.exponents, (43.9, 6.5, 69.4), rtol=1e-14)
    np.testing.assert_allclose(potential.settings.radial_centers[[0, 1, -1]], AL_RADIAL, rtol=1e-15)
    np.testing.assert_allclose(potential.settings.shell_centers[[0, 1, -1]], AL_SHELLS, rtol=1e-15)
    np.testing.assert_allclose(potential.settings.section_centers[[0, -1]], AL_ANGLES, rtol=1e-8)
    assert potential.n_parameters == 97 * 96 + 97 * 96 + 97 * 64 + 65
    assert not potential.is_trained
    with pytest.raises(MaxvoltError, match="untrained: fit it first"):
        potential.evaluate(bulk("Al"))


def test_portions_of_atoms_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = bulk("Cu", cubic=True).repeat(2)
    atoms.rattle(0.1, seed=2)
    whole = made().evaluate(atoms)
    for most in (1, 500):
        monkeypatch.setattr("maxvolt.potentials.ani.potential._TRIPLES_AT_ONCE", most)
        parts = made().evaluate(atoms)
        np.testing.assert_allclose(parts.forces, whole.forces, rtol=1e-11, atol=1e-13)
        assert parts.energy == pytest.approx(whole.energy, rel=1e-13)


def test_atoms_with_few_and_many_triples_together() -> None:
    # A cluster whose six atoms have up to ten triples each, beside a trimer and a lone atom.
    others = Atoms("Cu3Au", [[30, 0, 0], [32, 0, 0], [31, 1.8, 0], [60, 0, 0]])
    atoms = cluster() + others
    found = made().evaluate(atoms)
    for i in range(len(atoms)):
        expected = output(made(), atoms.symbols[i], features(FORM, atoms, i, ("Cu", "Au")))
        assert found.site_energies[i] == pytest.approx(expected, rel=1e-11)


def test_members_evaluated_together_say_what_each_says() -> None:
    wider = maxvolt.ANISettings(**{**VALUES, "layers": (7,)})
    members = (made(1), made(2), maxvolt.ANI.random(["Cu", "Au"], wider, seed=3))
    ensemble = maxvolt.Ensemble(members)
    where = ensemble.neighborhoods(cluster())
    each = ensemble.evaluate_each(where)
    for one, member in zip(each, members, strict=True):
        alone = member.evaluate_neighborhoods(where)
        for name in ("site_energies", "forces", "virials"):
            found, expected = getattr(one, name), getattr(alone, name)
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    mean = ensemble.evaluate_neighborhoods(where)
    for name in ("site_energies", "forces", "virials"):
        expected = np.mean([getattr(one, name) for one in each], axis=0)
        np.testing.assert_allclose(getattr(mean, name), expected, rtol=1e-11, atol=1e-13)


def test_members_have_their_symmetry_functions_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    from maxvolt.potentials.ani.descriptors import Descriptors

    calls, original = [], Descriptors.with_derivatives

    def counted(self: Descriptors, *given: Any) -> Any:
        calls.append(1)
        return original(self, *given)

    monkeypatch.setattr(Descriptors, "with_derivatives", counted)
    alike = maxvolt.Ensemble((made(1), made(2), made(3)))
    alike.evaluate(cluster())
    alike.evaluate_each(alike.neighborhoods(cluster()))
    assert len(calls) == 2
    other = maxvolt.ANISettings(**{**VALUES, "zeta": 5.0})
    unlike = maxvolt.Ensemble((made(1), maxvolt.ANI.random(["Cu", "Au"], other)))
    unlike.evaluate(cluster())
    assert len(calls) == 4


def test_a_member_without_a_finite_answer_is_named() -> None:
    start = made()
    weights = {name: values * 1e200 for name, values in start.weights.items()}
    bad = start.with_weights(weights, start.energies, start.scales)
    ensemble = maxvolt.Ensemble((made(1), bad))
    for evaluate in (ensemble.evaluate_neighborhoods, ensemble.evaluate_each):
        with pytest.raises(EvaluationError, match="member 1 of the ensemble"):
            evaluate(ensemble.neighborhoods(cluster()))


def test_networks_of_elements_may_differ(tmp_path: Path) -> None:
    form = maxvolt.ANISettings(**VALUES, element_layers=((5, 4), (3,)))
    potential = maxvolt.ANI.random(["Cu", "Au"], form, seed=4)
    atoms = cluster()
    found = potential.evaluate(atoms).site_energies
    for i, symbol in enumerate(atoms.symbols):
        values = features(FORM, atoms, i, ("Cu", "Au"))
        assert found[i] == pytest.approx(output(potential, symbol, values), rel=1e-11)
    potential.write(tmp_path / f"pot{SUFFIX}")
    again = maxvolt.load(tmp_path / f"pot{SUFFIX}")
    assert again.digest == potential.digest
    with pytest.raises(MaxvoltError, match="widths for 1 species; got 2"):
        maxvolt.ANI(["Cu"], form)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"angular_cutoff": 8.0}, "angular_cutoff must be at most radial_cutoff = 7 A"),
        ({"radial_cutoff": float("nan")}, "radial_cutoff must lie between"),
        ({"start": 6.0}, "start must lie between 0 and angular_cutoff"),
        ({"radial_functions": 0}, "radial_functions must lie between 1"),
        ({"angular_shells": 2.5}, "angular_shells: expected a whole number"),
        ({"zeta": -1.0}, "zeta must be a positive number"),
        ({"layers": ()}, "the number of layers must lie between"),
        ({"layers": (3, -1)}, "layers must lie between"),
        ({"element_layers": ((3,), ())}, "the number of element_layers must lie between"),
        ({"radial_shifts": (1.0, 2.0)}, "radial_shifts: expected 32 numbers"),
        ({"angular_angles": (float("nan"),) * 8}, "angular_angles: holds a number that is not"),
    ],
)
def test_settings_that_cannot_be_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MaxvoltError, match=message):
        maxvolt.ANISettings(**changes)


def test_weights_that_do_not_fit_are_named() -> None:
    good = made()
    fewer = dict(good.weights)
    del fewer["Au.1.bias"]
    with pytest.raises(MaxvoltError, match=r"'Au\.1\.bias' of the network are missing"):
        good.with_weights(fewer, good.energies, good.scales)
    wrong = {**good.weights, "Au.1.bias": np.zeros(7)}
    with pytest.raises(MaxvoltError, match=r"Au\.1\.bias: expected .* shape \(4,\); got \(7,\)"):
        good.with_weights(wrong, good.energies, good.scales)
    with pytest.raises(MaxvoltError, match="energies: holds a number that is not finite"):
        good.with_weights(good.weights, np.array([0.0, np.nan]), good.scales)


def test_energies_that_are_too_large_are_refused() -> None:
    start = made()
    weights = {name: values * 1e200 for name, values in start.weights.items()}
    with pytest.raises(EvaluationError, match="is not finite"):
        start.with_weights(weights, start.energies, start.scales).evaluate(cluster())


@pytest.mark.parametrize("library", ["torch", "torchani", "safetensors.numpy"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    library: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    potential, original = made(), builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == library:
            raise ImportError(f"No module named {library!r}")
        return original(name, *rest, **more)

    monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    if library == "safetensors.numpy":
        with pytest.raises(MaxvoltError, match=r"pip install maxvolt\[ani\]"):
            potential.write(tmp_path / f"pot{SUFFIX}")
    else:
        with pytest.raises(MaxvoltError, match=r"pip install maxvolt\[ani\]"):
            potential.evaluate(cluster())


# ------------------------------------------------------------------ devices


def test_devices_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    potential = made()
    assert potential.on("cpu").digest == potential.digest
    with pytest.raises(MaxvoltError, match=r'device must be "cpu" or "cuda"; got .tpu.'):
        potential.on("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MaxvoltError, match='device "cuda": torch finds no GPU'):
        potential.on("cuda")
    elsewhere = maxvolt.ANI(
        potential.species, FORM, potential.weights, potential.energies, potential.scales, "cuda"
    )
    with pytest.raises(MaxvoltError, match='device "cuda": torch finds no GPU'):
        elsewhere.evaluate(cluster())
    assert pickle.loads(pickle.dumps(elsewhere)).device == "cuda"
    assert not potential.shares_with(elsewhere)


def test_every_tensor_of_an_evaluation_is_put_on_the_device() -> None:
    import torch

    members = (made(1), made(2))
    ensemble = maxvolt.Ensemble(members)
    where = ensemble.neighborhoods(cluster())
    expected = ensemble.evaluate_neighborhoods(where).forces
    # Tensors without a device become ones without numbers, with which nothing can be computed.
    with torch.device("meta"):
        found = ensemble.evaluate_neighborhoods(where).forces
        with pytest.raises(RuntimeError):
            torch.zeros(3) + torch.zeros(3, device="cpu")
    np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------ files


def written(folder: Path) -> Path:
    path = folder / f"pot{SUFFIX}"
    made().write(path)
    return path


def test_an_untrained_potential_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / f"new{SUFFIX}"
    potential = maxvolt.ANI(["Cu", "Au"], FORM)
    potential.write(path)
    again = maxvolt.load(path)
    assert isinstance(again, maxvolt.ANI)
    assert (again.settings, again.digest) == (FORM, potential.digest)
    assert not again.is_trained


def test_files_of_other_names_are_recognised_by_their_content(tmp_path: Path) -> None:
    path = written(tmp_path).rename(tmp_path / "model")
    family = family_of_file(path)
    assert family is not None
    assert family.name == "ani"
    assert maxvolt.load(path).digest == made().digest


def test_names_and_species_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"end the name of this potential with \.ani\.safetensors"):
        made().write(tmp_path / "pot.safetensors")
    path = written(tmp_path)
    assert maxvolt.load(path, ["Cu", "Au"]).species == ("Cu", "Au")
    with pytest.raises(SpeciesError, match="names the species Cu, Au, but Au, Cu were given"):
        maxvolt.load(path, ["Au", "Cu"])


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    for count in (0, 5, 8, length // 2, length + 8, len(content) - 3):
        path.write_bytes(content[:count])
        with pytest.raises(FileFormatError, match=f"pot{SUFFIX}"):
            maxvolt.load(path)
    path.write_bytes(content.replace(rb"\"Au\"", rb"\"Ax\""))
    with pytest.raises(FileFormatError, match="species or settings cannot be read"):
        maxvolt.load(path)
    path.write_bytes(content.replace(rb"\"version\": 2", rb"\"version\": 7"))
    with pytest.raises(FileFormatError, match=r"version 7 .* reads versions 1 to 2"):
        maxvolt.load(path)
    broken = bytearray(content)
    broken[-8:] = np.float64(np.nan).tobytes()
    path.write_bytes(bytes(broken))
    with pytest.raises(FileFormatError, match="not finite"):
        maxvolt.load(path)


def test_files_of_version_1_keep_their_exponents(tmp_path: Path) -> None:
    path = written(tmp_path)
    content = path.read_bytes().replace(rb"\"version\": 2", rb"\"version\": 1")
    path.write_bytes(content)
    found = maxvolt.load(path)
    assert isinstance(found, maxvolt.ANI)
    # Equation (166) as it was: 1.42 for distances, 8.7 for angles.
    spacings = np.array([(4.2 - 0.9) / 3, (3.3 - 0.9) / 2, np.pi / 2])
    np.testing.assert_allclose(found.settings.exponents * spacings**2, [1.42, 1.42, 8.7])
    given = maxvolt.ANISettings(**{**VALUES, "zeta": 5.0})
    maxvolt.ANI.random(["Cu", "Au"], given).write(path)
    path.write_bytes(path.read_bytes().replace(rb"\"version\": 2", rb"\"version\": 1"))
    again = maxvolt.load(path)
    assert isinstance(again, maxvolt.ANI)
    assert again.settings.zeta == 5.0


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / f"other{SUFFIX}"
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(FileFormatError, match="is no ANI potential written by maxvolt"):
        maxvolt.load(path)
    save_file({"weight": np.zeros(3)}, path, {"format": "pt"})
    with pytest.raises(FileFormatError, match="is no ANI potential written by maxvolt"):
        maxvolt.load(path)


def test_what_info_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from maxvolt.cli import main

    path = written(tmp_path)
    assert main(["info", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["species"] == ["Cu", "Au"]
    assert facts["n_parameters"] == made().n_parameters
    assert facts["settings"]["layers"] == [5, 4]
    assert main(["info", str(path)]) == 0
    assert "18-5-4-1, CELU(0.1)" in capsys.readouterr().out
