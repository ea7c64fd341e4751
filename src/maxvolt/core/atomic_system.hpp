// Atoms where they are now, with their neighbours.
#pragma once
#include <cstdint>

#include "neighbor_windows.hpp"

namespace maxvolt {

// Holds the caller's arrays and the list, which must outlive it.
class AtomicSystem {
  public:
    // Throws std::invalid_argument where types or structures do not fit the list.
    AtomicSystem(const double* positions, std::int64_t n_atoms, const double* cells, std::int64_t n_structures,
                 const std::int32_t* types, const NeighborWindows& list);

    Atoms atoms{};
    const Windows* windows;
    std::int32_t max_type = -1;
};

}  // namespace maxvolt
