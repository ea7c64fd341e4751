// Grades of rows by an active set: the largest coordinate of each, equation (37).
#pragma once
#include "../model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Rows and columns of a product that stay in registers.
constexpr int row_tile = lanes == 8 ? 8 : 4, column_tile = 3;
static_assert(panel_width % (column_tile * lanes) == 0 && single_width % (column_tile * 2 * lanes) == 0);

// The columns in which any of these rows is not zero: rows of one species are zero in those of the others.
inline std::int64_t find_used(const double* const* rows, std::int64_t n, std::int32_t* used) {
    std::int64_t count = 0, k = 0;
    for (; k + lanes <= n; k += lanes) {
        mask is_used{};
        for (int r = 0; r < row_tile; ++r) is_used |= load(rows[r] + k) != 0.0;
        if (!any(is_used == 0)) {
            *reinterpret_cast<unaligned_integers*>(used + count) = ascending() + std::int32_t(k);
            count += lanes;
            continue;
        }
        for (int l = 0; l < lanes; ++l) {
            used[count] = std::int32_t(k + l);
            count += is_used[l] != 0;
        }
    }
    for (; k < n; ++k) {
        bool is_used = false;
        for (int r = 0; r < row_tile; ++r) is_used |= rows[r][k] != 0.0;
        used[count] = std::int32_t(k);
        count += is_used;
    }
    return count;
}

// Some columns of the product of rows with a matrix in panels.
MAXVOLT_INLINE void multiply(const double* panel, const double* const* rows, const std::int32_t* used,
                             std::int64_t n_used, vec (&product)[row_tile][column_tile]) {
    for (auto& of_row : product)
        for (vec& p : of_row) p = zero();
    for (std::int64_t t = 0; t < n_used; ++t) {
        const std::int64_t k = used[t];
        vec of_inverse[column_tile];
        for (int c = 0; c < column_tile; ++c) of_inverse[c] = load(panel + panel_width * k + lanes * c);
        for (int r = 0; r < row_tile; ++r)
            for (int c = 0; c < column_tile; ++c) product[r][c] += rows[r][k] * of_inverse[c];
    }
}

// Their largest magnitudes, and sums of magnitudes, which tell whether any of them is not finite.
MAXVOLT_INLINE void add_coordinates(const double* panel, const double* const* rows, const std::int32_t* used,
                                    std::int64_t n_used, vec (&largest)[row_tile], vec (&sums)[row_tile]) {
    vec product[row_tile][column_tile];
    multiply(panel, rows, used, n_used, product);
    for (int r = 0; r < row_tile; ++r)
        for (int c = 0; c < column_tile; ++c) {
            const vec magnitude = product[r][c] < 0.0 ? -product[r][c] : product[r][c];
            largest[r] = magnitude > largest[r] ? magnitude : largest[r];
            sums[r] += magnitude;
        }
}

// Grades of a tile of rows, NaN where one is not finite.
inline void grade_tile(const double* panels, std::int64_t n, const double* const* tile, const std::int32_t* used,
                       std::int64_t n_used, double (&grades)[row_tile]) {
    vec largest[row_tile] = {}, sums[row_tile] = {};
    for (std::int64_t column = 0; column < n; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes)
            add_coordinates(panels + column * n + c, tile, used, n_used, largest, sums);
    for (int r = 0; r < row_tile; ++r) {
        real grade = 0.0, sum = 0.0;
        for (int l = 0; l < lanes; ++l) {
            grade = largest[r][l] > grade ? largest[r][l] : grade;
            sum += sums[r][l];
        }
        grades[r] = grade + (sum - sum);
    }
}

// Calls work(tile, number of its rows, columns used, their number, first row) for tiles of rows, [count][n].
template <class Work>
MAXVOLT_INLINE void for_tiles(const double* rows, std::int64_t n, std::int64_t count, std::int32_t* used,
                              const Work& work) {
    for (std::int64_t i = 0; i < count; i += row_tile) {
        const double* tile[row_tile];
        for (int r = 0; r < row_tile; ++r) tile[r] = rows + n * (i + r < count ? i + r : count - 1);
        work(tile, count - i < row_tile ? int(count - i) : row_tile, find_used(tile, n, used), i);
    }
}

// rows: [count][n]. panels: ActiveSet::panels. used: [n] to work in. grades: [count], NaN where one is not finite.
inline void largest_coordinates(const double* panels, std::int64_t n, const double* rows, std::int64_t count,
                                std::int32_t* used, double* grades) {
    for_tiles(rows, n, count, used, [&](const double* const* tile, int n_rows, std::int64_t n_used, std::int64_t i) {
        double found[row_tile];
        grade_tile(panels, n, tile, used, n_used, found);
        for (int r = 0; r < n_rows; ++r) grades[i + r] = found[r];
    });
}

// Lengths of the products of rows, [count][n], with a factor, equation (44). panels: PosteriorFactor::panels; first: the first
// row of each panel that is not zero. used: [tile_group][n] to work in. A panel is used for several tiles while it is in
// a cache.
inline void product_lengths(const double* panels, const std::int32_t* first, std::int64_t n, std::int64_t n_columns,
                            const double* rows, std::int64_t count, std::int32_t* used, double* lengths) {
    for (std::int64_t i = 0; i < count; i += tile_group * row_tile) {
        const double* tiles[tile_group][row_tile];
        std::int64_t n_used[tile_group], skipped[tile_group] = {};
        vec squares[tile_group][row_tile] = {};
        int n_tiles = 0;
        for (std::int64_t at = i; at < count && n_tiles < tile_group; at += row_tile, ++n_tiles) {
            for (int r = 0; r < row_tile; ++r) tiles[n_tiles][r] = rows + n * (at + r < count ? at + r : count - 1);
            n_used[n_tiles] = find_used(tiles[n_tiles], n, used + n * n_tiles);
        }
        for (std::int64_t column = 0; column < n_columns; column += panel_width)
            for (int g = 0; g < n_tiles; ++g) {
                const std::int32_t* of_tile = used + n * g;
                std::int64_t& q = skipped[g];
                while (q < n_used[g] && of_tile[q] < first[column / panel_width]) ++q;
                for (int c = 0; c < panel_width; c += column_tile * lanes) {
                    vec product[row_tile][column_tile];
                    multiply(panels + column * n + c, tiles[g], of_tile + q, n_used[g] - q, product);
                    for (int r = 0; r < row_tile; ++r)
                        for (int p = 0; p < column_tile; ++p) squares[g][r] += product[r][p] * product[r][p];
                }
            }
        for (std::int64_t k = 0; k < n_tiles * row_tile && i + k < count; ++k) {
            real sum = 0.0;
            for (int l = 0; l < lanes; ++l) sum += squares[k / row_tile][k % row_tile][l];
            lengths[i + k] = __builtin_sqrt(sum);
        }
    }
}

}  // namespace maxvolt::MAXVOLT_VARIANT
