// Vectors of `lanes` doubles; one lane is one atom of a block.
//
// The compiler's vector extension keeps one source for every instruction set: MAXVOLT_LANES and
// MAXVOLT_VARIANT come from the build, which compiles variant.cpp once per set. Kernels use no class or
// template of the standard library, so that no function compiled for a newer processor can be the one
// that the linker keeps for an older one.
#pragma once
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int lanes = MAXVOLT_LANES;
typedef double real;
typedef real vec __attribute__((vector_size(MAXVOLT_LANES * 8)));
typedef real unaligned_vec __attribute__((vector_size(MAXVOLT_LANES * 8), aligned(8)));
typedef std::int64_t mask __attribute__((vector_size(MAXVOLT_LANES * 8)));  // of comparisons: 0 or -1
typedef std::int32_t integers __attribute__((vector_size(MAXVOLT_LANES * 4)));
typedef std::int32_t unaligned_integers __attribute__((vector_size(MAXVOLT_LANES * 4), aligned(4)));
typedef real row __attribute__((vector_size(32)));  // four numbers of one atom

#define MAXVOLT_INLINE inline __attribute__((always_inline))

MAXVOLT_INLINE vec load(const double* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
MAXVOLT_INLINE void store(double* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
MAXVOLT_INLINE vec zero() { return vec{}; }
MAXVOLT_INLINE integers ascending() {
    integers out;
    for (int l = 0; l < lanes; ++l) out[l] = l;
    return out;
}
MAXVOLT_INLINE vec broadcast(real a) { return a - vec{}; }

MAXVOLT_INLINE vec inverse_square_root(vec v) {
#if MAXVOLT_LANES == 8 && defined(__AVX512F__)
    // From 14 bits to all: a division and a root would take three times as long.
    vec y = (vec)_mm512_maskz_rsqrt14_pd(0xff, (__m512d)v);
    vec error = 1.0 - (v * y) * y;
    y += (y * error) * (0.375 * error + 0.5);
    error = 1.0 - (v * y) * y;
    return y + (0.5 * y) * error;
#else
    vec out;
    for (int l = 0; l < lanes; ++l) out[l] = 1.0 / __builtin_sqrt(v[l]);
    return out;
#endif
}

MAXVOLT_INLINE bool any(mask m) {
#if MAXVOLT_LANES == 8 && defined(__AVX512DQ__)
    return _mm512_movepi64_mask((__m512i)m) != 0;
#elif MAXVOLT_LANES == 4 && defined(__AVX2__)
    return _mm256_movemask_pd((__m256d)m) != 0;
#else
    std::int64_t found = 0;
    for (int l = 0; l < lanes; ++l) found |= m[l];
    return found != 0;
#endif
}

// Entry indices[l] of a short table in lane l.
#if MAXVOLT_LANES == 8 && defined(__AVX512F__)
constexpr int longest_selection = 8;
typedef mask Selection;
MAXVOLT_INLINE Selection selection(integers indices) { return __builtin_convertvector(indices, mask); }
MAXVOLT_INLINE vec select(const double* table, Selection s) {
    return (vec)_mm512_maskz_permutexvar_pd(0xff, (__m512i)s, _mm512_loadu_pd(table));
}
#elif MAXVOLT_LANES == 4 && defined(__AVX2__)
constexpr int longest_selection = 4;
typedef __m256i Selection;  // halves of the doubles: 2 i, 2 i + 1
MAXVOLT_INLINE Selection selection(integers indices) {
    const __m256i low = _mm256_cvtepi32_epi64((__m128i)(indices + indices));
    return _mm256_or_si256(low, _mm256_slli_epi64(_mm256_add_epi64(low, _mm256_set1_epi64x(1)), 32));
}
MAXVOLT_INLINE vec select(const double* table, Selection s) {
    return (vec)_mm256_permutevar8x32_ps(_mm256_castpd_ps(_mm256_loadu_pd(table)), s);
}
#else
constexpr int longest_selection = 1 << 30;
typedef integers Selection;
MAXVOLT_INLINE Selection selection(integers indices) { return indices; }
MAXVOLT_INLINE vec select(const double* table, Selection s) {
    vec out;
    for (int l = 0; l < lanes; ++l) out[l] = table[s[l]];
    return out;
}
#endif

// Transposes a square block: row r, lane c becomes row c, lane r.
template <class V>
MAXVOLT_INLINE void transpose(V (&v)[lanes]) {
#if MAXVOLT_LANES == 8
    V t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 8; i += 4)
        for (int k = i; k < i + 2; ++k) {
            u[k] = __builtin_shufflevector(t[k], t[k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            u[k + 2] = __builtin_shufflevector(t[k], t[k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; ++k) {
        v[k] = __builtin_shufflevector(u[k], u[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        v[k + 4] = __builtin_shufflevector(u[k], u[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    static_assert(lanes == 4, "transpose is written for 4 and 8 lanes");
    const V t0 = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6);
    const V t1 = __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
    const V t2 = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6);
    const V t3 = __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);
    v[0] = __builtin_shufflevector(t0, t2, 0, 1, 4, 5);
    v[2] = __builtin_shufflevector(t0, t2, 2, 3, 6, 7);
    v[1] = __builtin_shufflevector(t1, t3, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(t1, t3, 2, 3, 6, 7);
#endif
}

// Loads one row of four numbers for each lane: first, second, third, fourth of rows[4 * index].
MAXVOLT_INLINE void load_rows(const real* rows, const std::int32_t* indices, vec (&out)[4]) {
    row r[lanes];
    for (int l = 0; l < lanes; ++l)
        r[l] = *reinterpret_cast<const row*>(rows + 4 * std::int64_t(indices[l]));
#if MAXVOLT_LANES == 8
    vec pair[4];  // rows q and q + 4 side by side
    for (int q = 0; q < 4; ++q) pair[q] = __builtin_shufflevector(r[q], r[q + 4], 0, 1, 2, 3, 4, 5, 6, 7);
    for (int half = 0; half < 2; ++half) {
        const vec a = half ? __builtin_shufflevector(pair[0], pair[1], 1, 9, 3, 11, 5, 13, 7, 15)
                           : __builtin_shufflevector(pair[0], pair[1], 0, 8, 2, 10, 4, 12, 6, 14);
        const vec b = half ? __builtin_shufflevector(pair[2], pair[3], 1, 9, 3, 11, 5, 13, 7, 15)
                           : __builtin_shufflevector(pair[2], pair[3], 0, 8, 2, 10, 4, 12, 6, 14);
        out[half] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        out[half + 2] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
#else
    for (int q = 0; q < 4; ++q) out[q] = r[q];
    transpose(out);
#endif
}

// rows[4 * index ..] += (x, y, z, 0) of each lane; indices may repeat.
MAXVOLT_INLINE void add_to_rows(real* rows, const std::int32_t* indices, vec x, vec y, vec z) {
    row r[lanes];
#if MAXVOLT_LANES == 8
    for (int odd = 0; odd < 2; ++odd) {
        const vec a = odd ? __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15)
                          : __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14);
        const vec b = odd ? __builtin_shufflevector(z, zero(), 1, 9, 3, 11, 5, 13, 7, 15)
                          : __builtin_shufflevector(z, zero(), 0, 8, 2, 10, 4, 12, 6, 14);
        const vec low = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
        const vec high = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        r[odd] = __builtin_shufflevector(low, low, 0, 1, 2, 3);
        r[odd + 4] = __builtin_shufflevector(low, low, 4, 5, 6, 7);
        r[odd + 2] = __builtin_shufflevector(high, high, 0, 1, 2, 3);
        r[odd + 6] = __builtin_shufflevector(high, high, 4, 5, 6, 7);
    }
#else
    vec t[4] = {x, y, z, zero()};
    transpose(t);
    for (int l = 0; l < lanes; ++l) r[l] = t[l];
#endif
    for (int l = 0; l < lanes; ++l) *reinterpret_cast<row*>(rows + 4 * std::int64_t(indices[l])) += r[l];
}

// Hands out pieces of one allocation, each aligned to a cache line. With no memory behind it, it only
// counts, so that sizes and layout come from the same code.
struct Arena {
    char* base;
    std::int64_t used = 0;
    template <class T>
    T* take(std::int64_t n) {
        T* p = base ? reinterpret_cast<T*>(base + used) : nullptr;
        used += (n * std::int64_t(sizeof(T)) + 63) / 64 * 64;
        return p;
    }
};

}  // namespace maxvolt::MAXVOLT_VARIANT
