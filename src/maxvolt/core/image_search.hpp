// Pairs of atoms within a cutoff, found by looking at every image: the fastest way for small structures.
#pragma once
#include <cstdint>
#include <vector>

namespace maxvolt {

// Structures whose atoms follow each other.
struct StructureList {
    std::int64_t n_structures;
    const std::int64_t* offsets;  // [n_structures + 1], where the atoms of each begin
    const double* positions;      // [n_atoms][3]
    const double* cells;          // [n_structures][3][3], rows are lattice vectors
    const bool* periodic;         // [n_structures][3]
};

// Pairs i, j, each once, with r_ij = x_j + shift @ cell - x_i.
struct FoundPairs {
    std::vector<std::int32_t> pairs;        // [n_pairs][2], numbers of atoms in the whole list
    std::vector<std::int32_t> shifts;       // [n_pairs][3]
    std::vector<std::int64_t> left_out;     // structures that were not searched
};

// Searches the structures in which at most so many images have to be looked at. Left out are the others, and
// those with numbers that are not finite or with lattice planes so close that they need a closer look.
FoundPairs search_images(const StructureList& list, double cutoff, double most_images);

}  // namespace maxvolt
