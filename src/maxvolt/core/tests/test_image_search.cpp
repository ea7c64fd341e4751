// Pairs found image by image, against all images in a wide block.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "image_search.hpp"

using namespace maxvolt;

namespace {

using Pair = std::array<std::int32_t, 5>;  // i, j and the shift

struct Structures {
    std::vector<std::int64_t> offsets{0};
    std::vector<double> positions, cells;
    std::vector<char> periodic;  // std::vector<bool> has no data

    void add(const std::array<double, 9>& cell, std::array<bool, 3> directions, int n_atoms, std::mt19937& random) {
        std::uniform_real_distribution<double> uniform(-1.0, 1.5);
        for (int i = 0; i < n_atoms; ++i) {
            const double f[3] = {uniform(random), uniform(random), uniform(random)};
            for (int c = 0; c < 3; ++c)
                positions.push_back(f[0] * cell[c] + f[1] * cell[3 + c] + f[2] * cell[6 + c]);
        }
        cells.insert(cells.end(), cell.begin(), cell.end());
        periodic.insert(periodic.end(), directions.begin(), directions.end());
        offsets.push_back(std::int64_t(positions.size()) / 3);
    }

    StructureList list() const {
        static_assert(sizeof(char) == sizeof(bool));
        return {std::int64_t(offsets.size()) - 1, offsets.data(), positions.data(), cells.data(),
                reinterpret_cast<const bool*>(periodic.data())};
    }
};

// Every pair from both ends, by looking at every image of a block.
std::vector<Pair> in_a_block(const Structures& s, double cutoff, std::int32_t width) {
    std::vector<Pair> all;
    for (std::size_t k = 0; k + 1 < s.offsets.size(); ++k) {
        std::array<std::int32_t, 3> reach{};
        for (int d = 0; d < 3; ++d) reach[d] = s.periodic[3 * k + d] ? width : 0;
        for (auto i = std::int32_t(s.offsets[k]); i < s.offsets[k + 1]; ++i)
            for (auto j = std::int32_t(s.offsets[k]); j < s.offsets[k + 1]; ++j)
                for (std::int32_t a = -reach[0]; a <= reach[0]; ++a)
                    for (std::int32_t b = -reach[1]; b <= reach[1]; ++b)
                        for (std::int32_t c = -reach[2]; c <= reach[2]; ++c) {
                            if (i == j && a == 0 && b == 0 && c == 0) continue;
                            double r2 = 0.0;
                            for (int x = 0; x < 3; ++x) {
                                const double* cell = s.cells.data() + 9 * k;
                                const double r = s.positions[3 * j + x] - s.positions[3 * i + x] + a * cell[x] +
                                                 b * cell[3 + x] + c * cell[6 + x];
                                r2 += r * r;
                            }
                            if (r2 < cutoff * cutoff) all.push_back({i, j, a, b, c});
                        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<Pair> both_ways(const FoundPairs& found) {
    std::vector<Pair> all;
    for (std::size_t p = 0; p < found.pairs.size() / 2; ++p) {
        const std::int32_t i = found.pairs[2 * p], j = found.pairs[2 * p + 1];
        const std::int32_t* s = found.shifts.data() + 3 * p;
        all.push_back({i, j, s[0], s[1], s[2]});
        all.push_back({j, i, -s[0], -s[1], -s[2]});
    }
    std::sort(all.begin(), all.end());
    return all;
}

}  // namespace

TEST_CASE("pairs of small structures are those among all their images") {
    std::mt19937 random(7);
    Structures s;
    for (const bool x : {false, true})
        for (const bool y : {false, true})
            for (const bool z : {false, true})
                for (const int n : {1, 2, 5}) {
                    s.add({3.1, 0.2, -0.3, 0.9, 2.8, 0.1, -0.4, 0.6, 3.4}, {x, y, z}, n, random);
                    s.add({2.6, 0.0, 0.0, 2.1, 2.9, 0.0, -1.8, 1.2, -2.7}, {x, y, z}, n, random);
                }
    for (const double cutoff : {0.8, 3.0, 4.7}) {
        CAPTURE(cutoff);
        const FoundPairs found = search_images(s.list(), cutoff, 1e9);
        CHECK(found.left_out.empty());
        CHECK(both_ways(found) == in_a_block(s, cutoff, 8));
    }
}

TEST_CASE("structures that need a closer look are left out") {
    std::mt19937 random(1);
    Structures s;
    const std::array<double, 9> cube{4, 0, 0, 0, 4, 0, 0, 0, 4};
    s.add(cube, {true, true, true}, 2, random);
    s.add({0, 0, 0, 0, 0, 0, 0, 0, 0}, {true, true, true}, 1, random);
    s.add({4, 0, 0, 8, 0, 0, 0, 0, 4}, {true, true, false}, 1, random);
    s.add({0.05, 0, 0, 0, 4, 0, 0, 0, 4}, {true, false, false}, 1, random);
    s.add({4, 0, 0, 0, 4, 0, 0, 0, std::nan("")}, {true, true, true}, 1, random);
    s.positions.back() = s.positions[s.positions.size() - 2] = s.positions[s.positions.size() - 3] = 0.0;
    s.add(cube, {false, false, false}, 2, random);
    s.positions.back() = 1e8;
    s.add(cube, {true, true, true}, 40, random);
    const FoundPairs found = search_images(s.list(), 3.0, 5000.0);
    CHECK(found.left_out == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6});
    CHECK(*std::max_element(found.pairs.begin(), found.pairs.end()) < 2);
    CHECK_THROWS_AS(search_images(s.list(), 0.0, 1e5), std::invalid_argument);
}
