#include <doctest/doctest.h>

#include "mutations.hpp"
#include "systems.hpp"

using namespace maxvolt;

namespace {

std::string level8() { return model_file_bytes(read_model_file(std::string(MODELS) + "/level8.maxvolt")); }

ModelFile parse(const std::string& bytes) { return parse_model_file(bytes.data(), bytes.size()); }

}  // namespace

TEST_CASE("what is written is read again") {
    const std::string bytes = level8();
    const ModelFile file = parse(bytes);
    CHECK(file.species == std::vector<std::string>{"Al", "Ni"});
    CHECK(file.arrays.plan.has_value());
    CHECK(model_file_bytes(file) == bytes);
    ModelFile bare = file;
    bare.species.clear();
    bare.arrays.plan.reset();
    CHECK(model_file_bytes(parse(model_file_bytes(bare))) == model_file_bytes(bare));
}

TEST_CASE("a file that is cut short is refused at every length") {
    ModelFile file = parse(level8());
    file.arrays.plan.reset();  // a file may end where its plan begins
    const std::string bytes = model_file_bytes(file);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        CHECK_THROWS_AS(parse(bytes.substr(0, n)), ModelFileError);
        if (n < 40) continue;
        std::string with_header = bytes.substr(0, n);  // as if it had been written so
        fix_header(with_header);
        CHECK_THROWS_AS(parse(with_header), ModelFileError);
    }
}

TEST_CASE("every flipped bit is noticed") {
    const std::string bytes = level8();
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
        std::string damaged = bytes;
        damaged[i] = char(damaged[i] ^ (1 << (i % 8)));
        CHECK_THROWS_AS(parse(damaged), ModelFileError);
    }
}

TEST_CASE("damage under a right checksum never leads out of the file or into the kernels") {
    const std::string bytes = level8();
    std::mt19937 random(5);
    int read = 0, refused = 0;
    for (int trial = 0; trial < 4000; ++trial) {
        std::string damaged = bytes;
        for (unsigned k = 0; k <= random() % 4; ++k)
            damaged[32 + random() % (damaged.size() - 32)] = char(random() % 3 ? random() : 255 * (random() % 2));
        fix_header(damaged);
        ++(is_read([&] { return parse(damaged).arrays; }) ? read : refused);
    }
    CHECK(read > 0);
    CHECK(refused > 0);
}

TEST_CASE("files of others are refused by name") {
    CHECK_THROWS_WITH_AS(read_model_file("/no/such/file"), doctest::Contains("/no/such/file"), ModelFileError);
    CHECK_THROWS_WITH_AS(parse(std::string(100, 'x')), doctest::Contains("no compiled model"), ModelFileError);
    std::string newer = level8();
    newer[8] = 9;
    CHECK_THROWS_WITH_AS(parse(newer), doctest::Contains("version 9"), ModelFileError);
}
