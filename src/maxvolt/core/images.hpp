// Atoms, the periodic images around them, and which of these are neighbours.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace maxvolt {

using Shift = std::array<std::int32_t, 3>;

// An atom where a lattice translation takes it: x_atom + translation @ cell.
struct Image {
    std::int32_t atom;
    Shift translation;
};

// Neighbours of n atoms from both ends. The first n images are the atoms themselves, inside the cell.
struct ImageList {
    std::vector<Image> images;
    std::vector<std::int64_t> first;      // [n + 1] into neighbors
    std::vector<std::int32_t> neighbors;  // numbers of images

    std::int64_t n_atoms() const { return std::int64_t(first.size()) - 1; }
};

// Pairs of atoms i, j, each once, with r_ij = x_j + shift @ cell - x_i. Inside the cell lies
// x_i - image_i @ cell.
struct PairList {
    std::int64_t n_atoms, n_pairs;
    const std::int32_t* pairs;   // [n_pairs][2]
    const std::int32_t* shifts;  // [n_pairs][3]
    const std::int32_t* images;  // [n_atoms][3]
};

// Neighbours that a host program found, ghosts among them: every neighbour of the first n_local atoms where
// it is; those of atom i are neighbors[first[i] .. first[i + 1]).
struct FullList {
    std::int64_t n_atoms, n_local;
    const std::int64_t* first;      // [n_local + 1]
    const std::int32_t* neighbors;  // atoms
};

// Every pair from both ends, between atoms that are inside the cell.
ImageList images_of(const PairList& list);

// Ghosts are atoms, without neighbours of their own.
ImageList images_of(const FullList& list);

}  // namespace maxvolt
