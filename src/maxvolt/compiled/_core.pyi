from typing import Any

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

class System:
    def __init__(
        self, positions: Any, cells: Any, types: Any, windows: NeighborWindows
    ) -> None: ...

class Core:
    def __init__(self, **arguments: Any) -> None: ...
    @property
    def has_plan(self) -> bool: ...
    @property
    def n_parameters(self) -> int: ...
    def n_columns(self, radial: bool, linear: bool) -> int: ...
    def file_bytes(self, species: list[str]) -> bytes: ...

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
) -> int: ...
