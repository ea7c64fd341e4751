// Grades of rows by an active set: the largest coordinate of each, equation (37).
#pragma once
#include "../model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Rows and columns of a product that stay in registers.
constexpr int row_tile = lanes == 8 ? 8 : 4, column_tile = 3;
static_assert(panel_width % (column_tile * lanes) == 0);

// The columns in which any of these rows is not zero: rows of one species are zero in those of the others.
inline std::int64_t find_used(const double* const* rows, std::int64_t n, std::int32_t* used) {
    std::int64_t count = 0;
    for (std::int64_t k = 0; k < n; ++k) {
        bool is_used = false;
        for (int r = 0; r < row_tile; ++r) is_used |= rows[r][k] != 0.0;
        used[count] = std::int32_t(k);
        count += is_used;
    }
    return count;
}

// Some columns of the product of rows with the inverse: their largest magnitudes, and sums of magnitudes, which
// tell whether any of them is not finite.
MAXVOLT_INLINE void add_coordinates(const double* panel, const double* const* rows, const std::int32_t* used,
                                    std::int64_t n_used, vec (&largest)[row_tile], vec (&sums)[row_tile]) {
    vec product[row_tile][column_tile] = {};
    for (std::int64_t t = 0; t < n_used; ++t) {
        const std::int64_t k = used[t];
        vec of_inverse[column_tile];
        for (int c = 0; c < column_tile; ++c) of_inverse[c] = load(panel + panel_width * k + lanes * c);
        for (int r = 0; r < row_tile; ++r)
            for (int c = 0; c < column_tile; ++c) product[r][c] += rows[r][k] * of_inverse[c];
    }
    for (int r = 0; r < row_tile; ++r)
        for (int c = 0; c < column_tile; ++c) {
            const vec magnitude = product[r][c] < 0.0 ? -product[r][c] : product[r][c];
            largest[r] = magnitude > largest[r] ? magnitude : largest[r];
            sums[r] += magnitude;
        }
}

// rows: [count][n]. panels: ActiveSet::panels. used: [n] to work in. grades: [count], NaN where one is not finite.
inline void largest_coordinates(const double* panels, std::int64_t n, const double* rows, std::int64_t count,
                                std::int32_t* used, double* grades) {
    for (std::int64_t i = 0; i < count; i += row_tile) {
        const double* tile[row_tile];
        for (int r = 0; r < row_tile; ++r) tile[r] = rows + n * (i + r < count ? i + r : count - 1);
        const std::int64_t n_used = find_used(tile, n, used);
        vec largest[row_tile] = {}, sums[row_tile] = {};
        for (std::int64_t column = 0; column < n; column += panel_width)
            for (int c = 0; c < panel_width; c += column_tile * lanes)
                add_coordinates(panels + column * n + c, tile, used, n_used, largest, sums);
        for (int r = 0; r < row_tile && i + r < count; ++r) {
            real grade = 0.0, sum = 0.0;
            for (int l = 0; l < lanes; ++l) {
                grade = largest[r][l] > grade ? largest[r][l] : grade;
                sum += sums[r][l];
            }
            grades[i + r] = grade + (sum - sum);
        }
    }
}

}  // namespace maxvolt::MAXVOLT_VARIANT
