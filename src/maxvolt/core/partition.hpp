// Which atoms go into one window.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace maxvolt {

// Atoms in the order of windows; window w has order[first[w] .. first[w + 1]).
struct Partition {
    std::vector<std::int32_t> order;
    std::vector<std::int64_t> first{0};

    // Structures follow each other whole, as many as fit into a window; larger ones are cut in two across
    // their longest side until each part has about as many atoms as a window. x: [n][3], where they are cut.
    Partition(std::int64_t n_atoms, const std::int32_t* structures, const double* x,
              std::int64_t window_atoms)
        : order(std::size_t(n_atoms)), x_(x) {
        std::iota(order.begin(), order.end(), 0);
        std::int64_t begin = 0;
        while (begin < n_atoms) {
            std::int64_t end = begin, next = begin;
            while (next < n_atoms) {
                while (next < n_atoms && structures[next] == structures[end]) ++next;
                if (end > begin && next - begin > window_atoms) break;
                end = next;
            }
            const std::int64_t parts = (end - begin + window_atoms / 2) / window_atoms;  // nearest
            cut(begin, end, std::max<std::int64_t>(parts, 1));
            begin = end;
        }
    }

  private:
    const double* x_;

    void cut(std::int64_t begin, std::int64_t end, std::int64_t parts) {
        if (parts == 1) {
            std::sort(order.begin() + begin, order.begin() + end);
            first.push_back(end);
            return;
        }
        const std::int64_t half = parts / 2;
        const std::int64_t exact = (end - begin) * half / parts;
        // Whole vectors, so that no block is left half empty.
        const std::int64_t middle = begin + (exact / 8 * 8 < half ? exact : exact / 8 * 8);
        const int axis = longest_side(begin, end);
        std::nth_element(order.begin() + begin, order.begin() + middle, order.begin() + end,
                         [&](std::int32_t i, std::int32_t j) {
                             const double a = x_[3 * std::int64_t(i) + axis], b = x_[3 * std::int64_t(j) + axis];
                             return a != b ? a < b : i < j;
                         });
        cut(begin, middle, half);
        cut(middle, end, parts - half);
    }

    int longest_side(std::int64_t begin, std::int64_t end) const {
        double low[3], high[3];
        for (int c = 0; c < 3; ++c) low[c] = high[c] = x_[3 * std::int64_t(order[begin]) + c];
        for (std::int64_t i = begin; i < end; ++i)
            for (int c = 0; c < 3; ++c) {
                const double v = x_[3 * std::int64_t(order[i]) + c];
                low[c] = std::min(low[c], v);
                high[c] = std::max(high[c], v);
            }
        int longest = 0;
        for (int c = 1; c < 3; ++c)
            if (high[c] - low[c] > high[longest] - low[longest]) longest = c;
        return longest;
    }
};

}  // namespace maxvolt
