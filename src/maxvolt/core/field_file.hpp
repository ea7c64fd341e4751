// Binary files of named arrays and numbers, versioned and checksummed.
//
// A file is a header (a magic word, the version, a word that tells the order of bytes, the length of the
// rest and its checksum) and fields, each with its name, type, count and values; numbers are little-endian.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "model_arrays.hpp"

namespace maxvolt {

// A file that is damaged, of another version or of another kind; the message says what and where.
class ModelFileError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// One kind of file.
struct FileKind {
    char magic[8];
    std::uint32_t version;
    const char* name;    // "compiled model"
    const char* remedy;  // what to do with one that is damaged
};

template <class T>
constexpr char field_type = std::is_same_v<T, std::int32_t> ? 'i'
                            : std::is_same_v<T, std::int64_t> ? 'l'
                            : std::is_same_v<T, double> ? 'd' : 'c';

// Collects fields; a visitor of each_field.
class FieldWriter {
  public:
    template <class T>
    void field(const std::string& name, const T* values, std::size_t count) {
        number(std::uint32_t(name.size()));
        fields_ += name;
        fields_ += field_type<T>;
        number(std::uint64_t(count));
        fields_.append(reinterpret_cast<const char*>(values), count * sizeof(T));
    }

    template <class T>
    void operator()(const std::string& name, const T& value) {
        field(name, &value, 1);
    }
    template <class T>
    void operator()(const std::string& name, const std::vector<T>& values, Shape) {
        field(name, values.data(), values.size());
    }

    // Header and all fields.
    std::string file(const FileKind&) const;

  private:
    template <class T>
    void number(T value) {
        fields_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    std::string fields_;
};

// Writes fields under names that begin with a prefix.
struct PrefixedWriter {
    FieldWriter& to;
    std::string prefix;

    template <class T>
    void operator()(const char* name, const T& value) const {
        to(prefix + name, value);
    }
    template <class T>
    void operator()(const char* name, const std::vector<T>& values, Shape shape) const {
        to(prefix + name, values, shape);
    }
};

struct Field {
    char type;
    std::size_t count;
    const char* values;
};

bool begins_as(const FileKind&, const char* data, std::size_t size);

// The fields of a file. Reads no byte that is not there, and points into the data, which must stay.
class FieldFile {
  public:
    // Throws ModelFileError.
    FieldFile(const FileKind&, const char* data, std::size_t size);

    bool contains(const std::string& name) const { return fields_.contains(name); }
    const Field& find(const std::string& name, char type) const;
    [[noreturn]] void wrong(const std::string& name) const;

  private:
    const FileKind& kind_;
    std::map<std::string, Field> fields_;
};

// Fills the fields of arrays by their names; a visitor of each_field.
class Filler {
  public:
    explicit Filler(const FieldFile& file, std::string prefix = "") : file_(file), prefix_(std::move(prefix)) {}

    template <class T>
    void operator()(const char* name, T& value) {
        const Field& f = file_.find(prefix_ + name, field_type<T>);
        if (f.count != 1) file_.wrong(prefix_ + name);
        std::memcpy(&value, f.values, sizeof value);
    }
    template <class T>
    void operator()(const char* name, std::vector<T>& values, Shape) {
        const Field& f = file_.find(prefix_ + name, field_type<T>);
        values.resize(f.count);
        if (f.count) std::memcpy(values.data(), f.values, f.count * sizeof(T));
    }

  private:
    const FieldFile& file_;
    std::string prefix_;
};

// All bytes of a file, at most so many; throws ModelFileError that names it where it cannot be read.
std::string file_bytes(const std::string& path, std::size_t at_most = std::string::npos);

}  // namespace maxvolt
