// Neighbours within a cutoff, with every periodic image that is one.
#pragma once
#include <cstdint>
#include <vector>

#include "images.hpp"
#include "model.hpp"

namespace maxvolt {

// Structures whose atoms follow each other.
struct StructureList {
    std::int64_t n_structures;
    const std::int64_t* offsets;  // [n_structures + 1], where the atoms of each begin
    const double* positions;      // [n_atoms][3]
    const double* cells;          // [n_structures][3][3], rows are lattice vectors
    const bool* periodic;         // [n_structures][3]
};

// Atoms of all structures, each with its neighbours, of which none is itself.
struct FoundNeighbors {
    ImageList list;
    std::vector<std::int32_t> structures;  // [n_atoms] structure of each
    std::vector<double> inside;            // [n_atoms][3] positions inside the cell
    std::vector<std::int64_t> left_out;    // structures that were not searched: their atoms have no neighbours
};

// Left out are structures with numbers that are not finite or with lattice planes so close that they need a closer
// look, those that have very many images for each atom, and those with more than so many points for each atom that had to
// be looked at in vain: atoms in few places of a wide space.
FoundNeighbors search_neighbors(const StructureList& list, double cutoff, double most_in_vain, const Kernels& kernels);

// Throws std::invalid_argument where an index is out of range or a neighbour belongs to another structure.
void check_found(const FoundNeighbors& found);

// Pairs i, j, each once, with r_ij = x_j + shift @ cell - x_i.
struct FoundPairs {
    std::vector<std::int32_t> pairs;   // [n_pairs][2], numbers of atoms in the whole list
    std::vector<std::int32_t> shifts;  // [n_pairs][3]
};

FoundPairs pairs_of(const ImageList& list);

}  // namespace maxvolt
