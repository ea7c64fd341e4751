"""The client of i-PI: its protocol with a server of ASE, and runs of the real i-PI with 8 beads."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.socketio import IPIProtocol
from ase.io import read, write

import maxvolt
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import Thresholds, rattle
from maxvolt.sampling.i_pi import (
    BrokenOffError,
    Client,
    Connection,
    InternetAddress,
    LostError,
    Replicas,
    UnixAddress,
    connect,
)
from maxvolt.selection import RowWeights
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

BEADS = 8


def crystal() -> Atoms:
    atoms = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
    atoms.rattle(0.05, seed=3)
    return atoms


def graded() -> maxvolt.ActiveSet:
    """Grades of atoms, from a crystal a little more disturbed than those that are evaluated."""
    training = rattle(crystal(), 0.1, copies=8, seed=1)
    return maxvolt.ActiveSet.from_dataset(
        copper(), training, weights=RowWeights(energy=0.0, site_energy=1.0)
    )


# ------------------------------------------------------------------ the protocol


class Served:
    """A client at work in a thread, and the other end of its connection."""

    def __init__(self, replicas: Replicas) -> None:
        ours, its = socket.socketpair()
        self.socket = ours
        self.server = IPIProtocol(ours)
        self.error: MaxvoltError | None = None
        self._connection = Connection(its, "a test")
        self._thread = threading.Thread(target=self._serve, args=(Client(replicas),))
        self._thread.start()

    def _serve(self, client: Client) -> None:
        try:
            client.serve(self._connection)
        except MaxvoltError as error:
            self.error = error
        finally:
            self._connection.close()

    def ended(self) -> MaxvoltError | None:
        """Wait for the end of the client."""
        self.socket.settimeout(10)
        while self.socket.recv(4096):
            pass
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.socket.close()
        return self.error

    def initialize(self, index: int, text: bytes = b"x") -> None:
        self.server.sendmsg("INIT")
        self.server.send([index, len(text)], np.int32)
        self.server.send(np.frombuffer(text, np.byte), np.byte)

    def send(self, atoms: Atoms) -> None:
        self.server.sendposdata(
            atoms.cell.array, np.linalg.inv(atoms.cell.array).T, atoms.positions
        )

    def evaluate(self, atoms: Atoms, index: int) -> tuple[float, np.ndarray, np.ndarray, dict]:
        assert self.server.status() == "NEEDINIT"
        self.initialize(index)
        assert self.server.status() == "READY"
        self.send(atoms)
        assert self.server.status() == "HAVEDATA"
        energy, forces, virial, extra = self.server.sendrecv_force()
        return energy, forces, virial, json.loads(extra.tobytes())


def replicas(query: maxvolt.ActiveSet | None = None, **options) -> Replicas:
    def calculator() -> maxvolt.Calculator:
        return maxvolt.Calculator(copper(), query=query, threads=1)

    return Replicas(crystal(), calculator, **options)


def sheared(atoms: Atoms) -> Atoms:
    """In a cell that is not symmetric, as a matrix: rows must not be taken for columns."""
    made = atoms.copy()
    made.set_cell(atoms.cell.array @ [[1, 0, 0], [0.1, 1.02, 0], [0.03, -0.04, 0.97]], True)
    return made


def test_numbers_are_those_of_the_calculator():
    used = replicas(graded())
    served = Served(used)
    for seed in range(3):
        atoms = sheared(crystal())
        atoms.rattle(0.03, seed=seed)
        energy, forces, virial, extra = served.evaluate(atoms, 5)
        atoms.calc = maxvolt.Calculator(copper(), query=graded(), threads=1)
        assert energy == pytest.approx(atoms.get_potential_energy(), rel=1e-13)
        np.testing.assert_allclose(forces, atoms.get_forces(), rtol=0, atol=1e-12)
        expected = -atoms.get_volume() * atoms.get_stress(voigt=False)
        np.testing.assert_allclose(virial, expected, rtol=0, atol=1e-11)
        assert extra["replica"] == 5
        assert extra["grade"] == pytest.approx(atoms.calc.results["grade"], rel=1e-9)
    served.server.end()
    assert served.ended() is None
    assert used.all[0].evaluations == 3
    assert used.all[0].largest_grade >= extra["grade"]


def test_each_replica_keeps_its_list_of_neighbours():
    """Beads an Angstrom apart: with one list for all it would be built for each."""
    used = replicas()
    served = Served(used)
    for _ in range(5):
        for index in range(3):
            atoms = crystal()
            atoms.positions += 1.5 * np.random.default_rng(index).normal(size=3)
            atoms.rattle(0.2, seed=index)
            served.evaluate(atoms, index)
    served.server.end()
    assert served.ended() is None
    assert [(one.index, one.evaluations) for one in used.all] == [(0, 5), (1, 5), (2, 5)]
    assert [one.atoms.calc.neighbors.n_builds for one in used.all] == [1, 1, 1]


def test_spreads_of_an_ensemble_are_extras():
    one = copper()
    model = one.model
    other = one.with_coefficients(
        1.01 * model.radial_coeffs, model.species_coeffs, model.moment_coeffs
    )
    pair = maxvolt.Ensemble((one, other))
    served = Served(Replicas(crystal(), lambda: maxvolt.Calculator(pair, threads=1)))
    *_, extra = served.evaluate(crystal(), 0)
    served.server.end()
    assert served.ended() is None
    atoms = crystal()
    atoms.calc = maxvolt.Calculator(pair, threads=1)
    atoms.get_forces()
    spread = np.linalg.norm(atoms.calc.results["forces_std"], axis=1).max()
    assert extra["energy_std"] == pytest.approx(atoms.calc.results["energy_std"], rel=1e-9)
    assert extra["largest_force_std"] == pytest.approx(spread, rel=1e-9)


def test_without_three_periodic_directions_there_is_no_virial():
    atoms = crystal()
    atoms.pbc = [True, True, False]
    served = Served(Replicas(atoms, lambda: maxvolt.Calculator(copper(), threads=1)))
    _, _, virial, _ = served.evaluate(atoms, 0)
    served.server.end()
    assert served.ended() is None
    np.testing.assert_array_equal(virial, np.zeros((3, 3)))


def test_structures_that_extrapolate_are_kept_and_the_worst_ends_it():
    kept: list[Atoms] = []
    far = crystal()
    far.rattle(0.35, seed=8)
    used = replicas(graded(), thresholds=Thresholds(0.2, 20.0), record_every=2, keep=kept.append)
    served = Served(used)
    for _ in range(3):
        served.evaluate(crystal(), 1)
    assert served.server.status() == "NEEDINIT"
    served.initialize(1)
    served.send(far)
    error = served.ended()
    assert isinstance(error, BrokenOffError)
    assert "replica 1, structure 3" in str(error)
    assert "break threshold 20" in str(error)
    assert [atoms.info["step"] for atoms in kept] == [0, 2, 3]
    np.testing.assert_allclose(kept[-1].positions, far.positions, rtol=0, atol=1e-13)
    assert kept[-1].info["grade"] == used.all[0].largest_grade > 20
    assert kept[-1].calc is None


def no_number(served: Served) -> None:
    atoms = crystal()
    atoms.positions[3, 1] = np.nan
    served.send(atoms)


def not_i_pi(served: Served) -> None:
    served.server.sendmsg("GET / HTTP/1")


def no_text(served: Served) -> None:
    served.socket.sendall(b"\xff" * 12)


def close(served: Served) -> None:
    served.socket.shutdown(socket.SHUT_WR)


def close_within(served: Served) -> None:
    served.server.sendmsg("POSDATA")
    served.server.send(np.eye(3), np.float64)
    served.socket.shutdown(socket.SHUT_WR)


FAULTS: dict[str, tuple[Callable[[Served], None], str]] = {
    "other atoms": (
        lambda served: served.send(crystal()[:7]),
        "sent 7 atoms, but STRUCTURE has 32",
    ),
    "no number": (no_number, "not finite: its dynamics blew up"),
    "atoms at one place": (
        lambda served: served.send(Atoms("Cu32", np.zeros((32, 3)), cell=[9, 9, 9])),
        "replica 0, structure 0, both counted from 0: atoms Cu",
    ),
    "batches": (lambda served: served.initialize(0, b"batch_size:4"), "several structures at once"),
    "another program": (not_i_pi, "sent the message 'GET / HTTP/1'"),
    "no text": (no_text, "is it i-PI that listens there"),
    "forces before a structure": (
        lambda served: served.server.sendmsg("GETFORCE"),
        "GETFORCE before a structure",
    ),
    "closed": (close, "closed before i-PI said that it had finished"),
    "closed within a message": (close_within, "closed before i-PI said that it had finished"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_used_has_a_message(name: str):
    fault, message = FAULTS[name]
    served = Served(replicas())
    fault(served)
    error = served.ended()
    assert message in str(error)
    assert isinstance(error, LostError) == name.startswith("closed")


def test_where_nobody_listens():
    with pytest.raises(MaxvoltError, match=r"no i-PI listens at /tmp/ipi_nobody.*start i-PI first"):
        connect(UnixAddress("nobody"), 0.0)
    with socket.socket() as taken:  # a port that nobody else has, and where nobody listens
        taken.bind(("localhost", 0))
        port = taken.getsockname()[1]
        with pytest.raises(MaxvoltError, match=f"no i-PI listens at localhost, port {port}"):
            connect(InternetAddress("localhost", port), 0.3)


def test_a_socket_that_was_left(tmp_path):
    path = tmp_path / "left"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(MaxvoltError, match="left from an i-PI that has ended"):
        connect(UnixAddress(str(path)), 0.0)


def test_addresses_are_checked():
    with pytest.raises(MaxvoltError, match="1 to 98 characters"):
        UnixAddress("x" * 99)
    with pytest.raises(MaxvoltError, match="from 1 to 65535"):
        InternetAddress("localhost", 70000)


# ------------------------------------------------------------------ the real i-PI

INPUT = """\
<simulation verbosity="low">
  <output prefix="run">
    <properties stride="1" filename="out">[step, conserved, kinetic_md, potential]</properties>
    <trajectory filename="positions" stride="5" format="ase">positions</trajectory>
    <trajectory filename="forces" stride="5" format="ase">forces</trajectory>
    <trajectory filename="grade" stride="5" extra_type="grade">extras</trajectory>
  </output>
  <total_steps>{steps}</total_steps>
  <prng><seed>31</seed></prng>
  <ffsocket name="maxvolt" pbc="false" {socket}</ffsocket>
  <system>
    <initialize nbeads="8">
      <file mode="ase">start.xyz</file>
      <velocities mode="thermal" units="kelvin">300</velocities>
    </initialize>
    <forces><force forcefield="maxvolt"/></forces>
    <ensemble><temperature units="kelvin">300</temperature></ensemble>
    <motion mode="dynamics">
      <dynamics mode="nve"><timestep units="femtosecond">0.5</timestep></dynamics>
    </motion>
  </system>
