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
