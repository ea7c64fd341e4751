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

// A tile of rows, counted from the reference. Several tiles go through the inverse together.
struct SingleTile {
    const double* given[row_tile];           // the rows themselves
    std::int64_t first;                      // number of the first
    int n_rows;                              // the others repeat the last
    float* rows;                             // [row_tile][n], differences from the reference times the scales
    float* products;                         // [row_tile][width]
    double norms[row_tile], whole[row_tile]; // of the differences, of rows and reference together
    double left_out[row_tile];               // what differences have of the directions that are left out
};

// Memory to work in. Rows are counted from a reference, the mean of an earlier tile that uses the same columns, whose
// coordinates are known in double precision: less is left to be computed in single precision.
struct SingleWork {
    double* differences;     // [row_tile][n], of one tile from the reference
    double* reference;       // [n]
    float* coordinates;      // [width], of the reference
    std::int64_t width;
    std::int32_t* used;      // [n], of the reference and of all tiles of the group
    std::int64_t n_used;
    bool has_reference;      // that is of use for later tiles
    double reference_norm;   // times the scales, as all norms
    SingleTile tiles[tile_group];
    int n_tiles;
};

MAXVOLT_INLINE SingleWork make_single_work(std::int64_t n, Arena& arena) {
    SingleWork w{};
    w.width = (n + single_width - 1) / single_width * single_width;
    w.differences = arena.take<double>(row_tile * n);
    w.reference = arena.take<double>(n);
    w.coordinates = arena.take<float>(w.width);
    w.used = arena.take<std::int32_t>(n);
    for (SingleTile& t : w.tiles) {
        t.rows = arena.take<float>(row_tile * n);
        t.products = arena.take<float>(row_tile * w.width);
    }
    return w;
}

inline std::int64_t single_coordinates_bytes(std::int64_t n) {
    Arena arena{nullptr};
    make_single_work(n, arena);
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
                           const std::int32_t* used, std::int64_t n_used, SingleWork& w) {
    for (std::int64_t k = 0; k < n; ++k) {
        double sum = 0.0;
        for (int r = 0; r < row_tile; ++r) sum += tile[r][k];
        w.reference[k] = sum * (1.0 / row_tile);
    }
    for (std::int64_t t = 0; t < n_used; ++t) w.used[t] = used[t];
    w.n_used = n_used;
    w.reference_norm = scaled_norm(s, w.reference, n);
    w.has_reference = w.reference_norm < 1e30;
    if (!w.has_reference) {
        for (std::int64_t k = 0; k < n; ++k) w.reference[k] = 0.0;
        w.reference_norm = 0.0;
    }
    const double* same[row_tile];
    for (const double*& row : same) row = w.reference;
    for (std::int64_t j = 0; j < w.width; ++j) w.coordinates[j] = 0.0f;
    for (std::int64_t column = 0; column < n; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            vec product[row_tile][column_tile];
            multiply(panels + column * n + c, same, used, n_used, product);
            for (int p = 0; p < column_tile; ++p)
                for (int l = 0; l < lanes; ++l) {
                    const std::int64_t j = column + c + lanes * p + l;
                    if (j < n) w.coordinates[j] = float(product[0][p][l]);
                }
        }
}

// Whether rows that use these columns are counted from the reference that there is.
inline bool fits_reference(const SingleWork& w, const std::int32_t* used, std::int64_t n_used) {
    return w.has_reference && n_used == w.n_used &&
           __builtin_memcmp(used, w.used, std::size_t(n_used) * sizeof *used) == 0;
}

typedef float half_of_single __attribute__((vector_size(MAXVOLT_LANES * 4)));
typedef float unaligned_half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));

