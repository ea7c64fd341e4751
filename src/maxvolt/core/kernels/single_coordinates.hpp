// The same grades with most of the product in single precision. What that is off by is bounded, equation (37b); the
// coordinates that may be the largest of a row are computed again in double precision, so that the grade is that of
// double precision.
#pragma once
#include "contraction.hpp"
#include "coordinates.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int single_lanes = 2 * lanes;
typedef float unaligned_single __attribute__((vector_size(MAXVOLT_LANES * 8), aligned(4)));

MAXVOLT_INLINE single_vec load_single(const float* p) { return *reinterpret_cast<const unaligned_single*>(p); }
MAXVOLT_INLINE void store_single(float* p, single_vec v) { *reinterpret_cast<unaligned_single*>(p) = v; }
MAXVOLT_INLINE single_vec magnitude(single_vec v) { return v < 0.0f ? -v : v; }

// Memory to work in, of row_tile rows.
struct SingleTile {
    float* rows;      // [row_tile][n], times the scales
    float* products;  // [row_tile][width]
    std::int64_t width;
    double norms[row_tile];  // of the scaled rows, and of what they have of the directions that are left out
    double left_out[row_tile];
};

typedef float half_of_single __attribute__((vector_size(MAXVOLT_LANES * 4)));
typedef float unaligned_half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));

inline void load_tile(const SingleInverse& s, std::int64_t n, const double* const* tile, SingleTile& t) {
    for (int r = 0; r < row_tile; ++r) {
        float* to = t.rows + r * n;
        vec squares = zero();
        std::int64_t k = 0;
        for (; k + lanes <= n; k += lanes) {
            const vec value = load(tile[r] + k) * load(s.scales + k);
            squares += value * value;
            *reinterpret_cast<unaligned_half*>(to + k) = __builtin_convertvector(value, half_of_single);
        }
        double sum = 0.0;
        for (int l = 0; l < lanes; ++l) sum += squares[l];
        for (; k < n; ++k) {
            const double value = tile[r][k] * s.scales[k];
            sum += value * value;
            to[k] = float(value);
        }
        t.norms[r] = __builtin_sqrt(sum) * (1.0 + 1e-9);
    }
}

inline void measure_left_out(const SingleInverse& s, std::int64_t n, const double* const* tile,
                             const std::int32_t* used, std::int64_t n_used, SingleTile& t) {
    vec squares[row_tile] = {};
    for (std::int64_t column = 0; column < s.n_left_out; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            if (column + c >= s.n_left_out) break;
            vec product[row_tile][column_tile];
            multiply(s.left_out + column * n + c, tile, used, n_used, product);
            for (int r = 0; r < row_tile; ++r)
                for (int p = 0; p < column_tile; ++p) squares[r] += product[r][p] * product[r][p];
        }
    for (int r = 0; r < row_tile; ++r) {
        double sum = 0.0;
        for (int l = 0; l < lanes; ++l) sum += squares[r][l];
        t.left_out[r] = __builtin_sqrt(sum) * (1.0 + 1e-9) + s.left_out_error * t.norms[r];
    }
}

// Sums of single_chunk terms each are added up: that errs less than one long sum.
inline void multiply_single(const SingleInverse& s, std::int64_t n, const std::int32_t* used, std::int64_t n_used,
                            const SingleTile& t) {
    for (std::int64_t column = 0; column < t.width; column += single_width)
        for (int c = 0; c < single_width; c += column_tile * single_lanes) {
            const float* panel = s.panels + column * n + c;
            float* to = t.products + column + c;
            for (std::int64_t begin = 0; begin == 0 || begin < n_used; begin += single_chunk) {
                const std::int64_t end = begin + single_chunk < n_used ? begin + single_chunk : n_used;
                single_vec product[row_tile][column_tile] = {};
                for (std::int64_t q = begin; q < end; ++q) {
                    const std::int64_t k = used[q];
                    single_vec of_inverse[column_tile];
                    for (int p = 0; p < column_tile; ++p)
                        of_inverse[p] = load_single(panel + single_width * k + single_lanes * p);
                    for (int r = 0; r < row_tile; ++r)
                        for (int p = 0; p < column_tile; ++p) product[r][p] += t.rows[r * n + k] * of_inverse[p];
                }
                for (int r = 0; r < row_tile; ++r)
                    for (int p = 0; p < column_tile; ++p) {
                        float* sum = to + r * t.width + single_lanes * p;
                        store_single(sum, begin ? load_single(sum) + product[r][p] : product[r][p]);
                    }
            }
        }
}

