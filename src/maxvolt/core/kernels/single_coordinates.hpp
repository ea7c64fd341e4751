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

// Memory to work in. Rows are counted from a reference, the mean of an earlier tile of the same species, whose
// coordinates are known in double precision: less is left to be computed in single precision.
struct SingleTile {
    double* differences;  // [row_tile][n], from the reference
    double* reference;    // [n]
    float* rows;          // [row_tile][n], differences times the scales
    float* products;      // [row_tile][width]
    float* coordinates;   // [width], of the reference
    std::int64_t width;
    std::int64_t first_used, n_used;         // of the reference; n_used < 0: there is none
    double reference_norm;                   // times the scales, as all norms
    double norms[row_tile], whole[row_tile]; // of the differences, of rows and reference together
    double left_out[row_tile];               // what differences have of the directions that are left out
};

MAXVOLT_INLINE SingleTile make_single_tile(std::int64_t n, Arena& arena) {
    SingleTile t{};
    t.width = (n + single_width - 1) / single_width * single_width;
    t.differences = arena.take<double>(row_tile * n);
    t.reference = arena.take<double>(n);
    t.rows = arena.take<float>(row_tile * n);
    t.products = arena.take<float>(row_tile * t.width);
    t.coordinates = arena.take<float>(t.width);
    t.n_used = -1;
    return t;
}

inline std::int64_t single_coordinates_bytes(std::int64_t n) {
    Arena arena{nullptr};
    make_single_tile(n, arena);
    return arena.used;
}

MAXVOLT_INLINE double scaled_norm(const SingleInverse& s, const double* row, std::int64_t n) {
    vec squares = zero();
    std::int64_t k = 0;
    for (; k + lanes <= n; k += lanes) {
        const vec value = load(row + k) * load(s.scales + k);
        squares += value * value;
    }
    double sum = 0.0;
    for (int l = 0; l < lanes; ++l) sum += squares[l];
    for (; k < n; ++k) sum += row[k] * s.scales[k] * (row[k] * s.scales[k]);
    return __builtin_sqrt(sum) * (1.0 + 1e-9);
}

// The mean of a tile; zero where it is not finite, so that only its own rows suffer.
inline void take_reference(const double* panels, const SingleInverse& s, std::int64_t n, const double* const* tile,
                           const std::int32_t* used, std::int64_t n_used, SingleTile& t) {
    for (std::int64_t k = 0; k < n; ++k) {
        double sum = 0.0;
        for (int r = 0; r < row_tile; ++r) sum += tile[r][k];
        t.reference[k] = sum * (1.0 / row_tile);
    }
    t.first_used = n_used ? used[0] : 0;
    t.n_used = n_used;
    t.reference_norm = scaled_norm(s, t.reference, n);
    if (!(t.reference_norm < 1e30)) {
        for (std::int64_t k = 0; k < n; ++k) t.reference[k] = 0.0;
        t.reference_norm = 0.0;
        t.n_used = -1;
    }
    const double* same[row_tile];
    for (const double*& row : same) row = t.reference;
    for (std::int64_t j = 0; j < t.width; ++j) t.coordinates[j] = 0.0f;
    for (std::int64_t column = 0; column < n; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            vec product[row_tile][column_tile];
            multiply(panels + column * n + c, same, used, n_used, product);
            for (int p = 0; p < column_tile; ++p)
                for (int l = 0; l < lanes; ++l) {
                    const std::int64_t j = column + c + lanes * p + l;
                    if (j < n) t.coordinates[j] = float(product[0][p][l]);
                }
        }
}

typedef float half_of_single __attribute__((vector_size(MAXVOLT_LANES * 4)));
typedef float unaligned_half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));

inline void load_tile(const SingleInverse& s, std::int64_t n, const double* const* tile, SingleTile& t) {
    for (int r = 0; r < row_tile; ++r) {
        float* to = t.rows + r * n;
        double* differences = t.differences + r * n;
        vec squares = zero();
        std::int64_t k = 0;
        for (; k + lanes <= n; k += lanes) {
            const vec difference = load(tile[r] + k) - load(t.reference + k), value = difference * load(s.scales + k);
            store(differences + k, difference);
            squares += value * value;
            *reinterpret_cast<unaligned_half*>(to + k) = __builtin_convertvector(value, half_of_single);
        }
        double sum = 0.0;
        for (int l = 0; l < lanes; ++l) sum += squares[l];
        for (; k < n; ++k) {
            differences[k] = tile[r][k] - t.reference[k];
            const double value = differences[k] * s.scales[k];
            sum += value * value;
            to[k] = float(value);
        }
        const double norm = __builtin_sqrt(sum) * (1.0 + 1e-9);
        t.whole[r] = norm + 2.0 * t.reference_norm;
        t.norms[r] = norm + 1e-6 * t.whole[r];  // and what double precision rounds
    }
}

inline void measure_left_out(const SingleInverse& s, std::int64_t n, const std::int32_t* used, std::int64_t n_used,
                             SingleTile& t) {
    const double* tile[row_tile];
    for (int r = 0; r < row_tile; ++r) tile[r] = t.differences + r * n;
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
        t.left_out[r] = __builtin_sqrt(sum) * (1.0 + 1e-9) + 2.0 * s.left_out_error * t.whole[r];
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
    const auto size_of = [&](std::int64_t j) __attribute__((always_inline)) {
        return magnitude(load_single(products + j) + load_single(t.coordinates + j));
    };
    const auto error = [&](std::int64_t j) __attribute__((always_inline)) {
        return norm * load_single(s.errors + j) + left * load_single(s.of_left_out + j) +
               3e-7f * (magnitude(load_single(products + j)) + magnitude(load_single(t.coordinates + j)));
    };
    single_vec least = {}, sums = {};
    for (std::int64_t j = 0; j < t.width; j += single_lanes) {
        const single_vec size = size_of(j), low = size - error(j);
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
        const single_vec high = size_of(j) + error(j);
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

// As largest_coordinates. memory: to work in, single_coordinates_bytes. Where most rows of the first tiles cannot be decided,
// the others are not tried.
inline void largest_coordinates_single(const double* panels, const SingleInverse& s, std::int64_t n,
                                       const double* rows, std::int64_t count, std::int32_t* used, void* memory,
                                       double* grades) {
    constexpr std::int64_t tried = 8 * row_tile;
    Arena arena{static_cast<char*>(memory)};
    SingleTile t = make_single_tile(n, arena);
    std::int64_t undecided = 0;
    for_tiles(rows, n, count, used, [&](const double* const* tile, int n_rows, std::int64_t n_used, std::int64_t i) {
        const bool tries = i < tried || undecided < i / 2;
        if (tries) {
            const bool fits = n_used == t.n_used && (n_used == 0 || used[0] == t.first_used);
            if (!fits) take_reference(panels, s, n, tile, used, n_used, t);
            load_tile(s, n, tile, t);
            measure_left_out(s, n, used, n_used, t);
            multiply_single(s, n, used, n_used, t);
            std::int64_t left = 0;
            for (int r = 0; r < n_rows; ++r) {
                grades[i + r] = grade_row(s, n, tile[r], t, r);
                left += !(grades[i + r] == grades[i + r]);
            }
            undecided += left;
            if (!left) return;
        } else {
            undecided += n_rows;
        }
        double found[row_tile];
        grade_tile(panels, n, tile, used, n_used, found);
        for (int r = 0; r < n_rows; ++r)
            if (!tries || !(grades[i + r] == grades[i + r])) grades[i + r] = found[r];
    });
}

}  // namespace maxvolt::MAXVOLT_VARIANT
