// Radial basis phi_k(r), radial functions f_mu(r) and pair repulsion (docs/formulation, equations (5), (6), (27)).
#pragma once
#include "model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

struct ValueAndSlope {
    vec value, slope;
};

// First function of the basis and its derivative.
MAXVOLT_INLINE ValueAndSlope envelope(const Model& m, vec r) {
    if (m.envelope == Envelope::smooth) return {(r - m.cutoff) * (r - m.cutoff), 2.0 * (r - m.cutoff)};
    if (m.envelope == Envelope::constant) return {broadcast(1.0), zero()};
    const vec root = m.envelope_factor * (m.cutoff - r) / r;
    return {root * root, -2.0 * m.envelope_factor * m.cutoff * root / (r * r)};
}

// Bases of the kind ..._repuls are constant below min_dist: r is replaced, and zero returned where it was.
MAXVOLT_INLINE vec clamp(const Model& m, vec& r) {
    const mask inside = r > m.min_dist;
    r = inside ? r : broadcast(m.min_dist);
    return inside ? broadcast(1.0) : zero();
}

// phi[k], dphi[k] = d phi[k]/dr for one slot of a block.
MAXVOLT_INLINE void radial_basis(const Model& m, vec r, vec* phi, vec* dphi) {
    const int n = m.radial_size;
    const vec inside = m.clamp ? clamp(m, r) : broadcast(1.0);
    const ValueAndSlope first = envelope(m, r);
    phi[0] = first.value;
    dphi[0] = first.slope;
    const vec x = m.slope * r + m.offset;
    const double *a = m.recurrence, *b = a + n, *c = b + n;
    if (n > 1) {
        phi[1] = (a[1] * x + b[1]) * phi[0];
        dphi[1] = (a[1] * x + b[1]) * dphi[0] + a[1] * m.slope * phi[0];
    }
    for (int k = 2; k < n; ++k) {
        const vec factor = a[k] * x + b[k];
        phi[k] = factor * phi[k - 1] - c[k] * phi[k - 2];
        dphi[k] = factor * dphi[k - 1] + a[k] * m.slope * phi[k - 1] - c[k] * dphi[k - 2];
    }
    if (m.clamp)
        for (int k = 0; k < n; ++k) dphi[k] *= inside;
}

// phi[k] alone.
MAXVOLT_INLINE void radial_basis(const Model& m, vec r, vec* phi) {
    const int n = m.radial_size;
    if (m.clamp) clamp(m, r);
    phi[0] = envelope(m, r).value;
    const vec x = m.slope * r + m.offset;
    const double *a = m.recurrence, *b = a + n, *c = b + n;
    if (n > 1) phi[1] = (a[1] * x + b[1]) * phi[0];
    for (int k = 2; k < n; ++k) phi[k] = (a[k] * x + b[k]) * phi[k - 1] - c[k] * phi[k - 2];
}

// Coefficients of the series (model.hpp) of one slot or two, as the lanes need them: where all have the
// same pair of species, where only the atoms are of one species, and where no two lanes need agree.
struct OnePair {
    const double* series;
    MAXVOLT_INLINE vec operator()(int entry, int) const { return broadcast(series[entry]); }
};

template <int S>
struct OneAtomType {
    const double* series;
    std::int64_t stride;
    Selection neighbors[S];
    MAXVOLT_INLINE vec operator()(int entry, int s) const {
        return select(series + entry * stride, neighbors[s]);
    }
};

struct AnyPairs {
    const double* series;
    std::int64_t length;
    const std::int32_t* pairs;  // [slot][lane]
    MAXVOLT_INLINE vec operator()(int entry, int s) const {
        vec out;
        for (int l = 0; l < lanes; ++l) out[l] = series[pairs[s * lanes + l] * length + entry];
        return out;
    }
};

// Sums of the series and of their derivatives, for mu0 .. mu0 + N - 1 and S slots.
template <int N, int S, bool chebyshev, class Coefficients>
MAXVOLT_INLINE void sum_series(const Model& m, const vec (&x)[S], const Coefficients& c, int mu0,
                               vec (&value)[N][S], vec (&slope)[N][S]) {
    const double *ra = m.recurrence, *rb = ra + m.radial_size, *rc = rb + m.radial_size;
    vec p[S], before[S];
    for (int s = 0; s < S; ++s) {
        p[s] = broadcast(1.0);
        before[s] = chebyshev ? x[s] : zero();  // T_-1 = T_1 = x
        for (int q = 0; q < N; ++q) {
            value[q][s] = c(2 * (mu0 + q), s);
            slope[q][s] = c(2 * (mu0 + q) + 1, s);
        }
    }
    for (int k = 1; k < m.radial_size; ++k) {
        for (int s = 0; s < S; ++s) {
            const vec next = chebyshev ? (x[s] + x[s]) * p[s] - before[s]
                                       : (ra[k] * x[s] + rb[k]) * p[s] - rc[k] * before[s];
            before[s] = p[s];
            p[s] = next;
        }
        for (int q = 0; q < N; ++q) {
            const int entry = 2 * (k * m.n_mu + mu0 + q);
            for (int s = 0; s < S; ++s) {
                value[q][s] += c(entry, s) * p[s];
                slope[q][s] += c(entry + 1, s) * p[s];
            }
        }
    }
}