MAXVOLT_INLINE double exact_coordinate(const double* row, const double* column, std::int64_t n) {
    vec sums[4] = {};
    std::int64_t k = 0;
    for (; k + 4 * lanes <= n; k += 4 * lanes)
        for (int q = 0; q < 4; ++q) sums[q] += load(row + k + lanes * q) * load(column + k + lanes * q);
    const vec all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double sum = 0.0;
    for (int l = 0; l < lanes; ++l) sum += all[l];
    for (; k < n; ++k) sum += row[k] * column[k];
    return sum < 0.0 ? -sum : sum;
}

// The grade of row r of a tile, or NaN where single precision does not tell which few coordinates may be the largest.
inline double grade_row(const SingleInverse& s, std::int64_t n, const double* row, const SingleTile& t, int r) {
    constexpr double undecided = __builtin_nan("");
    if (!(t.norms[r] < 1e30 && t.left_out[r] < 1e30)) return undecided;
    const float norm = float(t.norms[r]) * 1.000001f, left = float(t.left_out[r]) * 1.000001f;
    const float* products = t.products + r * t.width;
    const auto error = [&](std::int64_t j) __attribute__((always_inline)) {
        return norm * load_single(s.errors + j) + left * load_single(s.of_left_out + j);
    };
    single_vec least = {}, sums = {};
    for (std::int64_t j = 0; j < t.width; j += single_lanes) {
        const single_vec size = magnitude(load_single(products + j)), low = size - error(j);
        least = low > least ? low : least;
        sums += size + low;
    }
    float bound = 0.0f, sum = 0.0f;
    for (int l = 0; l < single_lanes; ++l) {
        bound = least[l] > bound ? least[l] : bound;
        sum += sums[l] - sums[l];
    }
    if (!(sum == 0.0f)) return undecided;  // something is not finite
    double grade = 0.0;
    int left_to_try = int(n / 16) + 4;
    for (std::int64_t j = 0; j < t.width; j += single_lanes) {
        const single_vec high = magnitude(load_single(products + j)) + error(j);
        const auto is_candidate = high >= bound;
        std::int32_t found = 0;
        for (int l = 0; l < single_lanes; ++l) found |= is_candidate[l];
        if (!found) continue;
        for (int l = 0; l < single_lanes; ++l) {
            if (!is_candidate[l] || j + l >= n) continue;
            if (left_to_try-- == 0) return undecided;
            const double exact = exact_coordinate(row, s.columns + n * (j + l), n);
            grade = exact > grade ? exact : grade;
        }
    }
    return grade;
}

// As largest_coordinates. memory: floats to work in, [row_tile][n + n rounded up to single_width].
inline void largest_coordinates_single(const double* panels, const SingleInverse& s, std::int64_t n,
                                       const double* rows, std::int64_t count, std::int32_t* used, float* memory,
                                       double* grades) {
    SingleTile t{};
    t.width = (n + single_width - 1) / single_width * single_width;
    t.rows = memory;
    t.products = memory + row_tile * n;
    for_tiles(rows, n, count, used, [&](const double* const* tile, int n_rows, std::int64_t n_used, std::int64_t i) {
        load_tile(s, n, tile, t);
        measure_left_out(s, n, tile, used, n_used, t);
        multiply_single(s, n, used, n_used, t);
        bool decided = true;
        for (int r = 0; r < n_rows; ++r) {
            grades[i + r] = grade_row(s, n, tile[r], t, r);
            decided &= grades[i + r] == grades[i + r];
        }
        if (decided) return;
        double found[row_tile];
        grade_tile(panels, n, tile, used, n_used, found);
        for (int r = 0; r < n_rows; ++r)
            if (!(grades[i + r] == grades[i + r])) grades[i + r] = found[r];
    });
}

}  // namespace maxvolt::MAXVOLT_VARIANT
