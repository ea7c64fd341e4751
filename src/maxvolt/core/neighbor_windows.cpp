#include "neighbor_windows.hpp"

#include <cstdlib>

#include "checks.hpp"

namespace maxvolt {

namespace {

constexpr std::int64_t largest_shift = 1 << 28;  // sums of some of them are whole numbers still

void check_labels(std::int64_t n_atoms, const std::int32_t* labels, std::int64_t window_atoms) {
    require(window_atoms > 0, "a window needs at least one atom");
    for (std::int64_t i = 0; i < n_atoms; ++i) require(labels[i] >= 0, "negative species index");
}

// The list, once it is seen to be right.
const PairList& checked(const PairList& list, const std::int32_t* structures, const std::int32_t* labels,
                        std::int64_t window_atoms) {
    check_labels(list.n_atoms, labels, window_atoms);
    for (std::int64_t i = 0; i < list.n_atoms; ++i)
        require(structures[i] >= (i ? structures[i - 1] : 0), "structures must not decrease, from 0 or more");
    bool good = true;
    for (std::int64_t p = 0; p < 2 * list.n_pairs; ++p) good &= list.pairs[p] >= 0 && list.pairs[p] < list.n_atoms;
    require(good, "neighbour index out of range");
    for (std::int64_t p = 0; p < list.n_pairs; ++p)
        good &= structures[list.pairs[2 * p]] == structures[list.pairs[2 * p + 1]];
    require(good, "neighbours must belong to one structure");
    for (std::int64_t c = 0; c < 3 * list.n_pairs; ++c) good &= std::abs(std::int64_t(list.shifts[c])) < largest_shift;
    for (std::int64_t c = 0; c < 3 * list.n_atoms; ++c) good &= std::abs(std::int64_t(list.images[c])) < largest_shift;
    require(good, "lattice translation out of range");
    return list;
}

const FullList& checked(const FullList& list, const std::int32_t* labels, std::int64_t window_atoms) {
    require(list.n_local >= 0 && list.n_local <= list.n_atoms, "more local atoms than atoms");
    check_labels(list.n_atoms, labels, window_atoms);
    require(list.first[0] >= 0, "neighbours must begin at 0 or later");
    for (std::int64_t i = 0; i < list.n_local; ++i)
        require(list.first[i] <= list.first[i + 1], "neighbours of the atoms must follow each other");
    bool good = true;
    for (std::int64_t i = 0; i < list.n_local; ++i)
        for (std::int64_t e = list.first[i]; e < list.first[i + 1]; ++e)
            good &= list.neighbors[e] >= 0 && list.neighbors[e] < list.n_atoms && list.neighbors[e] != i;
    require(good, "neighbour index out of range");
    return list;
}

std::vector<std::int32_t> copied(const std::int32_t* values, std::int64_t n) { return {values, values + n}; }

}  // namespace

NeighborWindows::NeighborWindows(const PairList& list, const std::int32_t* structures, const std::int32_t* labels,
                                 const double* inside, std::int64_t window_atoms)
    : n_atoms_(list.n_atoms), n_structures_(list.n_atoms ? structures[list.n_atoms - 1] + 1 : 0),
      windows_(images_of(checked(list, structures, labels, window_atoms)), list.n_atoms,
               copied(structures, list.n_atoms), labels, inside, window_atoms) {}

NeighborWindows::NeighborWindows(const FullList& list, const std::int32_t* labels, const double* positions,
                                 std::int64_t window_atoms)
    : n_atoms_(list.n_atoms), n_structures_(1),
      windows_(images_of(checked(list, labels, window_atoms)), list.n_local,
               std::vector<std::int32_t>(std::size_t(list.n_atoms), 0), labels, positions, window_atoms) {}

NeighborWindows::NeighborWindows(const FoundNeighbors& found, const std::int32_t* labels, std::int64_t window_atoms)
    : n_atoms_(found.list.n_atoms()), n_structures_(n_atoms_ ? found.structures.back() + 1 : 0),
      windows_((check_labels(n_atoms_, labels, window_atoms), found.list), n_atoms_, found.structures, labels,
               found.inside.data(), window_atoms) {}

}  // namespace maxvolt
