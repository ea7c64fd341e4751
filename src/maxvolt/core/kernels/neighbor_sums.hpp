// Sums over the moments of an atom for its neighbours, one neighbour a lane, and what becomes of them: rows.
#pragma once
#include "block.hpp"
#include "dual.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Vectors of neighbours: V is vec, or single_vec with twice as many lanes.
template <class V>
using ElementOf = typename Numbers<V>::Real;
template <class V>
constexpr int lanes_of = sizeof(V) / sizeof(ElementOf<V>);

MAXVOLT_INLINE std::int64_t whole_vectors(std::int64_t n, int width = lanes) { return (n + width - 1) / width * width; }

// Stores a vector of doubles as numbers of either precision.
MAXVOLT_INLINE void store_as(double* to, vec v) { store(to, v); }
MAXVOLT_INLINE void store_as(float* to, vec v) {
    typedef float half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));
    *reinterpret_cast<half*>(to) = __builtin_convertvector(v, half);
}

MAXVOLT_INLINE void store_sum(double* to, vec v) { store(to, v); }
MAXVOLT_INLINE void store_sum(double* to, single_vec v) {
    typedef float half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));
    const half* const parts = reinterpret_cast<const half*>(&v);
    for (int part = 0; part < 2; ++part) store(to + part * lanes, __builtin_convertvector(parts[part], vec));
}

// out[column][a][place] = sum over moments of coupling[column] * derivative[moment][a] for C columns and N vectors of
// neighbours from v0 on; of the moments that are listed, or of all in turn where there is no list.
template <int N, int C, class V>
MAXVOLT_INLINE void couple_vectors(const V* derivatives, std::int64_t stride, int v0, const std::int32_t* moments,
                                   const ElementOf<V>* coupling, std::int64_t next_column, std::int64_t n, double* out,
                                   std::int64_t places) {
    V sum[C][3][N] = {};
    for (std::int64_t q = 0; q < n; ++q) {
        const V* d = derivatives + (moments ? moments[q] : q) * 3 * stride + v0;
        for (int a = 0; a < 3; ++a)
            for (int v = 0; v < N; ++v)
                for (int c = 0; c < C; ++c) sum[c][a][v] += coupling[c * next_column + q] * d[a * stride + v];
    }
    for (int c = 0; c < C; ++c)
        for (int a = 0; a < 3; ++a)
            for (int v = 0; v < N; ++v) store_sum(out + (c * 3 + a) * places + (v0 + v) * lanes_of<V>, sum[c][a][v]);
}

// The same for all vectors of neighbours, as many at once as fit the registers.
template <int C, class V>
MAXVOLT_INLINE void couple_columns(const V* derivatives, std::int64_t stride, int vecs, const std::int32_t* moments,
                                   const ElementOf<V>* coupling, std::int64_t next_column, std::int64_t n, double* out,
                                   std::int64_t places) {
    constexpr int most = C == 1 ? 4 : 2;
    int v = 0;
    for (; v + most <= vecs; v += most)
        couple_vectors<most, C>(derivatives, stride, v, moments, coupling, next_column, n, out, places);
    if (most > 3 && vecs - v == 3) couple_vectors<3, C>(derivatives, stride, v, moments, coupling, next_column, n, out, places);
    if (most > 2 && vecs - v == 2) couple_vectors<2, C>(derivatives, stride, v, moments, coupling, next_column, n, out, places);
    if (vecs - v == 1) couple_vectors<1, C>(derivatives, stride, v, moments, coupling, next_column, n, out, places);
}

// Where the rows of the neighbours of an atom begin, and the vectors to them, by place; behind the last neighbour the
// atom itself, to which nothing is added.
struct Targets {
    std::int64_t places;  // whole vectors
    std::int64_t* rows;   // [place]
    double* vectors;      // [3][place]
};

MAXVOLT_INLINE Targets make_targets(std::int64_t places, Arena& arena) {
    return {places, arena.take<std::int64_t>(places), arena.take<double>(3 * places)};
}

inline void load_targets(const Block& b, int lane, int padded, std::int64_t width, const Targets& t) {
    for (int n = 0; n < padded; ++n) {
        const bool there = n < b.count[lane];
        const int slot = there ? n : 0;
        const double r = there ? b.r[slot][lane] : 0.0;
        t.rows[n] = 3 * width * (there ? b.neighbor[slot * lanes + lane] : b.atom[lane]);
        t.vectors[n] = b.x[slot][lane] * r;
        t.vectors[t.places + n] = b.y[slot][lane] * r;
        t.vectors[2 * t.places + n] = b.z[slot][lane] * r;
    }
}

// Adds a tile of columns of dE/dr to the force rows of atom and neighbours and to the virial rows.
inline void add_tile(const Targets& t, const double* columns, int count, double* force, double* stress, double* forces,
                     std::int64_t width) {
    const std::int64_t places = t.places;
    const double *x = t.vectors, *y = x + places, *z = y + places;
    vec own[3] = {}, virial[6] = {};
    for (int n0 = 0; n0 < count; n0 += lanes) {
        vec g[3][lanes];  // one row per neighbour, one lane per column
        for (int d = 0; d < 3; ++d) {
            for (int c = 0; c < lanes; ++c) g[d][c] = load(columns + (c * 3 + d) * places + n0);
            transpose(g[d]);
        }
        for (int q = 0; q < lanes; ++q) {
            const int n = n0 + q;
            double* const to = forces + t.rows[n];
            for (int d = 0; d < 3; ++d) {
                store(to + d * width, load(to + d * width) - g[d][q]);
                own[d] += g[d][q];
            }
            virial[0] += x[n] * g[0][q];
            virial[1] += y[n] * g[1][q];
            virial[2] += z[n] * g[2][q];
            virial[3] += z[n] * g[1][q];
            virial[4] += z[n] * g[0][q];
            virial[5] += y[n] * g[0][q];
        }
    }
    for (int d = 0; d < 3; ++d) store(force + d * width, load(force + d * width) + own[d]);
    for (int d = 0; d < 6; ++d) store(stress + d * width, load(stress + d * width) + virial[d]);
}

}  // namespace maxvolt::MAXVOLT_VARIANT
