"""Low-rank potentials of alloys on a lattice: energies of arrangements, and chains of them."""

from maxvolt.potentials.lattice.chain import Chain, Samples
from maxvolt.potentials.lattice.ensemble import LowRankEnsemble
from maxvolt.potentials.lattice.environments import Environment, environments_of
from maxvolt.potentials.lattice.files import (
    read_low_rank,
    read_low_rank_ensemble,
    write_low_rank,
)
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.mapping import Mapped, on_lattice
from maxvolt.potentials.lattice.named import LATTICE_NAMES, named_lattice
from maxvolt.potentials.lattice.parent import VACANCY, ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.tangent_space import TangentSpace
from maxvolt.potentials.lattice.tensor_train import TensorTrain

__all__ = [
    "LATTICE_NAMES",
    "VACANCY",
    "Chain",
    "Environment",
    "Hamiltonian",
    "LowRankEnsemble",
    "LowRankPotential",
    "Mapped",
    "ParentLattice",
    "Samples",
    "Supercell",
    "TangentSpace",
    "TensorTrain",
    "environments_of",
    "named_lattice",
    "on_lattice",
    "read_low_rank",
    "read_low_rank_ensemble",
    "write_low_rank",
]
