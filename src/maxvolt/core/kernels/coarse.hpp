// Which neighbours are near, in single precision: a first choice that takes in a little too many.
#pragma once
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

typedef float coarse_row __attribute__((vector_size(16)));  // x, y, z of one atom, and zero
typedef float floats8 __attribute__((vector_size(32)));
typedef float floats16 __attribute__((vector_size(64)));

// Within each four numbers: a0 b0 a1 b1, a2 b2 a3 b3, a0 a1 b0 b1 and a2 a3 b2 b3.
MAXVOLT_INLINE floats8 interleave_low(floats8 a, floats8 b) {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
}
MAXVOLT_INLINE floats8 interleave_high(floats8 a, floats8 b) {
    return __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
}
MAXVOLT_INLINE floats8 join_low(floats8 a, floats8 b) {
    return __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
}
MAXVOLT_INLINE floats8 join_high(floats8 a, floats8 b) {
    return __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
}
MAXVOLT_INLINE floats16 interleave_low(floats16 a, floats16 b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
}
MAXVOLT_INLINE floats16 interleave_high(floats16 a, floats16 b) {
    return __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
MAXVOLT_INLINE floats16 join_low(floats16 a, floats16 b) {
    return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
}
MAXVOLT_INLINE floats16 join_high(floats16 a, floats16 b) {
    return __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

// Rows indices[0], indices[4], .. side by side.
MAXVOLT_INLINE void load_every_fourth(const coarse_row* rows, const std::int32_t* indices, floats8& out) {
    out = __builtin_shufflevector(rows[indices[0]], rows[indices[4]], 0, 1, 2, 3, 4, 5, 6, 7);
}
MAXVOLT_INLINE void load_every_fourth(const coarse_row* rows, const std::int32_t* indices, floats16& out) {
    floats8 low, high;
    load_every_fourth(rows, indices, low);
    load_every_fourth(rows, indices + 8, high);
    out = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Squared distances of as many rows as V has numbers.
template <class V>
MAXVOLT_INLINE V squared_distances(const coarse_row* rows, const std::int32_t* indices, coarse_row from) {
    V q[4];
    for (int k = 0; k < 4; ++k) load_every_fourth(rows, indices + k, q[k]);
    const V xy[2] = {interleave_low(q[0], q[1]), interleave_low(q[2], q[3])};
    const V z[2] = {interleave_high(q[0], q[1]), interleave_high(q[2], q[3])};
    const V dx = join_low(xy[0], xy[1]) - from[0], dy = join_high(xy[0], xy[1]) - from[1],
            dz = join_low(z[0], z[1]) - from[2];
    return dx * dx + dy * dy + dz * dz;
}

// Writes the indices whose value is below the bound one after the other and returns the next place. May write as many
// entries as V has numbers, of which those behind that place do not count.
template <class V>
MAXVOLT_INLINE std::int32_t* append_below(V value, float bound, const std::int32_t* indices, std::int32_t* to) {
    for (int i = 0; i < int(sizeof(V) / sizeof(float)); ++i) {
        *to = indices[i];
        to += value[i] < bound;
    }
    return to;
}

#if defined(__AVX512F__) && defined(__AVX512VL__)
MAXVOLT_INLINE std::int32_t* append_below(floats16 value, float bound, const std::int32_t* indices,
                                          std::int32_t* to) {
    const __mmask16 below = _mm512_cmp_ps_mask((__m512)value, _mm512_set1_ps(bound), _CMP_LT_OQ);
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(below, _mm512_loadu_si512(indices)));
    return to + __builtin_popcount(below);
}
MAXVOLT_INLINE std::int32_t* append_below(floats8 value, float bound, const std::int32_t* indices,
                                          std::int32_t* to) {
    const __mmask8 below = _mm256_cmp_ps_mask((__m256)value, _mm256_set1_ps(bound), _CMP_LT_OQ);
    const __m256i all = _mm256_loadu_si256((const __m256i_u*)indices);
    _mm256_storeu_si256((__m256i_u*)to, _mm256_maskz_compress_epi32(below, all));
    return to + __builtin_popcount(below);
}
#elif defined(__AVX2__)
// Places of the ones in each number of eight bits, one after the other.
struct Ones {
    std::uint8_t place[256][8];
    constexpr Ones() : place{} {
        for (int number = 0; number < 256; ++number)
            for (int bit = 0, n = 0; bit < 8; ++bit)
                if (number >> bit & 1) place[number][n++] = std::uint8_t(bit);
    }
};
inline constexpr Ones ones;

MAXVOLT_INLINE std::int32_t* append_below(floats8 value, float bound, const std::int32_t* indices,
                                          std::int32_t* to) {
    const int below = _mm256_movemask_ps(_mm256_cmp_ps((__m256)value, _mm256_set1_ps(bound), _CMP_LT_OQ));
    const __m256i places = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i_u*)ones.place[below]));
    const __m256i all = _mm256_loadu_si256((const __m256i_u*)indices);
    _mm256_storeu_si256((__m256i_u*)to, _mm256_permutevar8x32_epi32(all, places));
    return to + __builtin_popcount(unsigned(below));
}
#endif

// Chooses from n indices, a multiple of eight; `to` has room for n.
MAXVOLT_INLINE std::int32_t* append_near(const coarse_row* rows, coarse_row from, float bound,
                                         const std::int32_t* indices, std::int64_t n, std::int32_t* to) {
    std::int64_t i = 0;
    if constexpr (lanes == 8)
        for (; i + 16 <= n; i += 16)
            to = append_below(squared_distances<floats16>(rows, indices + i, from), bound, indices + i, to);
    for (; i < n; i += 8)
        to = append_below(squared_distances<floats8>(rows, indices + i, from), bound, indices + i, to);
    return to;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
