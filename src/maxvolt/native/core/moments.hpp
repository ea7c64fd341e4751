// Monomials of unit vectors and the basic moments M[mu, n] = sum_j f_mu(r_j) u_j^n.
//
// Since x^2 + y^2 + z^2 = 1, only monomials with at most one z are independent; the moments of all
// others follow from theirs by additions (contraction.hpp). The independent ones of degree d are
// x^d, x^(d-1) y, ..., y^d and then x^(d-1) z, ..., y^(d-1) z: 2 d + 1 of them, (d + 1)^2 up to degree d.
// In this order the former are x times those of the degree below, and y times the last; the latter are
// z times them: the tree of products needs no table.
#pragma once
#include "model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int monomials_below(int degree) { return degree * degree; }

// value[m * S + s]: the independent monomials of S unit vectors.
template <int S>
MAXVOLT_INLINE void monomials(int max_degree, const vec* x, const vec* y, const vec* z, vec* value) {
    for (int s = 0; s < S; ++s) value[s] = broadcast(1.0);
    for (int d = 1; d <= max_degree; ++d) {
        const vec* below = value + std::int64_t(monomials_below(d - 1)) * S;
        vec* out = value + std::int64_t(monomials_below(d)) * S;
        vec* with_z = out + (d + 1) * S;
        for (int i = 0; i < d; ++i)
            for (int s = 0; s < S; ++s) {
                out[i * S + s] = x[s] * below[i * S + s];
                with_z[i * S + s] = z[s] * below[i * S + s];
            }
        for (int s = 0; s < S; ++s) out[d * S + s] = y[s] * below[(d - 1) * S + s];
    }
}

// Reverse of `monomials`: adjoint holds dE/d(monomial) on entry (and is used up); gx, gy, gz get
// dE/d(unit vector).
template <int S>
MAXVOLT_INLINE void monomials_reverse(int max_degree, const vec* x, const vec* y, const vec* z,
                                      const vec* value, vec* adjoint, vec* gx, vec* gy, vec* gz) {
    for (int s = 0; s < S; ++s) gx[s] = gy[s] = gz[s] = zero();
    for (int d = max_degree; d >= 1; --d) {
        const std::int64_t low = std::int64_t(monomials_below(d - 1)) * S;
        const vec* below = value + low;
        vec* below_adjoint = adjoint + low;
        const vec* a = adjoint + std::int64_t(monomials_below(d)) * S;
        const vec* with_z = a + (d + 1) * S;
        for (int i = 0; i < d; ++i)
            for (int s = 0; s < S; ++s) {
                const int k = i * S + s;
                gx[s] += a[k] * below[k];
                gz[s] += with_z[k] * below[k];
                below_adjoint[k] += x[s] * a[k] + z[s] * with_z[k];
            }
        for (int s = 0; s < S; ++s) {
            const int k = (d - 1) * S + s;
            gy[s] += a[d * S + s] * below[k];
            below_adjoint[k] += y[s] * a[d * S + s];
        }
    }
}

// Derivative of `monomials` along (dx, dy, dz).
template <int S>
MAXVOLT_INLINE void monomials_tangent(int max_degree, const vec* x, const vec* y, const vec* z,
                                      const vec* dx, const vec* dy, const vec* dz, const vec* value,
                                      vec* tangent) {
    for (int s = 0; s < S; ++s) tangent[s] = zero();
    for (int d = 1; d <= max_degree; ++d) {
        const std::int64_t low = std::int64_t(monomials_below(d - 1)) * S;
        const vec* below = value + low;
        const vec* dbelow = tangent + low;
        vec* out = tangent + std::int64_t(monomials_below(d)) * S;
        vec* with_z = out + (d + 1) * S;
        for (int i = 0; i < d; ++i)
            for (int s = 0; s < S; ++s) {
                const int k = i * S + s;
                out[k] = x[s] * dbelow[k] + dx[s] * below[k];
                with_z[k] = z[s] * dbelow[k] + dz[s] * below[k];
            }
        for (int s = 0; s < S; ++s) {
            const int k = (d - 1) * S + s;
            out[d * S + s] = y[s] * dbelow[k] + dy[s] * below[k];
        }
    }
}

