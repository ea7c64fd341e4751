// Polynomials in unit vectors with the independent monomials of moments.hpp, by Horner's rule.
#pragma once
#include "dual.hpp"
#include "moments.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// V: vec, or single_vec.
template <int S, class V>
struct PolynomialGradient {
    V value[S], x[S], y[S], z[S];
};

// Part without z (nz = 0) or the factor of z (nz = 1) of a polynomial: value and derivatives by x and y. Powers of y
// from high to low, in each of them powers of x from high to low.
template <int S, class V>
MAXVOLT_INLINE void plane_polynomial(int degree, int nz, const V* c, const V (&x)[S], const V (&y)[S],
                                     V (&value)[S], V (&by_x)[S], V (&by_y)[S]) {
    for (int s = 0; s < S; ++s) value[s] = by_x[s] = by_y[s] = Numbers<V>::constant(0);
#pragma GCC unroll 16
    for (int ny = degree - nz; ny >= 0; --ny) {
        V v[S], dv[S];
        for (int s = 0; s < S; ++s) v[s] = dv[s] = Numbers<V>::constant(0);
#pragma GCC unroll 16
        for (int nx = degree - nz - ny; nx >= 0; --nx) {
            const int d = nx + ny + nz;
            const V coefficient = c[monomials_below(d) + (nz ? d + 1 : 0) + ny];
            for (int s = 0; s < S; ++s) {
                dv[s] = dv[s] * x[s] + v[s];
                v[s] = v[s] * x[s] + coefficient;
            }
        }
        for (int s = 0; s < S; ++s) {
            by_y[s] = by_y[s] * y[s] + value[s];
            value[s] = value[s] * y[s] + v[s];
            by_x[s] = by_x[s] * y[s] + dv[s];
        }
    }
}

// Polynomial of S unit vectors (x, y, z) and its gradient; c: coefficients of the monomials up to the degree.
template <int S, class V>
MAXVOLT_INLINE PolynomialGradient<S, V> polynomial(int degree, const V* c, const V (&x)[S],
                                                const V (&y)[S], const V (&z)[S]) {
    PolynomialGradient<S, V> p;
    V by_z[S], by_zx[S], by_zy[S];
    plane_polynomial<S, V>(degree, 1, c, x, y, by_z, by_zx, by_zy);
    plane_polynomial<S, V>(degree, 0, c, x, y, p.value, p.x, p.y);
    for (int s = 0; s < S; ++s) {
        p.value[s] += z[s] * by_z[s];
        p.x[s] += z[s] * by_zx[s];
        p.y[s] += z[s] * by_zy[s];
        p.z[s] = by_z[s];
    }
    return p;
}

// moments += f * monomials up to the degree, for S unit vectors. Powers of x are kept, those of y and z grow with f.
template <int S, class V>
MAXVOLT_INLINE void accumulate(int degree, const V (&f)[S], const V (&x)[S], const V (&y)[S],
                               const V (&z)[S], V (*powers)[S], V* moments) {
    for (int s = 0; s < S; ++s) powers[0][s] = Numbers<V>::constant(1);
#pragma GCC unroll 16
    for (int nx = 1; nx <= degree; ++nx)
        for (int s = 0; s < S; ++s) powers[nx][s] = powers[nx - 1][s] * x[s];
    for (int nz = 0; nz < 2; ++nz) {
        V w[S];
        for (int s = 0; s < S; ++s) w[s] = nz ? f[s] * z[s] : f[s];
#pragma GCC unroll 16
        for (int ny = 0; ny <= degree - nz; ++ny) {
#pragma GCC unroll 16
            for (int nx = 0; nx <= degree - nz - ny; ++nx) {
                const int d = nx + ny + nz;
                V& moment = moments[monomials_below(d) + (nz ? d + 1 : 0) + ny];
                V sum = moment;
                for (int s = 0; s < S; ++s) sum += nx ? w[s] * powers[nx][s] : w[s];
                moment = sum;
            }
            for (int s = 0; s < S; ++s) w[s] *= y[s];
        }
    }
}

// Calls body<degree>() for a degree known when compiling, up to `highest_unrolled`, or body<-1>().
constexpr int highest_unrolled = 10;

template <class Body, int D = 0>
MAXVOLT_INLINE void with_degree(int degree, const Body& body) {
    if constexpr (D > highest_unrolled) {
        body.template operator()<-1>();
    } else {
        if (degree == D)
            body.template operator()<D>();
        else
            with_degree<Body, D + 1>(degree, body);
    }
}

}  // namespace maxvolt::MAXVOLT_VARIANT
