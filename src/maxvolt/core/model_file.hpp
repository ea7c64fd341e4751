// Compiled model files: all arrays of a potential, its evaluation plan among them, so that a C++ program
// evaluates at full speed what Python has compiled; and, where there is one, its active set.
//
// A file is a header (the magic word, the version, a word that tells the order of bytes, the length of the
// rest and its checksum) and fields, each with its name, type, count and values; numbers are little-endian.
#pragma once
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "model_arrays.hpp"

namespace maxvolt {

// A file that is damaged, of another version or no compiled model; the message says what and where.
class ModelFileError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct ModelFile {
    ModelArrays arrays;
    std::vector<std::string> species;  // symbols in the order of the types; empty where they are not known
    std::optional<ActiveSetArrays> active_set;
};

std::string model_file_bytes(const ModelFile&);

// Reads no byte that is not there and asks for no more memory than the file is long. The arrays are checked
// by CompiledModel only. Throws ModelFileError.
ModelFile parse_model_file(const char* data, std::size_t size);

// Throws ModelFileError, also where the file cannot be opened.
ModelFile read_model_file(const std::string& path);

}  // namespace maxvolt
