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
MAXVOLT_INLINE void store_sum(float* to, single_vec v) { *reinterpret_cast<unaligned_single_vec*>(to) = v; }
MAXVOLT_INLINE void store_sum(double* to, single_vec v) {
    typedef float half __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));
    const half* const parts = reinterpret_cast<const half*>(&v);
    for (int part = 0; part < 2; ++part) store(to + part * lanes, __builtin_convertvector(parts[part], vec));
}

MAXVOLT_INLINE vec load_row(const double* from) { return load(from); }
MAXVOLT_INLINE single_vec load_row(const float* from) { return *reinterpret_cast<const unaligned_single_vec*>(from); }

// to[c] += v[c] in double precision.
MAXVOLT_INLINE void add_exactly(double* to, vec v) { store(to, load(to) + v); }
MAXVOLT_INLINE void add_exactly(double* to, single_vec v) {
    double wide[2 * lanes];
    store_sum(wide, v);
    for (int part = 0; part < 2; ++part) store(to + part * lanes, load(to + part * lanes) + load(wide + part * lanes));
}

// Transposes a square block of numbers in single precision.
MAXVOLT_INLINE void transpose(single_vec (&v)[2 * lanes]) {
    single_vec t[2 * lanes], u[2 * lanes];
#if MAXVOLT_LANES == 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    }
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 2; ++k) {
            const single_vec a = t[i + k], b = t[i + k + 2];
            u[i + 2 * k] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
            u[i + 2 * k + 1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
        }
    for (int k = 0; k < 4; ++k) {  // quarters of four numbers, which are transposed among four rows
        single_vec low[2], high[2];
        for (int i = 0; i < 2; ++i) {
            const single_vec a = u[k + 8 * i], b = u[k + 8 * i + 4];
            low[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
            high[i] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
        }
        const single_vec(*halves[])[2] = {&low, &high};
        for (int h = 0; h < 2; ++h) {
            const single_vec a = (*halves[h])[0], b = (*halves[h])[1];
            v[8 * h + k] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
            v[8 * h + k + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
        }
    }
#else
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = 0; k < 2; ++k) {
            u[i + 2 * k] = __builtin_shufflevector(t[i + k], t[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            u[i + 2 * k + 1] = __builtin_shufflevector(t[i + k], t[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; ++k) {
        v[k] = __builtin_shufflevector(u[k], u[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        v[k + 4] = __builtin_shufflevector(u[k], u[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#endif
}

// out[column][a][place] = sum over moments of coupling[column] * derivative[moment][a] for C columns and N vectors of
// neighbours from v0 on; of the moments that are listed, or of all in turn where there is no list.
template <int N, int C, class V, class Out>
MAXVOLT_INLINE void couple_vectors(const V* derivatives, std::int64_t stride, int v0, const std::int32_t* moments,
                                   const ElementOf<V>* coupling, std::int64_t next_column, std::int64_t n, Out* out,
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
template <int C, class V, class Out>
MAXVOLT_INLINE void couple_columns(const V* derivatives, std::int64_t stride, int vecs, const std::int32_t* moments,
                                   const ElementOf<V>* coupling, std::int64_t next_column, std::int64_t n, Out* out,
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
template <class V>
struct Targets {
    std::int64_t places;    // whole vectors
    std::int64_t* rows;     // [place]
    ElementOf<V>* vectors;  // [3][place]
};

template <class V>
MAXVOLT_INLINE Targets<V> make_targets(std::int64_t places, Arena& arena) {
    return {places, arena.take<std::int64_t>(places), arena.take<ElementOf<V>>(3 * places)};
}

template <class V>
inline void load_targets(const Block& b, int lane, int padded, std::int64_t width, const Targets<V>& t) {
    for (int n = 0; n < padded; ++n) {
        const bool there = n < b.count[lane];
        const int slot = there ? n : 0;
        const double r = there ? b.r[slot][lane] : 0.0;
        t.rows[n] = 3 * width * (there ? b.neighbor[slot * lanes + lane] : b.atom[lane]);
        t.vectors[n] = ElementOf<V>(b.x[slot][lane] * r);
        t.vectors[t.places + n] = ElementOf<V>(b.y[slot][lane] * r);
        t.vectors[2 * t.places + n] = ElementOf<V>(b.z[slot][lane] * r);
    }
}

// Adds a tile of columns, as many as V has lanes, of dE/dr to the force rows of atom and neighbours and to the rows of
// the virial, where they are wanted.
template <class V, bool with_virial>
MAXVOLT_INLINE void add_columns_of_tile(const Targets<V>& t, const ElementOf<V>* columns, int count, ElementOf<V>* force,
                                        double* stress, ElementOf<V>* forces, std::int64_t width) {
    constexpr int at_once = lanes_of<V>;
    const std::int64_t places = t.places;
    const ElementOf<V>*x = t.vectors, *y = x + places, *z = y + places;
    V own[3] = {}, virial[6] = {};
    for (int n0 = 0; n0 < count; n0 += at_once) {
        V g[3][at_once];  // one row per neighbour, one lane per column
        for (int d = 0; d < 3; ++d) {
            for (int c = 0; c < at_once; ++c) g[d][c] = load_row(columns + (c * 3 + d) * places + n0);
            transpose(g[d]);
        }
        for (int q = 0; q < at_once; ++q) {
            const int n = n0 + q;
            ElementOf<V>* const to = forces + t.rows[n];
            for (int d = 0; d < 3; ++d) {
                store_sum(to + d * width, load_row(to + d * width) - g[d][q]);
                own[d] += g[d][q];
            }
            if constexpr (with_virial) {
                virial[0] += x[n] * g[0][q];
                virial[1] += y[n] * g[1][q];
                virial[2] += z[n] * g[2][q];
                virial[3] += z[n] * g[1][q];
                virial[4] += z[n] * g[0][q];
                virial[5] += y[n] * g[0][q];
            }
        }
    }
    for (int d = 0; d < 3; ++d) store_sum(force + d * width, load_row(force + d * width) + own[d]);
    if constexpr (with_virial)
        for (int d = 0; d < 6; ++d) add_exactly(stress + d * width, virial[d]);
}

// The same; no rows of the virial where there is no place for them.
template <class V>
MAXVOLT_INLINE void add_tile(const Targets<V>& t, const ElementOf<V>* columns, int count, ElementOf<V>* force,
                             double* stress, ElementOf<V>* forces, std::int64_t width) {
    if (stress)
        add_columns_of_tile<V, true>(t, columns, count, force, stress, forces, width);
    else
        add_columns_of_tile<V, false>(t, columns, count, force, stress, forces, width);
}

}  // namespace maxvolt::MAXVOLT_VARIANT
