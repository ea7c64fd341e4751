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
template <int S, class V>
MAXVOLT_INLINE void monomials(int max_degree, const V* x, const V* y, const V* z, V* value) {
    for (int s = 0; s < S; ++s) value[s] = 1 - V{};
    for (int d = 1; d <= max_degree; ++d) {
        const V* below = value + std::int64_t(monomials_below(d - 1)) * S;
        V* out = value + std::int64_t(monomials_below(d)) * S;
        V* with_z = out + (d + 1) * S;
        for (int i = 0; i < d; ++i)
            for (int s = 0; s < S; ++s) {
                out[i * S + s] = x[s] * below[i * S + s];
                with_z[i * S + s] = z[s] * below[i * S + s];
            }
        for (int s = 0; s < S; ++s) out[d * S + s] = y[s] * below[(d - 1) * S + s];
    }
}

// Derivative of `monomials` along (dx, dy, dz).
template <int S, class V>
MAXVOLT_INLINE void monomials_tangent(int max_degree, const V* x, const V* y, const V* z,
                                      const V* dx, const V* dy, const V* dz, const V* value,
                                      V* tangent) {
    for (int s = 0; s < S; ++s) tangent[s] = V{};
    for (int d = 1; d <= max_degree; ++d) {
        const std::int64_t low = std::int64_t(monomials_below(d - 1)) * S;
        const V* below = value + low;
        const V* dbelow = tangent + low;
        V* out = tangent + std::int64_t(monomials_below(d)) * S;
        V* with_z = out + (d + 1) * S;
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

// Calls body<NMU>(mu0, begin, end) for the stretches of monomials that have moments for mu0 .. mu0+NMU-1,
// at most `most` mu at a time, so that the loops over mu have compile-time length.
template <class Body>
MAXVOLT_INLINE void for_mu_segments(const Model& m, Body&& body) {
    constexpr int most = 4;
    for (int mu0 = 0; mu0 < m.n_mu; mu0 += most) {
        const int n = m.n_mu - mu0 < most ? m.n_mu - mu0 : most;
        int begin = 0;
        for (int count = n; count >= 1; --count) {
            const int end = m.monomial_counts[mu0 + count - 1];
            if (end > begin) {
                if (count == 4)
                    body.template operator()<4>(mu0, begin, end);
                else if (count == 3)
                    body.template operator()<3>(mu0, begin, end);
                else if (count == 2)
                    body.template operator()<2>(mu0, begin, end);
                else
                    body.template operator()<1>(mu0, begin, end);
                begin = end;
            }
        }
    }
}

// moments += f[mu] * monomial for S slots at once; f[s * n_mu + mu].
template <int S>
MAXVOLT_INLINE void accumulate_moments(const Model& m, const vec* f, const vec* value, vec* moments) {
    for_mu_segments(m, [&]<int N>(int mu0, int begin, int end) __attribute__((always_inline)) {
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

}  // namespace maxvolt::MAXVOLT_VARIANT
