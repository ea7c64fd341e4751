#include "model_file.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <type_traits>

namespace maxvolt {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are in memory");

constexpr char magic[8] = {'M', 'A', 'X', 'V', 'O', 'L', 'T', '\n'};
constexpr std::uint32_t version = 1, byte_order = 0x01020304;
constexpr std::size_t header_size = 32;
constexpr char plan_prefix[] = "plan.", active_prefix[] = "active_set.";

// FNV-1a.
std::uint64_t checksum(const char* data, std::size_t size) {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (std::size_t i = 0; i < size; ++i) h = (h ^ std::uint8_t(data[i])) * 0x100000001b3u;
    return h;
}

template <class T>
constexpr char letter = std::is_same_v<T, std::int32_t> ? 'i'
                        : std::is_same_v<T, std::int64_t> ? 'l'
                        : std::is_same_v<T, double> ? 'd' : 'c';

std::size_t size_of(char type) { return type == 'i' ? 4 : type == 'c' ? 1 : 8; }

class Writer {
  public:
    template <class T>
    void number(T value) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    template <class T>
    void field(const std::string& name, const T* values, std::size_t count) {
        number(std::uint32_t(name.size()));
        bytes += name;
        bytes += letter<T>;
        number(std::uint64_t(count));
        bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
    }

    template <class T>
    void operator()(const std::string& name, const T& value) {
        field(name, &value, 1);
    }
    template <class T>
    void operator()(const std::string& name, const std::vector<T>& values, Shape) {
        field(name, values.data(), values.size());
    }

    std::string bytes;
};

// Writes fields under names that begin with a prefix.
struct PrefixedWriter {
    Writer& to;
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

// Walks over the fields of a file and never leaves it.
class Reader {
  public:
    Reader(const char* data, std::size_t size) : data_(data), size_(size) {}

    template <class T>
    T number() {
        T value;
        std::memcpy(&value, take(sizeof value), sizeof value);
        return value;
    }

    std::map<std::string, Field> fields() {
        std::map<std::string, Field> out;
        while (at_ < size_) {
            const std::size_t begin = at_;
            const auto length = number<std::uint32_t>();
            const char* name = take(length);
            const std::string key(name, length);
            const char type = *take(1);
            if (type != 'i' && type != 'l' && type != 'd' && type != 'c') fail("a field of unknown type", begin);
            const auto count = number<std::uint64_t>();
            if (count > (size_ - at_) / size_of(type)) fail("a field is longer than the file", begin);
            if (!out.emplace(key, Field{type, count, take(count * size_of(type))}).second)
                fail("a field occurs twice", begin);
        }
        return out;
    }

    [[noreturn]] static void fail(const std::string& what, std::size_t at) {
        throw ModelFileError("compiled model: " + what + " (byte " + std::to_string(at) +
                             "); the file is damaged: write it again");
    }

  private:
    const char* take(std::size_t n) {
        if (n > size_ - at_) fail("the file ends too early", at_);
        const char* out = data_ + at_;
        at_ += n;
        return out;
    }

    const char* data_;
    std::size_t size_, at_ = 0;
};

// Fills the fields of arrays by their names.
class Filler {
  public:
    Filler(const std::map<std::string, Field>& fields, std::string prefix)
        : fields_(fields), prefix_(std::move(prefix)) {}

    template <class T>
    void operator()(const char* name, T& value) {
        const Field& f = find(name, letter<T>);
        if (f.count != 1) wrong(name);
        std::memcpy(&value, f.values, sizeof value);
    }
    template <class T>
    void operator()(const char* name, std::vector<T>& values, Shape) {
        const Field& f = find(name, letter<T>);
        values.resize(f.count);
        if (f.count) std::memcpy(values.data(), f.values, f.count * sizeof(T));
    }

  private:
    const Field& find(const char* name, char type) const {
        const auto found = fields_.find(prefix_ + name);
        if (found == fields_.end()) throw ModelFileError("compiled model: it lacks '" + prefix_ + name + "'");
        if (found->second.type != type) wrong(name);
        return found->second;
    }
    [[noreturn]] void wrong(const char* name) const {
        throw ModelFileError("compiled model: '" + prefix_ + name + "' is not what it should be");
    }

    const std::map<std::string, Field>& fields_;
    std::string prefix_;
};

std::vector<std::string> split_symbols(const Field& f) {
    std::vector<std::string> out;
    std::string symbol;
    for (std::size_t i = 0; i < f.count; ++i) {
        if (f.values[i] == ' ') {
            out.push_back(symbol);
            symbol.clear();
        } else {
            symbol += f.values[i];
        }
    }
    if (!symbol.empty()) out.push_back(symbol);
    return out;
}

}  // namespace

std::string model_file_bytes(const ModelFile& file) {
    Writer w;
    std::string symbols;
    for (const std::string& symbol : file.species) symbols += (symbols.empty() ? "" : " ") + symbol;
    w.field("species", symbols.data(), symbols.size());
    ModelArrays::each_field(file.arrays, w);
    if (file.arrays.plan)
        PlanArrays::each_field(*file.arrays.plan, PrefixedWriter{w, plan_prefix});
    if (file.active_set) ActiveSetArrays::each_field(*file.active_set, PrefixedWriter{w, active_prefix});
    Writer head;
    head.bytes.append(magic, sizeof magic);
    head.number(version);
    head.number(byte_order);
    head.number(std::uint64_t(w.bytes.size()));
    head.number(checksum(w.bytes.data(), w.bytes.size()));
    return head.bytes + w.bytes;
}

ModelFile parse_model_file(const char* data, std::size_t size) {
    if (size < header_size || std::memcmp(data, magic, sizeof magic) != 0)
        throw ModelFileError("this is no compiled model");
    Reader head(data + sizeof magic, header_size - sizeof magic);
    if (const auto v = head.number<std::uint32_t>(); v != version)
        throw ModelFileError("compiled model: version " + std::to_string(v) + "; this program reads version " +
                             std::to_string(version) + ": write it again with the matching release");
    if (head.number<std::uint32_t>() != byte_order) Reader::fail("bytes in another order", 12);
    if (head.number<std::uint64_t>() != size - header_size) Reader::fail("another length than the header says", 16);
    if (head.number<std::uint64_t>() != checksum(data + header_size, size - header_size))
        Reader::fail("the checksum does not match", 24);
    const auto fields = Reader(data + header_size, size - header_size).fields();
    ModelFile out;
    ModelArrays::each_field(out.arrays, Filler(fields, ""));
    if (fields.contains(plan_prefix + std::string("n_components")))
        PlanArrays::each_field(out.arrays.plan.emplace(), Filler(fields, plan_prefix));
    if (fields.contains(active_prefix + std::string("inverse")))
        ActiveSetArrays::each_field(out.active_set.emplace(), Filler(fields, active_prefix));
    const auto symbols = fields.find("species");
    if (symbols == fields.end() || symbols->second.type != 'c') throw ModelFileError("compiled model: it lacks 'species'");
    out.species = split_symbols(symbols->second);
    return out;
}

ModelFile read_model_file(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw ModelFileError(path + ": cannot be opened");
    const std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    try {
        return parse_model_file(content.data(), content.size());
    } catch (const ModelFileError& error) {
        throw ModelFileError(path + ": " + error.what());
    }
}

}  // namespace maxvolt
