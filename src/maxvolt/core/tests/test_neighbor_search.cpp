// Neighbours that the search finds, against all images in a wide block.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

#include "instruction_sets.hpp"
#include "neighbor_search.hpp"

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

// Every neighbour, as of positions where they were given.
std::vector<Pair> listed(const ImageList& list) {
    std::vector<Pair> all;
    for (std::int64_t i = 0; i < list.n_atoms(); ++i)
        for (std::int64_t e = list.first[i]; e < list.first[i + 1]; ++e) {
            const Image& image = list.images[list.neighbors[e]];
            Shift s = image.translation;
            for (int c = 0; c < 3; ++c) s[c] -= list.images[i].translation[c];
            all.push_back({std::int32_t(i), image.atom, s[0], s[1], s[2]});
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

constexpr double any_number = 1e9;

}  // namespace

TEST_CASE("neighbours are those among all images, with every instruction set") {
    std::mt19937 random(7);
    Structures s;
    for (const bool x : {false, true})
        for (const bool y : {false, true})
            for (const bool z : {false, true})
                for (const int n : {1, 2, 5, 40}) {
                    s.add({3.1, 0.2, -0.3, 0.9, 2.8, 0.1, -0.4, 0.6, 3.4}, {x, y, z}, n, random);
                    s.add({2.6, 0.0, 0.0, 2.1, 2.9, 0.0, -1.8, 1.2, -2.7}, {x, y, z}, n, random);
                    s.add({23.1, 0.2, -0.3, 3.9, 9.8, 5.1, -0.4, 0.6, 12.4}, {x, y, z}, n, random);
                }
    for (const double cutoff : {0.8, 3.0, 4.7}) {
        CAPTURE(cutoff);
        const std::vector<Pair> expected = in_a_block(s, cutoff, 8);
        for (const Kernels* kernels : available_kernels()) {
            CAPTURE(kernels->name);
            const FoundNeighbors found = search_neighbors(s.list(), cutoff, any_number, *kernels);
            CHECK(found.left_out.empty());
            CHECK(listed(found.list) == expected);
            CHECK(both_ways(pairs_of(found.list)) == expected);
        }
    }
}

TEST_CASE("the atoms of a large structure are sorted into bins") {
    std::mt19937 random(3);
    Structures s;
    const std::array<double, 9> cell{19, 0, 0, 4, 21, 0, -7, 2, 17};
    s.add(cell, {true, true, true}, 1500, random);
    s.add(cell, {true, false, true}, 900, random);
    s.add(cell, {false, false, false}, 900, random);
    const FoundNeighbors found = search_neighbors(s.list(), 4.1, 2000.0, find_kernels());
    CHECK(found.left_out.empty());
    CHECK(listed(found.list) == in_a_block(s, 4.1, 3));
}

TEST_CASE("atoms are put inside the cell, where their images count from") {
    std::mt19937 random(5);
    Structures s;
    s.add({3.1, 0.2, -0.3, 0.9, 2.8, 0.1, -0.4, 0.6, 3.4}, {true, true, true}, 6, random);
    const FoundNeighbors found = search_neighbors(s.list(), 3.0, any_number, find_kernels());
    for (int i = 0; i < 6; ++i) {
        CHECK(found.list.images[i].atom == i);
        const Shift& t = found.list.images[i].translation;
        for (int c = 0; c < 3; ++c) {
            const double* cell = s.cells.data();
            const double x = s.positions[3 * i + c] + t[0] * cell[c] + t[1] * cell[3 + c] + t[2] * cell[6 + c];
            CHECK(found.inside[3 * i + c] == doctest::Approx(x));
        }
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
    // Two crowds with a void between them: in bins of a number that memory has room for all of one is near.
    s.add({1, 0, 0, 0, 1, 0, 0, 0, 1}, {false, false, false}, 2000, random);
    for (std::size_t c = s.positions.size() - 3000; c < s.positions.size(); ++c) s.positions[c] += 1e6;
    s.add(cube, {true, true, true}, 3, random);
    const FoundNeighbors found = search_neighbors(s.list(), 0.1, 50.0, find_kernels());
    CHECK(found.left_out == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6});
    for (const std::int64_t left_out : found.left_out)
        CHECK(found.list.first[s.offsets[left_out]] == found.list.first[s.offsets[left_out + 1]]);
    CHECK_THROWS_AS(search_neighbors(s.list(), 0.0, any_number, find_kernels()), std::invalid_argument);
}