</simulation>
"""

STEPS = 40


def unix(name: str) -> tuple[str, list[str]]:
    text = f'mode="unix"><address>{name}</address><latency>1e-4</latency>'
    return text, ["--unix", name]


def inet(port: int) -> tuple[str, list[str]]:
    text = f'mode="inet"><address>localhost</address><port>{port}</port><latency>1e-4</latency>'
    return text, ["--host", "localhost", "--port", str(port)]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs in the folder of the test; at its end none is left."""
    running: list[subprocess.Popen[str]] = []

    def started(*command: str) -> subprocess.Popen[str]:
        # Not what pytest makes of warnings: i-PI has some of its own.
        environment = {**os.environ, "PYTHONWARNINGS": "", "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        running.append(process)
        return process

    yield started
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def start_i_pi(start: Start, folder: Path, where: str, steps: int = STEPS) -> subprocess.Popen[str]:
    return start_with(start, folder, INPUT.format(steps=steps, socket=where))


def start_with(start: Start, folder: Path, text: str) -> subprocess.Popen[str]:
    needs("i-pi")
    (folder / "input.xml").write_text(text)
    write(folder / "start.xyz", crystal())
    graded().write(folder / "cu.almtp")
    program = Path(sys.executable).with_name("i-pi")
    return start(sys.executable, str(program), "input.xml")


def start_client(start: Start, address: list[str], *more: str) -> subprocess.Popen[str]:
    return start(
        *(sys.executable, "-m", "maxvolt", "i-pi", "cu.almtp", "start.xyz", *address),
        *("--threads", "1", "--wait", "30", "--json", *more),
    )


def ends(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def frames_of(path: Path, name: str) -> list[np.ndarray]:
    """Positions or forces of a trajectory, in ASE's units with eight digits."""
    frames = read(path, index=":", format="extxyz")
    return [one.positions if name == "positions" else one.get_forces() for one in frames]


@pytest.mark.parametrize("kind", ["unix", "inet"])
def test_path_integrals_with_two_clients(kind: str, tmp_path: Path, start: Start):
    """Forces are the calculator's, the energy of the ring polymer is conserved."""
    where, address = unix(f"two{os.getpid()}") if kind == "unix" else inet(free_port())
    server = start_i_pi(start, tmp_path, where)
    clients = [start_client(start, address) for _ in range(2)]
    reports = []
    for client in clients:
        code, output, errors = ends(client)
        assert code == 0, errors
        reports.append(json.loads(output)["replicas"])
    code, _, errors = ends(server)
    assert code == 0, errors
    counted = [sum(row["structures"] for row in report) for report in reports]
    assert sum(counted) == BEADS * (STEPS + 1)
    assert min(counted) > 0  # both had a share
    lists = [row["lists_built"] for report in reports for row in report]
    assert max(lists) == 1

    calculator = maxvolt.Calculator(copper(), query=graded(), threads=1)
    for bead in range(BEADS):
        positions, forces = (
            frames_of(tmp_path / f"run.{name}_{bead}.extxyz", name)
            for name in ("positions", "forces")
        )
        grades = np.loadtxt(tmp_path / f"run.grade_{bead}")
        assert len(positions) == len(forces) == len(grades) == STEPS // 5 + 1
        for k, (moved, pulled) in enumerate(zip(positions, forces, strict=True)):
            atoms = crystal()
            atoms.positions = moved
            atoms.calc = calculator
            # i-PI's Angstrom and eV differ from ASE's by 1e-7; eight digits are written.
            np.testing.assert_allclose(pulled, atoms.get_forces(), rtol=0, atol=1e-6)
            assert grades[k] == pytest.approx(calculator.results["grade"], rel=1e-6)

    table = np.loadtxt(tmp_path / "run.out")
    conserved, kinetic = table[:, 1], table[:, 2]
    assert len(conserved) == STEPS + 1
    assert np.ptp(conserved) < 1e-2 * kinetic.mean()
    assert np.ptp(table[:, 3]) > 10 * np.ptp(conserved)  # something moved


def test_the_input_of_the_documentation(tmp_path: Path, start: Start):
    text = (Path(__file__).parents[2] / "docs/i-pi.md").read_text()
    found = re.search(r"```xml\n(.*?)```", text, re.DOTALL)
    assert found is not None
    name = f"doc{os.getpid()}"
    changed = {"<total_steps>200": "<total_steps>4", "<address>copper": f"<address>{name}"}
    shown = found[1]
    for old, new in changed.items():
        assert old in shown
        shown = shown.replace(old, new)
    server = start_with(start, tmp_path, shown)
    code, output, errors = ends(start_client(start, ["--unix", name]))
    assert code == 0, errors
    assert len(json.loads(output)["replicas"]) == BEADS
    assert ends(server)[0] == 0
    assert len(read(tmp_path / "run.positions_0.extxyz", index=":")) == 1


def test_a_grade_above_break_ends_the_client_and_another_goes_on(tmp_path: Path, start: Start):
    where, address = unix(f"break{os.getpid()}")
    server = start_i_pi(start, tmp_path, where, steps=5)
    strict = ("--select", "0.1", "--break", "0.2", "--save-extrapolative", "new.xyz")
    code, _, errors = ends(start_client(start, address, *strict))
    assert code == 2
    assert "break threshold 0.2" in errors
    assert "what was kept is in new.xyz" in errors
    assert "touch EXIT" in errors
    kept = read(tmp_path / "new.xyz", index=":")
    assert len(kept) == 1
    assert kept[0].info["grade"] > 0.2
    code, output, errors = ends(start_client(start, address))
    assert code == 0, errors
    assert sum(row["structures"] for row in json.loads(output)["replicas"]) == BEADS * 6
    assert ends(server)[0] == 0


def connected(client: subprocess.Popen[str]) -> None:
    """Wait until a client says so."""
    assert client.stderr is not None
    for line in client.stderr:
        if line.startswith("connected to i-PI"):
            return
    raise AssertionError("the client ended before it was connected")


def test_a_server_that_is_killed(tmp_path: Path, start: Start):
    needs("SIGKILL")
    where, address = unix(f"killed{os.getpid()}")
    server = start_i_pi(start, tmp_path, where, steps=10**6)
    client = start_client(start, address)
    connected(client)
    time.sleep(1.0)
    server.send_signal(signal.SIGKILL)
    code, _, errors = ends(client)
    assert code == 2
    assert "before i-PI said that it had finished" in errors
    assert "Traceback" not in errors
    Path(f"/tmp/ipi_killed{os.getpid()}").unlink()


def test_a_client_waits_for_a_server_that_comes_back(tmp_path: Path, start: Start):
    needs("SIGKILL")
    where, address = inet(free_port())
    server = start_i_pi(start, tmp_path, where, steps=10**6)
    client = start_client(start, address, "--reconnect", "60")
    connected(client)
    time.sleep(1.0)
    server.send_signal(signal.SIGKILL)
    server = start_i_pi(start, tmp_path, where, steps=3)
    code, output, errors = ends(client)
    assert code == 0, errors
    assert "waiting 60 s for it to come back" in errors
    assert sum(row["structures"] for row in json.loads(output)["replicas"]) > BEADS * 4
    assert ends(server)[0] == 0
