// Compiled model files: all arrays of a potential, its evaluation plan among them, so that a C++ program
// evaluates at full speed what Python has compiled; and, where there are any, its active set and what makes expected
// errors.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "field_file.hpp"
#include "model_arrays.hpp"

namespace maxvolt {

struct ModelFile {
    ModelArrays arrays;
    std::vector<std::string> species;  // symbols in the order of the types; empty where they are not known
    std::optional<ActiveSetArrays> active_set;
    std::optional<ErrorArrays> errors;
};

extern const FileKind model_file_kind;

std::string model_file_bytes(const ModelFile&);

// Reads no byte that is not there and asks for no more memory than the file is long. The arrays are checked
// by CompiledModel only. Throws ModelFileError.
ModelFile parse_model_file(const char* data, std::size_t size);

// Throws ModelFileError, also where the file cannot be opened.
ModelFile read_model_file(const std::string& path);

}  // namespace maxvolt
