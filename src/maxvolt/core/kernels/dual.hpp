// Numbers with a derivative along one direction, so that a function and its tangent are one source.
#pragma once
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

struct Dual {
    vec value, tangent;
};

MAXVOLT_INLINE Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.tangent + b.tangent}; }
MAXVOLT_INLINE Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.tangent - b.tangent}; }
MAXVOLT_INLINE Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.value * b.tangent + a.tangent * b.value};
}
MAXVOLT_INLINE Dual operator*(double a, Dual b) { return {a * b.value, a * b.tangent}; }
MAXVOLT_INLINE Dual& operator+=(Dual& a, Dual b) { return a = a + b; }

// A number is a vec (or, of single precision, a single_vec) or a Dual; `tangents` is read and written only
// for the latter. Stored are vectors; Real multiplies numbers.
template <class Number>
struct Numbers;

template <>
struct Numbers<vec> {
    using Real = double;
    using Stored = vec;
    static MAXVOLT_INLINE vec constant(double a) { return broadcast(a); }
    static MAXVOLT_INLINE vec get(const vec* values, const vec*, int i) { return values[i]; }
    static MAXVOLT_INLINE void set(vec* values, vec*, int i, vec a) { values[i] = a; }
};

template <>
struct Numbers<Dual> {
    using Real = double;
    using Stored = vec;
    static MAXVOLT_INLINE Dual constant(double a) { return {broadcast(a), zero()}; }
    static MAXVOLT_INLINE Dual get(const vec* values, const vec* tangents, int i) {
        return {values[i], tangents[i]};
    }
    static MAXVOLT_INLINE void set(vec* values, vec* tangents, int i, Dual a) {
        values[i] = a.value;
        tangents[i] = a.tangent;
    }
};

// Single precision: twice as many lanes, two blocks side by side.
typedef float single_vec __attribute__((vector_size(MAXVOLT_LANES * 8)));
typedef float unaligned_single_vec __attribute__((vector_size(MAXVOLT_LANES * 8), aligned(4)));

template <>
struct Numbers<single_vec> {
    using Real = float;
    using Stored = single_vec;
    static MAXVOLT_INLINE single_vec constant(float a) { return a - single_vec{}; }
    static MAXVOLT_INLINE single_vec get(const single_vec* values, const single_vec*, int i) { return values[i]; }
    static MAXVOLT_INLINE void set(single_vec* values, single_vec*, int i, single_vec a) { values[i] = a; }
};

}  // namespace maxvolt::MAXVOLT_VARIANT
