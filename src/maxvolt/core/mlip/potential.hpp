// Text potentials: .mtp of MLIP-2, .almtp of MLIP-3, .als of MLIP-2 and .mtp of motep and maxvolt.
#pragma once
#include <string>
#include <string_view>

#include "contraction_table.hpp"
#include "model_file.hpp"

namespace maxvolt::mlip {

struct TextPotential {
    ModelFile file;          // no plan: that of the table is found elsewhere
    ContractionTable table;
};

// Reads the bytes of a file whose path is for messages. What is untrained or magnetic is refused. The numbers are
// those that maxvolt's Python hands to the core. Throws ModelFileError that names file and line.
TextPotential parse_potential(std::string_view data, const std::string& path);

}  // namespace maxvolt::mlip
