// The radial bases of MLIP by name: the recurrence that gives their functions (potentials/mtp/basis/radial.py says
// which functions these are).
#pragma once
#include <string>

#include "model_arrays.hpp"

namespace maxvolt::mlip {

// The largest number of functions that a basis can have; 0 where there is none of this name.
int largest_radial_size(const std::string& kind);

// "RBChebyshev, RBChebyshev_repuls, ..."
std::string radial_basis_names();

// Sets envelope, clamp, envelope_factor, slope, offset and recurrence from min_dist, cutoff and radial_size.
void set_radial_basis(const std::string& kind, RadialArrays& to);

// Whether a pair repulsion below min_dist belongs to a basis.
bool is_repulsive(const std::string& kind);

}  // namespace maxvolt::mlip
