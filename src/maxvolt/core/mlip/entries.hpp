// What the keys of a text potential say, before any rule is looked at.
//
// Keys may come in any order, since MLIP-2, MLIP-3 and motep do not agree on one. Comment lines before the first word
// (# DATE: ... UNITS: metal ...) are skipped.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mlip/tokens.hpp"
#include "model_arrays.hpp"

namespace maxvolt::mlip {

// The coefficients of one pair of species.
struct RadialBlock {
    std::pair<std::int32_t, std::int32_t> labels;
    std::vector<Reals> rows;
    std::size_t place;
};

struct Entries {
    std::string version, potential_name, potential_tag, radial_basis_type;
    double scaling = 1.0;
    double radial_scaling = 1.0;  // the same behind radial_basis_type, multiplied in
    double min_dist = 0.0, max_dist = 0.0;
    std::int32_t species_count = 0, radial_basis_size = 0, radial_funcs_count = 0, alpha_moments_count = 0,
                 alpha_index_basic_count = 0, alpha_index_times_count = 0, alpha_scalar_moments = 0;
    Integers32 alpha_index_basic, alpha_index_times;  // rows of four
    Integers32 alpha_moment_mapping;
    std::vector<RadialBlock> radial_coeffs;
    Reals species_coeffs, moment_coeffs;

    bool has(const std::string& key) const { return places.contains(key); }
    // Where the value of a key begins, for messages.
    std::size_t place(const std::string& key) const;

    std::map<std::string, std::size_t> places;
    std::size_t end = 0;  // of the last value
};

// Whether the first bytes of a file are those of a text potential.
bool looks_like_potential(std::string_view head);

// Throws ModelFileError that names file and line.
Entries read_entries(Scanner&);

}  // namespace maxvolt::mlip
