from collections.abc import Sequence
from typing import Any

class ActiveSetArrays:
    def __init__(
        self,
        *,
        energy_weight: float,
        force_weight: float,
        stress_weight: float,
        site_energy_weight: float,
        weight_scaling: int,
        inverse: Any,
    ) -> None: ...

# An active set ready to grade; `grades` sets an array from rows as `site_gradients` gives them.
class ActiveSet:
    def __init__(self, arrays: ActiveSetArrays, n_parameters: int) -> None: ...
    @property
    def has_single(self) -> bool: ...
    def grades(self, rows: Any, kernels: str, single: bool, grades: Any) -> None: ...

class ErrorArrays:
    def __init__(
        self,
        *,
        n_columns: int,
        factor: Any,
        measures: Any,
        floors: Any,
        exponents: Any,
        largest: Any,
        prefactor: float,
        edges: Any,
        score_counts: Any,
        scores: Any,
        structures: Any,
        reached: Any,
    ) -> None: ...

# A calibration as programs without Python apply it; `deviations` sets an array from rows as
# `site_gradients` gives them.
class ForceErrors:
    def __init__(self, arrays: ErrorArrays, n_parameters: int) -> None: ...
    def expected(self, grade: float, deviation: float, force_length: float) -> float: ...
    def is_beyond(self, grade: float, deviation: float) -> bool: ...
    def bin(self, expected: float) -> int: ...
    def factors(self, coverage: float, strict: bool) -> list[float]: ...
    def deviations(self, rows: Any, kernels: str, deviations: Any) -> None: ...

class FoundNeighbors:
    def __init__(
        self, images: Any, first: Any, neighbors: Any, structures: Any, inside: Any
    ) -> None: ...
    def arrays(self) -> tuple[Any, Any, Any, Any, Any]: ...
    def pairs(self) -> tuple[Any, Any]: ...

class NeighborWindows:
    def __init__(
        self,
        pairs: Any,
        shifts: Any,
        inside: Any,
        images: Any,
        structures: Any,
        labels: Any,
        window_atoms: int,
    ) -> None: ...
    @property
    def n_windows(self) -> int: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def n_parts(self) -> int: ...
    def structures(self, window: int) -> tuple[int, int]: ...
    @staticmethod
    def of_ghosts(
        first: Any, neighbors: Any, positions: Any, labels: Any, window_atoms: int
    ) -> NeighborWindows: ...
    @staticmethod
    def of_search(found: FoundNeighbors, labels: Any, window_atoms: int) -> NeighborWindows: ...

class System:
    def __init__(
        self, positions: Any, cells: Any, types: Any, windows: NeighborWindows
    ) -> None: ...

# The parts of a model; arrays are copied. Shapes: core/model_arrays.hpp, meanings: core/model.hpp.

class RadialArrays:
    def __init__(
        self,
        *,
        n_species: int,
        n_mu: int,
        radial_size: int,
        envelope: int,
        clamp: bool,
        min_dist: float,
        cutoff: float,
        envelope_factor: float,
        slope: float,
        offset: float,
        recurrence: Any,
        radial_coeffs: Any,
    ) -> None: ...

class RepulsionArrays:
    def __init__(
        self,
        *,
        exponential_repulsion: bool,
        zbl_inner: float,
        zbl_outer: float,
        zbl_coulomb: float,
        zbl_bohr: float,
        zbl_charges: Any,
    ) -> None: ...

class MomentArrays:
    def __init__(
        self,
        *,
        max_degree: int,
        n_independent: int,
        n_basic: int,
        n_moments: int,
        monomial_counts: Any,
        moment_offsets: Any,
        traces: Any,
        run_targets: Any,
        run_first: Any,
        left: Any,
        right: Any,
        factors: Any,
        scalars: Any,
    ) -> None: ...

class PlanArrays:
    def __init__(
        self,
        *,
        n_components: int,
        n_slots: int,
        constant: int,
        harmonic_rows: Any,
        harmonic_columns: Any,
        harmonic_values: Any,
        moment_rows: Any,
        moment_columns: Any,
        moment_values: Any,
        couplings: Any,
        real_products: Any,
        complex_products: Any,
        blocks: Any,
        block_ranks: Any,
        block_values: Any,
        pairs: Any,
        targets: Any,
        rows: Any,
        columns: Any,
        form: Any,
        invariants: Any,
        expansion_first: Any,
        expansion_columns: Any,
        expansion_values: Any,
    ) -> None: ...

