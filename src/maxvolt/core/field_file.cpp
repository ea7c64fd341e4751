#include "field_file.hpp"

#include <algorithm>
#include <bit>
#include <fstream>

namespace maxvolt {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are in memory");

constexpr std::uint32_t byte_order = 0x01020304;
constexpr std::size_t magic_size = sizeof FileKind::magic, header_size = 32;

// FNV-1a.
std::uint64_t checksum(const char* data, std::size_t size) {
    std::uint64_t h = 0xcbf29ce484222325u;
    for (std::size_t i = 0; i < size; ++i) h = (h ^ std::uint8_t(data[i])) * 0x100000001b3u;
    return h;
}

std::size_t size_of(char type) { return type == 'i' ? 4 : type == 'c' ? 1 : 8; }

// Walks over the bytes of a file and never leaves it.
class Reader {
  public:
    Reader(const FileKind& kind, const char* data, std::size_t size) : kind_(kind), data_(data), size_(size) {}

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

    [[noreturn]] void fail(const std::string& what, std::size_t at) const {
        throw ModelFileError(std::string(kind_.name) + ": " + what + " (byte " + std::to_string(at) +
                             "); the file is damaged: " + kind_.remedy);
    }

  private:
    const char* take(std::size_t n) {
        if (n > size_ - at_) fail("the file ends too early", at_);
        const char* out = data_ + at_;
        at_ += n;
        return out;
    }

    const FileKind& kind_;
    const char* data_;
    std::size_t size_, at_ = 0;
};

}  // namespace

std::string FieldWriter::file(const FileKind& kind) const {
    FieldWriter head;
    head.fields_.append(kind.magic, magic_size);
    head.number(kind.version);
    head.number(byte_order);
    head.number(std::uint64_t(fields_.size()));
    head.number(checksum(fields_.data(), fields_.size()));
    return head.fields_ + fields_;
}

bool begins_as(const FileKind& kind, const char* data, std::size_t size) {
    return size >= magic_size && std::memcmp(data, kind.magic, magic_size) == 0;
}

FieldFile::FieldFile(const FileKind& kind, const char* data, std::size_t size) : kind_(kind) {
    if (size < header_size || !begins_as(kind, data, size))
        throw ModelFileError(std::string("this is no ") + kind.name);
    Reader head(kind, data + magic_size, header_size - magic_size);
    if (const auto v = head.number<std::uint32_t>(); v != kind.version)
        throw ModelFileError(std::string(kind.name) + ": version " + std::to_string(v) +
                             "; this program reads version " + std::to_string(kind.version) +
                             ": write it again with the matching release");
    if (head.number<std::uint32_t>() != byte_order) head.fail("bytes in another order", 12);
    if (head.number<std::uint64_t>() != size - header_size) head.fail("another length than the header says", 16);
    if (head.number<std::uint64_t>() != checksum(data + header_size, size - header_size))
        head.fail("the checksum does not match", 24);
    fields_ = Reader(kind, data + header_size, size - header_size).fields();
}

const Field& FieldFile::find(const std::string& name, char type) const {
    const auto found = fields_.find(name);
    if (found == fields_.end()) throw ModelFileError(std::string(kind_.name) + ": it lacks '" + name + "'");
    if (found->second.type != type) wrong(name);
    return found->second;
}

void FieldFile::wrong(const std::string& name) const {
    throw ModelFileError(std::string(kind_.name) + ": '" + name + "' is not what it should be");
}

std::string file_bytes(const std::string& path, std::size_t at_most) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw ModelFileError(path + ": cannot be opened");
    constexpr std::size_t piece = 1 << 16;
    std::string out;
    while (stream && out.size() < at_most) {
        const std::size_t before = out.size(), wanted = std::min(std::max(piece, before), at_most - before);
        out.resize(before + wanted);
        stream.read(out.data() + before, std::streamsize(wanted));
        out.resize(before + std::size_t(stream.gcount()));
    }
    if (stream.bad()) throw ModelFileError(path + ": cannot be read; is it a file?");
    return out;
}

}  // namespace maxvolt
