from typing import Any

class System:
    def __init__(
        self,
        positions: Any,
        cells: Any,
        structures: Any,
        types: Any,
        first: Any,
        neighbors: Any,
        shifts: Any,
    ) -> None: ...
    @property
    def n_atoms(self) -> int: ...
    @property
    def n_structures(self) -> int: ...

class Core:
    def __init__(self, **arguments: Any) -> None: ...
    @property
    def n_parameters(self) -> int: ...

def kernel_names() -> list[str]: ...
def evaluate(
    core: Core,
    system: System,
    begin: int,
    end: int,
    kernels: str,
    energies: Any,
    forces: Any,
    virials: Any,
) -> int: ...
def site_gradients(
    core: Core, system: System, begin: int, end: int, kernels: str, rows: Any
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
) -> int: ...
