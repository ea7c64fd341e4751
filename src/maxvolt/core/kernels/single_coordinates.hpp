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

typedef std::int32_t single_mask __attribute__((vector_size(MAXVOLT_LANES * 8)));  // of comparisons: 0 or -1
MAXVOLT_INLINE bool any(single_mask m) {
#if MAXVOLT_LANES == 8 && defined(__AVX512DQ__)
    return _mm512_movepi32_mask((__m512i)m) != 0;
#elif MAXVOLT_LANES == 4 && defined(__AVX2__)
    return _mm256_movemask_ps((__m256)m) != 0;
#else
    std::int32_t found = 0;
    for (int l = 0; l < single_lanes; ++l) found |= m[l];
    return found != 0;
#endif
}

static_assert(row_tile == lanes);  // a number of each row of a tile makes a vector

// A tile of rows, counted from the reference. Several tiles go through the inverse together.
struct SingleTile {
    const double* given[row_tile];           // the rows themselves
    std::int64_t first;                      // number of the first
    int n_rows;                              // the others repeat the last
    float* rows;                             // [n][row_tile], differences from the reference times the scales
    float* products;                         // [row_tile][width]
    double norms[row_tile], whole[row_tile]; // of the differences, of rows and reference together
    double left_out[row_tile];               // what differences have of the directions that are left out
};

// What is kept from one call to the next, with reference, coordinates and used of the memory.
struct SingleState {
    std::int64_t n_used;
    double reference_norm;          // times the scales, as all norms
    std::int64_t count, undecided;  // rows since it was forgotten, and those that single precision did not decide
    bool has_reference;             // that is of use for later tiles
};

// Memory to work in. Rows are counted from a reference, the mean of an earlier tile that uses the same columns, whose
// coordinates are known in double precision: less is left to be computed in single precision.
struct SingleWork {
    SingleState* state;
    double* differences;     // [n][row_tile], of one tile from the reference
    double* products;        // [row_tile][width], of one tile in double precision
    double* reference;       // [n]
    float* coordinates;      // [width], of the reference
    std::int64_t width;
    std::int32_t* used;      // [n], of the reference and of all tiles of the group
    SingleTile tiles[single_group];
    int n_tiles;
};

MAXVOLT_INLINE SingleWork make_single_work(std::int64_t n, Arena& arena) {
    SingleWork w{};
    w.width = (n + single_width - 1) / single_width * single_width;
    w.state = arena.take<SingleState>(1);
    w.differences = arena.take<double>(row_tile * n);
    w.products = arena.take<double>(row_tile * w.width);
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
    SingleState& state = *w.state;
    state.n_used = n_used;
    state.reference_norm = scaled_norm(s, w.reference, n);
    state.has_reference = state.reference_norm < 1e30;
    if (!state.has_reference) {
        for (std::int64_t k = 0; k < n; ++k) w.reference[k] = 0.0;
        state.reference_norm = 0.0;
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
    return w.state->has_reference && n_used == w.state->n_used &&
           __builtin_memcmp(used, w.used, std::size_t(n_used) * sizeof *used) == 0;
}

typedef float half_of_single __attribute__((vector_size(MAXVOLT_LANES * 4)));
typedef float unaligned_half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));

// Differences from the reference at k, of all rows.
MAXVOLT_INLINE void take_difference(const SingleInverse& s, const SingleWork& w, SingleTile& t, std::int64_t k,
                                    vec difference, vec& squares) {
    const vec value = difference * s.scales[k];
    store(w.differences + row_tile * k, difference);
    squares += value * value;
    *reinterpret_cast<unaligned_half*>(t.rows + row_tile * k) = __builtin_convertvector(value, half_of_single);
}

inline void load_tile(const SingleInverse& s, std::int64_t n, const SingleWork& w, SingleTile& t) {
    vec squares = zero(), difference[row_tile];
    std::int64_t k = 0;
    for (; k + lanes <= n; k += lanes) {
        const vec reference = load(w.reference + k);
        for (int r = 0; r < row_tile; ++r) difference[r] = load(t.given[r] + k) - reference;
        transpose(difference);
        for (int l = 0; l < lanes; ++l) take_difference(s, w, t, k + l, difference[l], squares);
    }
    for (; k < n; ++k) {
        for (int r = 0; r < row_tile; ++r) difference[0][r] = t.given[r][k] - w.reference[k];
        take_difference(s, w, t, k, difference[0], squares);
    }
    for (int r = 0; r < row_tile; ++r) {
        const double norm = __builtin_sqrt(squares[r]) * (1.0 + 1e-9);
        t.whole[r] = norm + 2.0 * w.state->reference_norm;
        t.norms[r] = norm + 1e-6 * t.whole[r];  // and what double precision rounds
    }
}

