#include "images.hpp"

#include "index_table.hpp"

namespace maxvolt {

ImageList images_of(const PairList& list) {
    ImageList out;
    out.images.reserve(std::size_t(list.n_atoms));
    for (std::int64_t i = 0; i < list.n_atoms; ++i) {
        const std::int32_t* image = list.images + 3 * i;
        out.images.push_back({std::int32_t(i), {-image[0], -image[1], -image[2]}});
    }
    out.first.assign(std::size_t(list.n_atoms) + 1, 0);
    for (std::int64_t p = 0; p < 2 * list.n_pairs; ++p) ++out.first[list.pairs[p] + 1];
    for (std::int64_t i = 0; i < list.n_atoms; ++i) out.first[i + 1] += out.first[i];
    out.neighbors.resize(2 * std::size_t(list.n_pairs));
    IndexTable<4> numbers;  // of images outside the cell
    const auto number = [&](std::int32_t atom, const Shift& between) {
        if (same(between, Shift{0, 0, 0})) return atom;
        std::int32_t& known = numbers[{atom, between[0], between[1], between[2]}];
        if (known >= 0) return known;
        known = std::int32_t(out.images.size());
        Shift translation = out.images[atom].translation;
        for (int c = 0; c < 3; ++c) translation[c] += between[c];
        out.images.push_back({atom, translation});
        return known;
    };
    std::vector<std::int64_t> next(out.first.begin(), out.first.end() - 1);
    for (std::int64_t p = 0; p < list.n_pairs; ++p) {
        const std::int32_t i = list.pairs[2 * p], j = list.pairs[2 * p + 1];
        Shift between, back;
        for (int c = 0; c < 3; ++c) {
            between[c] = list.shifts[3 * p + c] + list.images[3 * std::int64_t(j) + c] -
                         list.images[3 * std::int64_t(i) + c];
            back[c] = -between[c];
        }
        out.neighbors[next[i]++] = number(j, between);
        out.neighbors[next[j]++] = number(i, back);
    }
    return out;
}

ImageList images_of(const FullList& list) {
    ImageList out;
    out.images.reserve(std::size_t(list.n_atoms));
    for (std::int64_t i = 0; i < list.n_atoms; ++i) out.images.push_back({std::int32_t(i), {0, 0, 0}});
    const std::int64_t begin = list.first[0], end = list.first[list.n_local];
    out.first.assign(std::size_t(list.n_atoms) + 1, end - begin);
    for (std::int64_t i = 0; i <= list.n_local; ++i) out.first[i] = list.first[i] - begin;
    out.neighbors.assign(list.neighbors + begin, list.neighbors + end);
    return out;
}

}  // namespace maxvolt
