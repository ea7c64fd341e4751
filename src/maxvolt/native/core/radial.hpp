// Radial basis phi_k(r), radial functions f_mu(r) and pair repulsion (docs/formulation, equations (5), (6), (27)).
#pragma once
#include "model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// phi[k], dphi[k] = d phi[k]/dr for one slot of a block.
MAXVOLT_INLINE void radial_basis(const Model& m, vec r, vec* phi, vec* dphi) {
    const int n = m.radial_size;
    vec inside = broadcast(1.0);
    if (m.clamp) {
        for (int l = 0; l < lanes; ++l)
            if (!(r[l] > m.min_dist)) {
                r[l] = m.min_dist;
                inside[l] = 0.0;
            }
    }
    if (m.envelope == Envelope::smooth) {
        phi[0] = (r - m.cutoff) * (r - m.cutoff);
        dphi[0] = 2.0 * (r - m.cutoff);
    } else if (m.envelope == Envelope::constant) {
        phi[0] = broadcast(1.0);
        dphi[0] = zero();
    } else {
        const vec root = m.envelope_factor * (m.cutoff - r) / r;
        phi[0] = root * root;
        dphi[0] = -2.0 * m.envelope_factor * m.cutoff * root / (r * r);
    }
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

// f[mu] and df[mu] for one slot; pairs[lane] = type_i * n_species + type_j, mask[lane] = 0 for padding.
MAXVOLT_INLINE void radial_functions(const Model& m, const vec* phi, const vec* dphi,
                                     const std::int32_t* pairs, vec mask, vec* f, vec* df) {
    const int n = m.radial_size, n_mu = m.n_mu;
    for (int mu = 0; mu < n_mu; ++mu) f[mu] = df[mu] = zero();
    std::uint32_t left = (1u << lanes) - 1;
    while (left) {  // once for each kind of pair in the slot
        const std::int32_t pair = pairs[__builtin_ctz(left)];
        vec weight = zero();
        for (int l = 0; l < lanes; ++l)
            if (pairs[l] == pair) {
                weight[l] = mask[l];
                left &= ~(1u << l);
            }
        const double* c = m.radial_coeffs + std::int64_t(pair) * n_mu * n;
        for (int mu = 0; mu < n_mu; ++mu, c += n) {
            vec value = zero(), slope = zero();
            for (int k = 0; k < n; ++k) {
                value += c[k] * phi[k];
                slope += c[k] * dphi[k];
            }
            f[mu] += weight * value;
            df[mu] += weight * slope;
        }
    }
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
