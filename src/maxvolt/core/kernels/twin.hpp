// Two blocks side by side: what a plan takes besides arithmetic (indices, branches) is done once for both.
#pragma once
#include "dual.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

struct Twin {
    vec first, second;
};

MAXVOLT_INLINE Twin operator+(Twin a, Twin b) { return {a.first + b.first, a.second + b.second}; }
MAXVOLT_INLINE Twin operator-(Twin a, Twin b) { return {a.first - b.first, a.second - b.second}; }
MAXVOLT_INLINE Twin operator*(Twin a, Twin b) { return {a.first * b.first, a.second * b.second}; }
MAXVOLT_INLINE Twin operator*(double a, Twin b) { return {a * b.first, a * b.second}; }
MAXVOLT_INLINE Twin& operator+=(Twin& a, Twin b) {
    a.first += b.first;
    a.second += b.second;
    return a;
}

// Stored are the vectors of the first block, and in the place of tangents those of the second.
template <>
struct Numbers<Twin> {
    using Real = double;
    using Stored = vec;
    static MAXVOLT_INLINE Twin constant(double a) { return {broadcast(a), broadcast(a)}; }
    static MAXVOLT_INLINE Twin get(const vec* first, const vec* second, int i) { return {first[i], second[i]}; }
    static MAXVOLT_INLINE void set(vec* first, vec* second, int i, Twin a) {
        first[i] = a.first;
        second[i] = a.second;
    }
};

}  // namespace maxvolt::MAXVOLT_VARIANT
