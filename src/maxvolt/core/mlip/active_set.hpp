// The active set behind a potential in a file: `.almtp` of MLIP-3 and `.als` of MLIP-2.
//
// Both hold a square matrix of rows, its inverse, which row came from which structure, and these structures; numbers
// are binary, the rest is text. MLIP-3 names its weights; MLIP-2 writes four of them without names. For grades the
// inverse and the weights are enough: the structures are not read.
#pragma once
#include <cstddef>
#include <cstdint>

#include "mlip/tokens.hpp"
#include "model_arrays.hpp"

namespace maxvolt::mlip {

// Reads it from a place behind the potential, which has n parameters. Throws ModelFileError.
ActiveSetArrays read_active_set(const Scanner& file, std::size_t begin, std::int64_t n);

}  // namespace maxvolt::mlip
