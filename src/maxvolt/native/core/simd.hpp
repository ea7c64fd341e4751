// Vectors of `lanes` doubles; one lane is one atom of a block.
//
// The compiler's vector extension keeps one source for every instruction set: MAXVOLT_LANES and
// MAXVOLT_VARIANT come from the build, which compiles variant.cpp once per set. Kernels use no class or
// template of the standard library, so that no function compiled for a newer processor can be the one
// that the linker keeps for an older one.
#pragma once
#include <cstdint>

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int lanes = MAXVOLT_LANES;
typedef double vec __attribute__((vector_size(MAXVOLT_LANES * 8)));
typedef double unaligned_vec __attribute__((vector_size(MAXVOLT_LANES * 8), aligned(8)));

#define MAXVOLT_INLINE inline __attribute__((always_inline))

MAXVOLT_INLINE vec load(const double* p) { return *reinterpret_cast<const unaligned_vec*>(p); }
MAXVOLT_INLINE void store(double* p, vec v) { *reinterpret_cast<unaligned_vec*>(p) = v; }
MAXVOLT_INLINE vec zero() { return vec{}; }
MAXVOLT_INLINE vec broadcast(double a) { return vec{} + a; }
MAXVOLT_INLINE vec square_root(vec v) {
    vec out;
    for (int l = 0; l < lanes; ++l) out[l] = __builtin_sqrt(v[l]);
    return out;
}

// Transposes a square block: row r, lane c becomes row c, lane r.
MAXVOLT_INLINE void transpose(vec (&v)[lanes]) {
#if MAXVOLT_LANES == 8
    vec t[8], u[8];
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
    const vec t0 = __builtin_shufflevector(v[0], v[1], 0, 4, 2, 6);
    const vec t1 = __builtin_shufflevector(v[0], v[1], 1, 5, 3, 7);
    const vec t2 = __builtin_shufflevector(v[2], v[3], 0, 4, 2, 6);
    const vec t3 = __builtin_shufflevector(v[2], v[3], 1, 5, 3, 7);
    v[0] = __builtin_shufflevector(t0, t2, 0, 1, 4, 5);
    v[2] = __builtin_shufflevector(t0, t2, 2, 3, 6, 7);
    v[1] = __builtin_shufflevector(t1, t3, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(t1, t3, 2, 3, 6, 7);
#endif
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
