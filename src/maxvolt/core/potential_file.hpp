// Potentials in any of the formats that the core reads.
#pragma once
#include <string>

#include "model_file.hpp"

namespace maxvolt {

// Reads a compiled model or a text potential (.mtp, .almtp, .als), whichever the first bytes say it is. The plan of a
// text potential is that of its table in the folder of plans, empty for none; without one its scalars are evaluated
// as they stand. Throws ModelFileError.
ModelFile read_potential_file(const std::string& path, const std::string& plans_folder);

}  // namespace maxvolt