constexpr int mu_group = 4;  // functions f_mu handled together in the loops over monomials

// Calls body<NMU, First>(mu0, begin, end) for the stretches of monomials that have moments for
// mu0 .. mu0+NMU-1, so that the loops over mu have compile-time length. First: mu0 is 0; these stretches
// together hold all monomials.
template <bool First, class Body>
MAXVOLT_INLINE void mu_group_segments(const Model& m, int mu0, Body&& body) {
    const int n = m.n_mu - mu0 < mu_group ? m.n_mu - mu0 : mu_group;
    int begin = 0;
    for (int count = n; count >= 1; --count) {
        const int end = m.monomial_counts[mu0 + count - 1];
        if (end <= begin) continue;
        if (count == 4)
            body.template operator()<4, First>(mu0, begin, end);
        else if (count == 3)
            body.template operator()<3, First>(mu0, begin, end);
        else if (count == 2)
            body.template operator()<2, First>(mu0, begin, end);
        else
            body.template operator()<1, First>(mu0, begin, end);
        begin = end;
    }
}

template <class Body>
MAXVOLT_INLINE void for_mu_segments(const Model& m, Body&& body) {
    mu_group_segments<true>(m, 0, body);
    for (int mu0 = mu_group; mu0 < m.n_mu; mu0 += mu_group) mu_group_segments<false>(m, mu0, body);
}

// moments += f[mu] * monomial for S slots at once; f[s * n_mu + mu].
template <int S>
MAXVOLT_INLINE void accumulate_moments(const Model& m, const vec* f, const vec* value, vec* moments) {
    for_mu_segments(m, [&]<int N, bool First>(int mu0, int begin, int end) __attribute__((always_inline)) {
        vec weight[N][S];
        vec* target[N];
        for (int q = 0; q < N; ++q) {
            target[q] = moments + m.moment_offsets[mu0 + q];
            for (int s = 0; s < S; ++s) weight[q][s] = f[s * m.n_mu + mu0 + q];
        }
        for (int i = begin; i < end; ++i) {
            vec monomial[S];
            for (int s = 0; s < S; ++s) monomial[s] = value[std::int64_t(i) * S + s];
            for (int q = 0; q < N; ++q) {
                vec sum = target[q][i];
                for (int s = 0; s < S; ++s) sum += weight[q][s] * monomial[s];
                target[q][i] = sum;
            }
        }
    });
}

// From adjoints of the basic moments: adjoint of the monomials (set) and slopes[s * n_mu + mu] =
// dE/df_mu (added to).
template <int S>
MAXVOLT_INLINE void pull_back_moments(const Model& m, const vec* f, const vec* value,
                                      const vec* adjoint, vec* monomial_adjoint, vec* slopes) {
    for_mu_segments(m, [&]<int N, bool First>(int mu0, int begin, int end) __attribute__((always_inline)) {
        vec weight[N][S], slope[N][S];
        const vec* source[N];
        for (int q = 0; q < N; ++q) {
            source[q] = adjoint + m.moment_offsets[mu0 + q];
            for (int s = 0; s < S; ++s) {
                weight[q][s] = f[s * m.n_mu + mu0 + q];
                slope[q][s] = zero();
            }
        }
        for (int i = begin; i < end; ++i) {
            vec sum[S], monomial[S];
            for (int s = 0; s < S; ++s) {
                sum[s] = First ? zero() : monomial_adjoint[std::int64_t(i) * S + s];
                monomial[s] = value[std::int64_t(i) * S + s];
            }
            for (int q = 0; q < N; ++q) {
                const vec a = source[q][i];
                for (int s = 0; s < S; ++s) {
                    sum[s] += weight[q][s] * a;
                    slope[q][s] += a * monomial[s];
                }
            }
            for (int s = 0; s < S; ++s) monomial_adjoint[std::int64_t(i) * S + s] = sum[s];
        }
        for (int q = 0; q < N; ++q)
            for (int s = 0; s < S; ++s) slopes[s * m.n_mu + mu0 + q] += slope[q][s];
    });
}

}  // namespace maxvolt::MAXVOLT_VARIANT