class Core:
    def __init__(
        self,
        radial: RadialArrays,
        repulsion: RepulsionArrays,
        moments: MomentArrays,
        species_coeffs: Any,
        moment_coeffs: Any,
        plan: PlanArrays | None = None,
    ) -> None: ...
    @property
    def has_plan(self) -> bool: ...
    @property
    def n_parameters(self) -> int: ...
    def n_columns(self, radial: bool, linear: bool) -> int: ...
    def file_bytes(
        self,
        species: list[str],
        active_set: ActiveSetArrays | None = None,
        errors: ErrorArrays | None = None,
    ) -> bytes: ...

# A potential as programs without Python read it: a compiled model or a text potential, the latter
# with its plan out of a folder ("": none). Model, species as far as the file names them, fields of
# ActiveSetArrays (None: the file has no active set). RuntimeError where it cannot be read.
def read_potential(path: str, plans: str = "") -> tuple[Core, list[str], dict[str, Any] | None]: ...

# Name and contents of the file that keeps the plan of a table; its form is left out.
def plan_file(
    basic: Any, products: Any, scalars: Any, n_moments: int, plan: PlanArrays
) -> tuple[str, bytes]: ...

# What a host program is told of a table without a plan: about how many times longer evaluations
# take.
def slowdown_without_plan(n_products: int) -> float: ...
def kernel_names() -> list[str]: ...
def evaluate(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    single: bool,
    energies: Any,
    rows: Any,
    virials: Any,
) -> int: ...
def evaluate_moments(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    energies: Any,
    rows: Any,
    virials: Any,
    x: Any,
    y: Any,
    z: Any,
) -> int: ...
def empty_rows(n: int) -> Any: ...
def fold_forces(system: System, begin: int, end: int, rows: Any, forces: Any) -> None: ...
def fold_virials(system: System, parts: Any, virials: Any) -> None: ...
def largest_displacements(now: Any, old: Any, deformation: Any) -> tuple[float, float]: ...
def search_neighbors(
    offsets: Any, positions: Any, cells: Any, periodic: Any, cutoff: float, most_in_vain: float
) -> tuple[FoundNeighbors, list[int]]: ...
def site_gradients(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    gradients: Any,
    energies: Any = None,
    rows: Any = None,
    virials: Any = None,
) -> int: ...
def site_grades(
    core: Core,
    active_set: ActiveSet,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    grades: Any,
    energies: Any = None,
    rows: Any = None,
    virials: Any = None,
) -> int: ...
def structure_gradients(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    gradients: Any,
    energies: Any = None,
    rows: Any = None,
    virials: Any = None,
) -> int: ...
def directional_gradient(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    energy_weights: Any,
    displacements: Any,
    strains: Any,
    gradient: Any,
) -> int: ...
def invariant_rows(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    energies: Any,
    forces: Any,
    virials: Any,
    has_virial: Any,
) -> int: ...
def jacobian(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    energies: Any,
    forces: Any,
    virials: Any,
    radial: bool = True,
    linear: bool = True,
    single: bool = False,
) -> int: ...

class LatticeHamiltonian:
    def energy(self, species: Any) -> float: ...

# A Markov chain; `run` sets energies and numbers of atoms, `walk` logarithms and visits.
class LatticeChain:
    def __init__(
        self, hamiltonian: LatticeHamiltonian, species: Any, random_state: Sequence[int]
    ) -> None: ...
    def run(
        self,
        beta: float,
        chemical_potentials: Any,
        attempts: int,
        every: int,
        energies: Any,
        counts: Any,
    ) -> int: ...
    def walk(
        self, lowest: float, width: float, logarithms: Any, visits: Any, step: float, attempts: int
    ) -> int: ...
    def difference(self, sites: Any, species: Any) -> float: ...
    def renew(self) -> None: ...
    @property
    def energy(self) -> float: ...
    @property
    def species(self) -> Any: ...
    @property
    def random_state(self) -> list[int]: ...

def lattice_hamiltonian(
    n_species: int,
    kinds: Sequence[Any],
    kind_of: Any,
    n_basis: int,
    atomic: Any,
    may_have: Any,
    first: Any,
    neighbors: Any,
) -> LatticeHamiltonian: ...
def lattice_random_state(seed: int) -> list[int]: ...