inline void load_tile(const SingleInverse& s, std::int64_t n, const SingleWork& w, SingleTile& t) {
    for (int r = 0; r < row_tile; ++r) {
        const double* row = t.given[r];
        float* to = t.rows + r * n;
        double* differences = w.differences + r * n;
        vec squares = zero();
        std::int64_t k = 0;
        for (; k + lanes <= n; k += lanes) {
            const vec difference = load(row + k) - load(w.reference + k), value = difference * load(s.scales + k);
            store(differences + k, difference);
            squares += value * value;
            *reinterpret_cast<unaligned_half*>(to + k) = __builtin_convertvector(value, half_of_single);
        }
        double sum = 0.0;
        for (int l = 0; l < lanes; ++l) sum += squares[l];
        for (; k < n; ++k) {
            differences[k] = row[k] - w.reference[k];
            const double value = differences[k] * s.scales[k];
            sum += value * value;
            to[k] = float(value);
        }
        const double norm = __builtin_sqrt(sum) * (1.0 + 1e-9);
        t.whole[r] = norm + 2.0 * w.reference_norm;
        t.norms[r] = norm + 1e-6 * t.whole[r];  // and what double precision rounds
    }
}

inline void measure_left_out(const SingleInverse& s, std::int64_t n, const SingleWork& w, SingleTile& t) {
    const double* tile[row_tile];
    for (int r = 0; r < row_tile; ++r) tile[r] = w.differences + r * n;
    vec squares[row_tile] = {};
    for (std::int64_t column = 0; column < s.n_left_out; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            if (column + c >= s.n_left_out) break;
            vec product[row_tile][column_tile];
            multiply(s.left_out + column * n + c, tile, w.used, w.n_used, product);
            for (int r = 0; r < row_tile; ++r)
                for (int p = 0; p < column_tile; ++p) squares[r] += product[r][p] * product[r][p];
        }
    for (int r = 0; r < row_tile; ++r) {
        double sum = 0.0;
        for (int l = 0; l < lanes; ++l) sum += squares[r][l];
        t.left_out[r] = __builtin_sqrt(sum) * (1.0 + 1e-9) + 2.0 * s.left_out_error * t.whole[r];
    }
}

// Some columns and terms of the product of a tile; added to what is there where these are not the first terms.
MAXVOLT_INLINE void multiply_chunk(const float* panel, std::int64_t n, const SingleWork& w, const SingleTile& t,
                                   std::int64_t begin, std::int64_t end, float* to) {
    single_vec product[row_tile][column_tile] = {};
    for (std::int64_t q = begin; q < end; ++q) {
        const std::int64_t k = w.used[q];
        single_vec of_inverse[column_tile];
        for (int p = 0; p < column_tile; ++p) of_inverse[p] = load_single(panel + single_width * k + single_lanes * p);
        for (int r = 0; r < row_tile; ++r)
            for (int p = 0; p < column_tile; ++p) product[r][p] += t.rows[r * n + k] * of_inverse[p];
    }
    for (int r = 0; r < row_tile; ++r)
        for (int p = 0; p < column_tile; ++p) {
            float* sum = to + r * w.width + single_lanes * p;
            store_single(sum, begin ? load_single(sum) + product[r][p] : product[r][p]);
        }
}

