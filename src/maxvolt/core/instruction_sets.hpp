// The kernels that this build and this processor offer.
#pragma once
#include <string>
#include <vector>

#include "model.hpp"

namespace maxvolt {

// Best first.
std::vector<const Kernels*> available_kernels();

// By name; the best where the name is empty. Throws std::invalid_argument where there is none of that name.
const Kernels& find_kernels(const std::string& name = "");

}  // namespace maxvolt
