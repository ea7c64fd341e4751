// Damaged copies of files, and what reading them may lead to.
#pragma once
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace maxvolt {

constexpr std::size_t header_size = 32;  // of a binary file: magic word, version, order of bytes, length, checksum

// Gives a binary file the length and the checksum of what it holds, as if it had been written so.
inline void fix_header(std::string& bytes) {
    if (bytes.size() < header_size) return;
    std::uint64_t h = 0xcbf29ce484222325u;
    for (std::size_t i = header_size; i < bytes.size(); ++i) h = (h ^ std::uint8_t(bytes[i])) * 0x100000001b3u;
    const std::uint64_t length = bytes.size() - header_size;
    std::memcpy(&bytes[16], &length, 8);
    std::memcpy(&bytes[24], &h, 8);
}

class Mutations {
  public:
    explicit Mutations(unsigned seed) : random_(seed) {}

    // Some bytes of a binary file are others, most often under a right checksum, so that what it says is looked at.
    std::string binary(std::string bytes) {
        for (unsigned k = 0; k <= below(4); ++k) damage(bytes, header_size);
        if (below(8)) fix_header(bytes);
        return bytes;
    }

    // Of a text potential: bytes, numbers or words are others, pieces are missing, twice there, or of another place.
    std::string text(std::string bytes) {
        for (unsigned k = 0; k <= below(3); ++k) {
            if (bytes.empty()) break;
            switch (below(6)) {
                case 0: damage(bytes, 0); break;
                case 1: bytes.insert(below(bytes.size() + 1), tokens[below(tokens.size())]); break;
                case 2: replace_number(bytes); break;
                case 3: replace_number(bytes); break;
                case 4: bytes.erase(below(bytes.size()), 1 + below(60)); break;
                default: bytes.insert(below(bytes.size() + 1), bytes.substr(below(bytes.size()), below(200)));
            }
        }
        return bytes;
    }

  private:
    std::size_t below(std::size_t n) { return n ? random_() % n : 0; }

    void damage(std::string& bytes, std::size_t from) {
        if (bytes.size() <= from) return;
        const std::size_t at = from + below(bytes.size() - from);
        switch (below(4)) {
            case 0: bytes[at] = char(below(256)); break;
            case 1: bytes[at] = char(bytes[at] ^ (1 << below(8))); break;
            case 2: {  // a whole number where one may be
                constexpr std::int32_t numbers[] = {0, 1, -1, 2, 3, 64, 1000, 1 << 20, 1 << 30, INT32_MAX, INT32_MIN};
                const std::int32_t number = numbers[below(std::size(numbers))];
                if (at + sizeof number <= bytes.size()) std::memcpy(&bytes[at], &number, sizeof number);
                break;
            }
            default: bytes.resize(below(10) ? bytes.size() : at); bytes.resize(std::max(bytes.size(), from));
        }
    }

    void replace_number(std::string& bytes) {
        std::size_t at = below(bytes.size());
        while (at < bytes.size() && (bytes[at] < '0' || bytes[at] > '9')) ++at;
        std::size_t end = at;
        while (end < bytes.size() && bytes[end] >= '0' && bytes[end] <= '9') ++end;
        if (at < bytes.size()) bytes.replace(at, end - at, numbers[below(numbers.size())]);
    }

    std::mt19937 random_;
    const std::vector<std::string> numbers{"0", "1", "2", "3", "7", "-1", "30", "64", "99", "100", "2147483647",
                                           "999999999", "1e300", "1e999", "1e-320", "nan", "5.2", "12"};
    const std::vector<std::string> tokens{
        "species: Cu", "species: H He", "zbl: 1 2", "zbl: 2 1 species: Cu", "magnetic_basis_type = BChebyshev\n",
        "scaling = 2\n", "min = 1\n", "size = 3\n", "RBShapeev", "RBTaylor", "_repuls", "0-0", "13-28", "\n#MVS_v1.1\n",
        "\n^", "#", "{", "}", "{{", "}}", ",", "=", "{0, 0, 1, 2}, ", "{99, 0, 0, 64}, ", std::string(3000, '{'),
        std::string(3000, '9'), std::string(1, '\0'), "\xff\xfe", "\r\n", "-", "."};
};

}  // namespace maxvolt