// Adds some terms of some columns of the product of a tile, [n][row_tile], with a matrix in panels. all: in order, from
// used[begin] on.
template <bool all, class Real, class V>
MAXVOLT_INLINE void add_terms(const Real* panel, std::int64_t width, const Real* tile, const std::int32_t* used,
                              std::int64_t begin, std::int64_t end, V (&product)[row_tile][column_tile]) {
    typedef V Unaligned __attribute__((aligned(alignof(Real))));
    for (std::int64_t q = begin; q < end; ++q) {
        const std::int64_t k = all ? q : used[q];
        V of_inverse[column_tile];
        for (int p = 0; p < column_tile; ++p)
            of_inverse[p] = *reinterpret_cast<const Unaligned*>(panel + width * k + std::int64_t(sizeof(V) / sizeof(Real)) * p);
        for (int r = 0; r < row_tile; ++r)
            for (int p = 0; p < column_tile; ++p) product[r][p] += tile[row_tile * k + r] * of_inverse[p];
    }
}

template <bool all>
inline void measure_left_out(const SingleInverse& s, std::int64_t n, const SingleWork& w, SingleTile& t) {
    vec squares[row_tile] = {};
    for (std::int64_t column = 0; column < s.n_left_out; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            if (column + c >= s.n_left_out) break;
            vec product[row_tile][column_tile] = {};
            add_terms<all>(s.left_out + column * n + c, panel_width, w.differences, w.used, 0, w.state->n_used, product);
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
template <bool all>
MAXVOLT_INLINE void multiply_chunk(const float* panel, const SingleWork& w, const SingleTile& t, std::int64_t begin,
                                   std::int64_t end, float* to) {
    single_vec product[row_tile][column_tile] = {};
    add_terms<all>(panel, single_width, t.rows, w.used, begin, end, product);
    for (int r = 0; r < row_tile; ++r)
        for (int p = 0; p < column_tile; ++p) {
            float* sum = to + r * w.width + single_lanes * p;
            store_single(sum, begin ? load_single(sum) + product[r][p] : product[r][p]);
        }
}

// The products of all tiles. Sums of single_chunk terms each are added up: that errs less than one long sum, and the part
// of the inverse that they need, 9 kB, stays in the nearest cache for all tiles.
template <bool all>
inline void multiply_single(const SingleInverse& s, std::int64_t n, SingleWork& w) {
    const std::int64_t n_used = w.state->n_used;
    for (std::int64_t column = 0; column < w.width; column += single_width)
        for (std::int64_t begin = 0; begin == 0 || begin < n_used; begin += single_chunk) {
            const std::int64_t end = begin + single_chunk < n_used ? begin + single_chunk : n_used;
            for (int g = 0; g < w.n_tiles; ++g)
                for (int c = 0; c < single_width; c += column_tile * single_lanes)
                    multiply_chunk<all>(s.panels + column * n + c, w, w.tiles[g], begin, end,
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
        const single_mask is_candidate = high >= bound;
        if (!any(is_candidate)) continue;
        for (int l = 0; l < single_lanes; ++l) {
            if (!is_candidate[l] || j + l >= n) continue;
            if (left_to_try-- == 0) return undecided;
            const double exact = exact_coordinate(t.given[r], s.columns + n * (j + l), n);
            grade = exact > grade ? exact : grade;
        }
    }
    return grade;
}

// The grade of a row from its coordinates in double precision, NaN where one is not finite: as of grade_row, whose sums
// are others, so that it does not matter for the result who has decided.
inline double grade_of_products(const SingleInverse& s, std::int64_t n, const double* row, const double* products) {
    double largest = 0.0, sum = 0.0;
    for (std::int64_t j = 0; j < n; ++j) {
        const double size = products[j] < 0.0 ? -products[j] : products[j];
        largest = size > largest ? size : largest;
        sum += size;
    }
    double grade = sum - sum;
    for (std::int64_t j = 0; j < n; ++j) {
        const double size = products[j] < 0.0 ? -products[j] : products[j];
        if (size < largest * (1.0 - 1e-9)) continue;
        const double exact = exact_coordinate(row, s.columns + n * j, n);
        grade = exact > grade ? exact : grade;
    }
    return grade;
}

// The same of a tile in double precision, where a grade is NaN.
inline void grade_in_double(const double* panels, const SingleInverse& s, std::int64_t n, const SingleWork& w,
                            const double* const* tile, const std::int32_t* used, std::int64_t n_used, int n_rows,
                            double* grades) {
    for (std::int64_t column = 0; column < n; column += panel_width)
        for (int c = 0; c < panel_width; c += column_tile * lanes) {
            vec product[row_tile][column_tile];
            multiply(panels + column * n + c, tile, used, n_used, product);
            for (int r = 0; r < row_tile; ++r)
                for (int p = 0; p < column_tile; ++p)
                    store(w.products + r * w.width + column + c + lanes * p, product[r][p]);
        }
    for (int r = 0; r < n_rows; ++r)
        if (!(grades[r] == grades[r])) grades[r] = grade_of_products(s, n, tile[r], w.products + r * w.width);
}

// Grades of the tiles of a group, which is then empty.
inline void grade_group(const double* panels, const SingleInverse& s, std::int64_t n, SingleWork& w, double* grades) {
    if (w.state->n_used == n)
        multiply_single<true>(s, n, w);
    else
        multiply_single<false>(s, n, w);
    for (int g = 0; g < w.n_tiles; ++g) {
        const SingleTile& t = w.tiles[g];
        double* const to = grades + t.first;
        std::int64_t left = 0;
        for (int r = 0; r < t.n_rows; ++r) {
            to[r] = grade_row(s, n, w, t, r);
            left += !(to[r] == to[r]);
        }
        w.state->undecided += left;
        if (left) grade_in_double(panels, s, n, w, t.given, w.used, w.state->n_used, t.n_rows, to);
    }
    w.n_tiles = 0;
}

// As largest_coordinates. memory: to work in, single_coordinates_bytes, which keeps the reference from one call to the next;
// the first forgets what is there, and so do later ones from time to time, as rows may be of another kind by then. Where
// most rows of the first tiles cannot be decided, the next are not tried.
inline void largest_coordinates_single(const double* panels, const SingleInverse& s, std::int64_t n,
                                       const double* rows, std::int64_t count, std::int32_t* used, void* memory,
                                       bool is_first, double* grades) {
    constexpr std::int64_t tried = 8 * row_tile, kept = 128 * row_tile;
    Arena arena{static_cast<char*>(memory)};
    SingleWork w = make_single_work(n, arena);
    SingleState& state = *w.state;
    if (is_first || state.count >= kept) state = SingleState{};
    for_tiles(rows, n, count, used, [&](const double* const* tile, int n_rows, std::int64_t n_used, std::int64_t i) {
        if (w.n_tiles == single_group || (w.n_tiles > 0 && !fits_reference(w, used, n_used)))
            grade_group(panels, s, n, w, grades);
        state.count += n_rows;
        if (state.count > tried && 2 * state.undecided >= state.count) {
            state.undecided += n_rows;
            for (int r = 0; r < n_rows; ++r) grades[i + r] = __builtin_nan("");
            grade_in_double(panels, s, n, w, tile, used, n_used, n_rows, grades + i);
            return;
        }
        if (!fits_reference(w, used, n_used)) take_reference(panels, s, n, tile, used, n_used, w);
        SingleTile& t = w.tiles[w.n_tiles++];
        for (int r = 0; r < row_tile; ++r) t.given[r] = tile[r];
        t.first = i;
        t.n_rows = n_rows;
        load_tile(s, n, w, t);
        if (n_used == n)
            measure_left_out<true>(s, n, w, t);
        else
            measure_left_out<false>(s, n, w, t);
    });
    if (w.n_tiles > 0) grade_group(panels, s, n, w, grades);
}

}  // namespace maxvolt::MAXVOLT_VARIANT
