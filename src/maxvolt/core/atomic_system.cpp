#include "atomic_system.hpp"

#include <algorithm>

#include "checks.hpp"

namespace maxvolt {

AtomicSystem::AtomicSystem(const double* positions, std::int64_t n_atoms, const double* cells,
                           std::int64_t n_structures, const std::int32_t* types, const NeighborWindows& list)
    : windows(&list.windows()) {
    require(list.n_atoms() == n_atoms, "the neighbour list is that of another number of atoms");
    require(n_structures >= list.n_structures(), "structure index out of range");
    for (std::int64_t i = 0; i < n_atoms; ++i) {
        max_type = std::max(max_type, types[i]);
        require(types[i] >= 0, "negative species index");
    }
    atoms = {n_atoms, n_structures, positions, cells, types, windows->structures().data()};
}

}  // namespace maxvolt
