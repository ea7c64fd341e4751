"""Potentials in the files of NeuroChem, which these tests write, against torchani and NumPy."""

from __future__ import annotations

import bz2
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ani_formulas import features, output
from ase import Atoms
from ase.build import bulk
from ase.units import Hartree

import maxvolt
from maxvolt.cli import main
from maxvolt.errors import FileFormatError, MaxvoltError, SpeciesError
from promises import needs

CONSTANTS = """TM = 1
Rcr = 4.2000e+00
Rca = 3.3000e+00
EtaR = [6.1000000e+00]
ShfR = [9.0000000e-01,2.0000000e+00,3.2000000e+00]
Zeta = [1.4100000e+01]
ShfZ = [7.8539816e-01,2.3561945e+00]
EtaA = [3.5000000e+00]
ShfA = [9.0000000e-01,2.0500000e+00]
Atyp = [Cu,Au]
"""
ENERGIES = "Cu,0=-1.25\nAu,1=0.5\n"
N_FEATURES = 2 * 3 + 3 * 4
HIDDEN = {"Cu": (6, 5), "Au": (4,)}
PREAMBLE = b"!InputFile for networks\nsize=\n"


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    needs("ani")


def network_text(symbol: str, sizes: tuple[int, ...]) -> str:
    text = f"inputsize={sizes[0]};\natom_net {symbol} $\n"
    for number, (into, nodes) in enumerate(pairwise(sizes), 1):
        name = f"ANN-{symbol}.nnf-l{number}"
        text += (
            f"layer [\nnodes={nodes};\nactivation={6 if nodes == 1 else 9};\ntype=0;\n"
            f"blocksize={into};\ndropout=0;\ndropset=-nan;\nmaskupdate=0;\nmaxnorm=0;\n"
            "norm=3;\nnormupdate=0;\nl2norm=0;\nl2valu=0.000001;\nbtchnorm=0;\n"
            f"weights=FILE:{name}.wparam[{into * nodes}];\n"
            f"biases=FILE:{name}.bparam[{nodes}];\n]\n"
        )
    return text + "$\n"