// f[s][mu] and df[s][mu] of S slots; mask is zero where there is no neighbour.
template <int S, bool chebyshev, class Coefficients>
MAXVOLT_INLINE void radial_functions(const Model& m, const vec* r, const vec* mask, const Coefficients& c,
                                     vec* f, vec* df) {
    vec x[S], first[S], dfirst[S], inside[S];
    for (int s = 0; s < S; ++s) {
        vec distance = r[s];
        inside[s] = m.clamp ? clamp(m, distance) : broadcast(1.0);
        x[s] = m.slope * distance + m.offset;
        const ValueAndSlope e = envelope(m, distance);
        first[s] = mask[s] * e.value;
        dfirst[s] = mask[s] * inside[s] * e.slope;
    }
    auto some = [&]<int N>(int mu0) __attribute__((always_inline)) {
        vec value[N][S], slope[N][S];
        sum_series<N, S, chebyshev>(m, x, c, mu0, value, slope);
        for (int q = 0; q < N; ++q)
            for (int s = 0; s < S; ++s) {
                f[s * m.n_mu + mu0 + q] = first[s] * value[q][s];
                df[s * m.n_mu + mu0 + q] =
                    dfirst[s] * value[q][s] + inside[s] * first[s] * slope[q][s];
            }
    };
    constexpr int most = lanes == 8 ? 4 : 2;
    int mu = 0;
    for (; mu + most <= m.n_mu; mu += most) some.template operator()<most>(mu);
    if (m.n_mu - mu == 3) some.template operator()<3>(mu);
    if (m.n_mu - mu == 2) some.template operator()<2>(mu);
    if (m.n_mu - mu == 1) some.template operator()<1>(mu);
}

template <int S, class Coefficients>
MAXVOLT_INLINE void radial_functions(const Model& m, const vec* r, const vec* mask, const Coefficients& c,
                                     vec* f, vec* df) {
    if (m.chebyshev)
        radial_functions<S, true>(m, r, mask, c, f, df);
    else
        radial_functions<S, false>(m, r, mask, c, f, df);
}

struct PairEnergy {
    double value, slope;
};

// Energy that atom i owns of the repulsion with one neighbour at distance r, and its derivative.
inline PairEnergy pair_repulsion(const Model& m, std::int32_t type_i, std::int32_t type_j, double r) {
    PairEnergy out{0.0, 0.0};
    if (m.exponential_repulsion != 0.0 && r < m.min_dist) {
        const double e = 1e4 * __builtin_exp(-10.0 * (r - 1.0));
        out.value += e - 1e4 * __builtin_exp(-10.0 * (m.min_dist - 1.0));
        out.slope += -10.0 * e;
    }
    if (r < m.zbl_outer) {  // Ziegler, Biersack, Littmark 1985; half for each atom of the pair
        constexpr double share[4] = {0.18175, 0.50986, 0.28022, 0.02817};
        constexpr double decay[4] = {3.19980, 0.94229, 0.40290, 0.20162};
        const double zi = m.zbl_charges[type_i], zj = m.zbl_charges[type_j];
        const double a = 0.8854 * m.zbl_bohr / (__builtin_pow(zi, 0.23) + __builtin_pow(zj, 0.23));
        double screening = 0.0, dscreening = 0.0;
        for (int q = 0; q < 4; ++q) {
            const double term = share[q] * __builtin_exp(-decay[q] * r / a);
            screening += term;
            dscreening -= decay[q] / a * term;
        }
        const double bare = m.zbl_coulomb * zi * zj / r;
        double value = bare * screening, slope = bare * (dscreening - screening / r);
        if (r > m.zbl_inner) {  // quintic switch: value, slope and curvature continuous
            const double width = m.zbl_outer - m.zbl_inner, t = (r - m.zbl_inner) / width;
            const double s = 1.0 - t * t * t * (10.0 - 15.0 * t + 6.0 * t * t);
            const double ds = -30.0 * t * t * (1.0 - t) * (1.0 - t) / width;
            slope = slope * s + value * ds;
            value *= s;
        }
        out.value += 0.5 * value;
        out.slope += 0.5 * slope;
    }
    return out;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
