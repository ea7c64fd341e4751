// A contraction table as files of potentials hold it, and what the core makes of it.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

#include "model_arrays.hpp"

namespace maxvolt {

// How moments are multiplied to scalars: moment i3 is the sum of factor * moment i0 * moment i1 over its products.
// Names of the arrays in messages are the keys of MLIP's files.
struct ContractionTable {
    Integers32 basic;     // [..][4] mu, nx, ny, nz of each basic moment: alpha_index_basic
    Integers32 products;  // [..][4] i0, i1, factor, i3: alpha_index_times
    Integers32 scalars;   // moment of each basis function: alpha_moment_mapping
    std::int32_t n_moments = 0;  // alpha_moments_count
};

// A table that breaks a rule, and the key at fault.
class TableError : public std::invalid_argument {
  public:
    TableError(const char* key, const std::string& what) : std::invalid_argument(what), key(key) {}
    const char* key;
};

// Indices in range, products that use complete moments only, no more moments than the kernels can hold.
// Throws TableError.
void check_table(const ContractionTable&);

// A checked table in the order of the kernels (potentials/mtp/binding/layout.py): basic moments with at most one z,
// complete up to the highest rank that this mu or a higher one has; then the others; then the products.
MomentArrays moments_of(const ContractionTable&);

// 32 hexadecimal digits that tell tables apart, the same in every version and on every machine.
std::string table_digest(const ContractionTable&);

}  // namespace maxvolt