// The products of all tiles. Sums of single_chunk terms each are added up: that errs less than one long sum, and the part
// of the inverse that they need, 9 kB, stays in the nearest cache for all tiles.
inline void multiply_single(const SingleInverse& s, std::int64_t n, SingleWork& w) {
    for (std::int64_t column = 0; column < w.width; column += single_width)
        for (std::int64_t begin = 0; begin == 0 || begin < w.n_used; begin += single_chunk) {
            const std::int64_t end = begin + single_chunk < w.n_used ? begin + single_chunk : w.n_used;
            for (int g = 0; g < w.n_tiles; ++g)
                for (int c = 0; c < single_width; c += column_tile * single_lanes)
                    multiply_chunk(s.panels + column * n + c, n, w, w.tiles[g], begin, end,
                                   w.tiles[g].products + column + c);
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
inline double grade_row(const SingleInverse& s, std::int64_t n, const SingleWork& w, const SingleTile& t, int r) {
    constexpr double undecided = __builtin_nan("");
    if (!(t.norms[r] < 1e30 && t.left_out[r] < 1e30)) return undecided;
    const float norm = float(t.norms[r]) * 1.000001f, left = float(t.left_out[r]) * 1.000001f;
    const float* products = t.products + r * w.width;
    const auto size_of = [&](std::int64_t j) __attribute__((always_inline)) {
        return magnitude(load_single(products + j) + load_single(w.coordinates + j));
    };
    const auto error = [&](std::int64_t j) __attribute__((always_inline)) {
        return norm * load_single(s.errors + j) + left * load_single(s.of_left_out + j) +
               3e-7f * (magnitude(load_single(products + j)) + magnitude(load_single(w.coordinates + j)));
    };
    single_vec least = {}, sums = {};
    for (std::int64_t j = 0; j < w.width; j += single_lanes) {
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
    for (std::int64_t j = 0; j < w.width; j += single_lanes) {
        const single_vec high = size_of(j) + error(j);
        const auto is_candidate = high >= bound;
        std::int32_t found = 0;
        for (int l = 0; l < single_lanes; ++l) found |= is_candidate[l];
        if (!found) continue;
        for (int l = 0; l < single_lanes; ++l) {
            if (!is_candidate[l] || j + l >= n) continue;
            if (left_to_try-- == 0) return undecided;
            const double exact = exact_coordinate(t.given[r], s.columns + n * (j + l), n);
            grade = exact > grade ? exact : grade;
        }
    }
    return grade;
}

// Grades of the tiles of a group, which is then empty; returns how many rows single precision did not decide.
inline std::int64_t grade_group(const double* panels, const SingleInverse& s, std::int64_t n, SingleWork& w,
                                double* grades) {
    std::int64_t undecided = 0;
    multiply_single(s, n, w);
    for (int g = 0; g < w.n_tiles; ++g) {
        const SingleTile& t = w.tiles[g];
        std::int64_t left = 0;
        for (int r = 0; r < t.n_rows; ++r) {
            grades[t.first + r] = grade_row(s, n, w, t, r);
            left += !(grades[t.first + r] == grades[t.first + r]);
        }
        undecided += left;
        if (!left) continue;
        double found[row_tile];
        grade_tile(panels, n, t.given, w.used, w.n_used, found);
        for (int r = 0; r < t.n_rows; ++r)
            if (!(grades[t.first + r] == grades[t.first + r])) grades[t.first + r] = found[r];
    }
    w.n_tiles = 0;
    return undecided;
}

// As largest_coordinates. memory: to work in, single_coordinates_bytes. Where most rows of the first tiles cannot be decided,
// the others are not tried.
inline void largest_coordinates_single(const double* panels, const SingleInverse& s, std::int64_t n,
                                       const double* rows, std::int64_t count, std::int32_t* used, void* memory,
                                       double* grades) {
    constexpr std::int64_t tried = tile_group * row_tile;
    Arena arena{static_cast<char*>(memory)};
    SingleWork w = make_single_work(n, arena);
    std::int64_t undecided = 0;
    for_tiles(rows, n, count, used, [&](const double* const* tile, int n_rows, std::int64_t n_used, std::int64_t i) {
        if (w.n_tiles == tile_group || (w.n_tiles > 0 && !fits_reference(w, used, n_used)))
            undecided += grade_group(panels, s, n, w, grades);
        if (i >= tried && undecided >= i / 2) {
            undecided += n_rows;
            double found[row_tile];
            grade_tile(panels, n, tile, used, n_used, found);
            for (int r = 0; r < n_rows; ++r) grades[i + r] = found[r];
            return;
        }
        if (!fits_reference(w, used, n_used)) take_reference(panels, s, n, tile, used, n_used, w);
        SingleTile& t = w.tiles[w.n_tiles++];
        for (int r = 0; r < row_tile; ++r) t.given[r] = tile[r];
        t.first = i;
        t.n_rows = n_rows;
        load_tile(s, n, w, t);
        measure_left_out(s, n, w, t);
    });
    if (w.n_tiles > 0) grade_group(panels, s, n, w, grades);
}

}  // namespace maxvolt::MAXVOLT_VARIANT
