// Neighbour lists in windows, checked before they are used.
#pragma once
#include <cstdint>
#include <vector>

#include "neighbor_search.hpp"
#include "windows.hpp"

namespace maxvolt {

class NeighborWindows {
  public:
    // Periodic structures. structures, labels: [n_atoms]; inside: [n_atoms][3], positions inside the cell.
    // Throws std::invalid_argument where an index is out of range.
    NeighborWindows(const PairList& list, const std::int32_t* structures, const std::int32_t* labels,
                    const double* inside, std::int64_t window_atoms);

    // Atoms of one host program with its ghosts, all of one structure. positions: [n_atoms][3].
    NeighborWindows(const FullList& list, const std::int32_t* labels, const double* positions,
                    std::int64_t window_atoms);

    // Structures that were searched here.
    NeighborWindows(const FoundNeighbors& found, const std::int32_t* labels, std::int64_t window_atoms);

    const Windows& windows() const { return windows_; }
    std::int64_t n_atoms() const { return n_atoms_; }
    std::int64_t n_structures() const { return n_structures_; }

  private:
    std::int64_t n_atoms_, n_structures_;
    Windows windows_;
};

}  // namespace maxvolt