def write_networks(folder: Path, generator: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    for symbol, hidden in HIDDEN.items():
        sizes = (N_FEATURES, *hidden, 1)
        compressed = bz2.compress(network_text(symbol, sizes).encode() + b"\0")
        (folder / f"ANN-{symbol}.nnf").write_bytes(PREAMBLE + compressed)
        for number, (into, nodes) in enumerate(pairwise(sizes), 1):
            for ending, count in (("wparam", into * nodes), ("bparam", nodes)):
                values = generator.normal(size=count) / np.sqrt(into)
                path = folder / f"ANN-{symbol}.nnf-l{number}.{ending}"
                path.write_bytes(values.astype("<f4").tobytes())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The .info file of an ensemble of three."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "rCuAu.params").write_text(CONSTANTS)
    (folder / "sae_linfit.dat").write_text(ENERGIES)
    generator = np.random.default_rng(0)
    for member in range(3):
        write_networks(folder / f"train{member}" / "networks", generator)
    info = tmp_path / "model.info"
    info.write_text("model/rCuAu.params\nmodel/sae_linfit.dat\nmodel/train\n3\n")
    return info


def cluster() -> Atoms:
    generator = np.random.default_rng(7)
    corners = np.array(list(np.ndindex(2, 2, 2)))[:6] * 2.1
    return Atoms("CuAuCuCuAuAu", corners + generator.uniform(-0.3, 0.3, (6, 3)))


# ------------------------------------------------------------------ against others


def test_energies_and_forces_are_those_of_torchani(model: Path) -> None:
    import torch

    from maxvolt.potentials.ani.libraries import require_torchani

    neurochem = require_torchani().neurochem

    folder, atoms = model.with_suffix(""), cluster()
    functions, symbols = neurochem.load_aev_computer_and_symbols(folder / "rCuAu.params")
    networks = neurochem.load_ensemble(symbols, folder / "train", 3).double()
    alone = neurochem.load_sae(folder / "sae_linfit.dat")
    kinds = torch.tensor([[symbols.index(symbol) for symbol in atoms.symbols]])
    positions = torch.tensor(atoms.positions[None], requires_grad=True)
    energies = networks(kinds, functions.double()(kinds, positions), ensemble_values=True)
    of_atoms = sum(float(alone.self_energies[kind]) for kind in kinds[0])
    (slopes,) = torch.autograd.grad(energies.sum() / 3, positions)

    found = maxvolt.load(model)
    assert isinstance(found, maxvolt.Ensemble)
    each = [one.evaluate(atoms).energy for one in found.members]
    expected = Hartree * (energies.detach().numpy().ravel() + of_atoms)
    # torchani holds centres and exponents in single precision.
    np.testing.assert_allclose(each, expected, atol=2e-5)
    assert np.ptp(expected) > 1.0
    forces = found.evaluate(atoms).forces
    np.testing.assert_allclose(forces, -Hartree * slopes.numpy()[0], atol=2e-5)
    assert np.abs(forces).max() > 1.0


def test_site_energies_are_the_formulas_with_the_numbers_of_the_files(model: Path) -> None:
    potential = maxvolt.load(model.with_suffix("") / "train1")
    assert isinstance(potential, maxvolt.ANI)
    atoms, found = cluster(), potential.evaluate(cluster()).site_energies
    form = maxvolt.ANISettings(
        radial_cutoff=4.2, radial_functions=3, angular_cutoff=3.3, angular_shells=2,
        angular_sections=2, start=0.0, radial_eta=6.1, angular_eta=3.5, zeta=14.1,
        radial_shifts=(0.9, 2.0, 3.2), angular_shifts=(0.9, 2.05),
        angular_angles=(0.78539816, 2.3561945), element_layers=((6, 5), (4,)),
    )  # fmt: skip
    assert potential.settings == form
    stored = np.fromfile(model.with_suffix("") / "train1/networks/ANN-Au.nnf-l2.wparam", "<f4")
    np.testing.assert_array_equal(potential.weights["Au.1.weight"].ravel(), stored)
    for i, symbol in enumerate(atoms.symbols):
        of_network = output(potential, symbol, features(form, atoms, i, ("Cu", "Au")))
        alone = {"Cu": -1.25, "Au": 0.5}[symbol]
        assert found[i] == pytest.approx(Hartree * (alone + of_network), rel=1e-11)


def test_info_file_and_folders_are_the_same_potentials(model: Path) -> None:
    folder = model.with_suffix("")
    whole, again = maxvolt.load(model), maxvolt.load(folder)
    one = maxvolt.load(folder / "train2")
    assert isinstance(whole, maxvolt.Ensemble)
    assert whole.digest == again.digest
    assert whole.members[2].digest == one.digest
    both = maxvolt.load([folder / "train2", folder / "train0"])
    assert isinstance(both, maxvolt.Ensemble)
    assert both.members[1].digest == whole.members[0].digest
    assert maxvolt.load(model, ["Cu", "Au"]).digest == whole.digest
    with pytest.raises(SpeciesError, match="names the species Cu, Au, but Au, Cu were given"):
        maxvolt.load(model, ["Au", "Cu"])


def test_networks_without_compression_are_read(model: Path) -> None:
    folder = model.with_suffix("")
    before = maxvolt.load(folder / "train0").digest
    path = folder / "train0/networks/ANN-Cu.nnf"
    path.write_text(network_text("Cu", (N_FEATURES, *HIDDEN["Cu"], 1)))
    assert maxvolt.load(folder / "train0").digest == before


# ------------------------------------------------------------------ commands


def test_commands_take_it(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(model), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["member_count"], facts["species"]) == (3, ["Cu", "Au"])
    assert facts["layer_sizes"] == {"Cu": [18, 6, 5, 1], "Au": [18, 4, 1]}
    assert facts["energies_eV"] == pytest.approx([-1.25 * Hartree, 0.5 * Hartree])
    assert main(["info", str(model.with_suffix("") / "train0")]) == 0
    assert "Cu 18-6-5-1, Au 18-4-1, CELU(0.1)" in capsys.readouterr().out
    data = tmp_path / "data.xyz"
    maxvolt.write(data, [bulk("Cu", cubic=True)])
    assert main(["evaluate", str(model), str(data), "-o", str(tmp_path / "out.xyz")]) == 0
    (found, *_) = maxvolt.read(tmp_path / "out.xyz")
    expected = maxvolt.load(model).evaluate(bulk("Cu", cubic=True)).energy
    assert found.get_potential_energy() == pytest.approx(expected, abs=1e-6)


def test_it_is_converted_to_our_files(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pot.ani.safetensors"
    assert main(["convert", str(model), str(path), "--json"]) == 0
    written = json.loads(capsys.readouterr().out)["files"]
    assert written == [str(tmp_path / f"pot.{n}.ani.safetensors") for n in range(3)]
    assert maxvolt.load(path).digest == maxvolt.load(model).digest
    one = tmp_path / "one.ani.safetensors"
    assert main(["convert", str(model.with_suffix("") / "train1"), str(one)]) == 0
    assert maxvolt.load(one).digest == maxvolt.load(model.with_suffix("") / "train1").digest
    capsys.readouterr()
    for arguments, message in (
        (["out.xyz"], "this is a potential"),
        (["out.mtp"], "is an ANI neural network potential; expected a name that ends with .ani"),
        (["x.ani.safetensors", "--append"], "--append is for structures"),
        (["x.ani.safetensors", "--index", "0"], "--index is for structures"),
    ):
        name, *rest = arguments
        assert main(["convert", str(model), str(tmp_path / name), *rest]) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / name).exists()


# ------------------------------------------------------------------ refusals


CASES = {
    "no constants": ("rCuAu.params", None, r"rCuAu\.params: cannot be read: No such file"),
    "a term": ("rCuAu.params", CONSTANTS + "Krep = 1\n", r"params, line 11: Krep is not covered"),
    "a mode": (
        "rCuAu.params",
        CONSTANTS.replace("TM = 1", "TM = 0"),
        "TM = 0: such functions are not covered",
    ),
    "exponents": (
        "rCuAu.params",
        CONSTANTS.replace("[6.1000000e+00]", "[6.1,7.0]"),
        "EtaR has 2 values; functions with several are not covered",
    ),
    "a word": ("rCuAu.params", CONSTANTS.replace("4.2000e+00", "long"), "Rcr: expected a number"),
    "a gap": ("rCuAu.params", CONSTANTS.replace("Rca = 3.3000e+00\n", ""), "Rca is missing"),
    "cutoffs": ("rCuAu.params", CONSTANTS.replace("4.2000e+00", "2.0"), "angular_cutoff must be"),
    "an element": ("rCuAu.params", CONSTANTS.replace("Au]", "Ax]"), "rCuAu.params: .*Ax"),
    "no text": ("rCuAu.params", b"\xff\xfe\x00", "rCuAu.params: is no text"),
    "an energy": ("sae_linfit.dat", "Cu,0=-1.25\n", "sae_linfit.dat: the energy of Au is missing"),
    "an order": ("sae_linfit.dat", "Au,0=-1\nCu,1=2\n", r"dat, line 1: expected .* Cu,0, Au,1"),
    "a value": ("sae_linfit.dat", "Cu,0=x\nAu,1=2\n", "dat, line 1: Cu: expected a number; got x"),
    "no network": ("train1/networks/ANN-Au.nnf", None, r"train1/networks/ANN-Au\.nnf: cannot"),
    "other text": ("train0/networks/ANN-Au.nnf", "hello", r"ANN-Au\.nnf: is no network of Neuro"),
    "damage": (
        "train0/networks/ANN-Au.nnf",
        PREAMBLE + b"BZh9" + b"x" * 50,
        r"ANN-Au\.nnf: is damaged",
    ),
    "cut short": ("train0/networks/ANN-Au.nnf-l1.wparam", b"\0" * 8, "has 8 bytes; expected 288"),
    "not finite": (
        "train0/networks/ANN-Au.nnf-l2.bparam",
        np.float32(np.inf).tobytes(),
        r"ANN-Au\.nnf-l2\.bparam: holds a number that is not finite",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_files_that_cannot_be_are_named(case: str, model: Path) -> None:
    name, content, message = CASES[case]
    path = model.with_suffix("") / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FileFormatError, match=message):
        maxvolt.load(model)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("activation=9", "activation=5", r"layer 1 has the activation 5 \(a Gaussian\)"),
        ("activation=6", "activation=9", "layer 3 has the activation 9 .* expected 6"),
        ("type=0", "type=1", "layer 1 has type=1, which is not covered"),
        ("btchnorm=0", "btchnorm=1", "layer 1 has btchnorm=1, which is not covered"),
        ("blocksize=18", "blocksize=17", "17 inputs .* expected 18, the number of symmetry"),
        ("blocksize=6", "blocksize=7", "layer 2 has 7 inputs .* nodes of the layer before"),
        ("nodes=6", "nodes=many", "layer 1: expected a whole number for nodes; got many"),
        ("wparam[108]", "wparam[107]", r"expected weights=FILE:NAME\[108\]"),
        ("FILE:ANN", "FILE:../ANN", r"expected weights=FILE:NAME\[108\]"),
        ("biases=", "offsets=", r"expected biases=FILE:NAME\[6\]; got none"),
    ],
)
def test_networks_that_are_not_covered_are_refused(
    old: str, new: str, message: str, model: Path
) -> None:
    path = model.with_suffix("") / "train2/networks/ANN-Cu.nnf"
    text = network_text("Cu", (N_FEATURES, *HIDDEN["Cu"], 1))
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FileFormatError, match=rf"train2/networks/ANN-Cu\.nnf: .*{message}"):
        maxvolt.load(model)


def test_info_files_that_cannot_be_are_named(model: Path) -> None:
    good = model.read_text()
    model.write_text(good + "repulsion.dat\n")
    with pytest.raises(FileFormatError, match=r"model\.info: has 5 lines; expected 4"):
        maxvolt.load(model)
    model.write_text(good.replace("\n3\n", "\nthree\n"))
    with pytest.raises(FileFormatError, match=r"model\.info, line 4: expected the number"):
        maxvolt.load(model)
    model.write_text(good.replace("\n3\n", "\n4\n"))
    with pytest.raises(FileFormatError, match=r"train3/networks/ANN-Cu\.nnf: cannot be read"):
        maxvolt.load(model)


def test_folders_that_cannot_be_are_named(model: Path, tmp_path: Path) -> None:
    folder = model.with_suffix("")
    (folder / "other.params").write_text(CONSTANTS)
    with pytest.raises(FileFormatError, match=r"model: has 2 files of constants, other\.params"):
        maxvolt.load(folder)
    for path in folder.glob("*.params"):
        path.unlink()
    with pytest.raises(FileFormatError, match=r"model: has no file of constants, \*\.params"):
        maxvolt.load(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MaxvoltError, match="empty: is not a potential that maxvolt knows"):
        maxvolt.load(empty)
