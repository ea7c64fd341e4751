// Gradient with respect to the parameters of a directional derivative of the energy, from which the gradient of
// the loss follows (docs/formulation, equations (25), (26)).
#pragma once
#include "evaluate.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// slopes[s * n_mu + mu] += sum over monomials of adjoint * value.
template <int S>
MAXVOLT_INLINE void moment_slopes(const Model& m, const vec* value, const vec* adjoint, vec* slopes) {
    for_mu_segments(m, [&]<int N>(int mu0, int begin, int end) __attribute__((always_inline)) {
        vec sum[N][S];
        const vec* source[N];
        for (int q = 0; q < N; ++q) {
            source[q] = adjoint + m.moment_offsets[mu0 + q];
            for (int s = 0; s < S; ++s) sum[q][s] = zero();
        }
        for (int i = begin; i < end; ++i)
            for (int q = 0; q < N; ++q)
                for (int s = 0; s < S; ++s) sum[q][s] += source[q][i] * value[std::int64_t(i) * S + s];
        for (int q = 0; q < N; ++q)
            for (int s = 0; s < S; ++s) slopes[s * m.n_mu + mu0 + q] += sum[q][s];
    });
}

// sums[type_j][mu][k] += phi_k * h[mu] + dphi_k * h_radial[mu] for one slot.
MAXVOLT_INLINE void radial_sums(const Model& m, const Block& b, int n, const vec* h, const vec* h_radial,
                                vec* sums) {
    const vec* phi = b.phi + std::int64_t(n) * m.radial_size;
    const vec* dphi = b.dphi + std::int64_t(n) * m.radial_size;
    std::uint32_t left = (1u << lanes) - 1;
    while (left) {  // once for each species of neighbour in the slot
        const std::int32_t type = b.pair[n * lanes + __builtin_ctz(left)] % m.n_species;
        vec weight = zero();
        for (int l = 0; l < lanes; ++l)
            if (b.pair[n * lanes + l] % m.n_species == type) {
                weight[l] = b.mask[n][l];
                left &= ~(1u << l);
            }
        vec* out = sums + std::int64_t(type) * m.n_mu * m.radial_size;
        for (int mu = 0; mu < m.n_mu; ++mu, out += m.radial_size) {
            const vec a = weight * h[mu], c = weight * h_radial[mu];
            for (int k = 0; k < m.radial_size; ++k) out[k] += phi[k] * a + dphi[k] * c;
        }
    }
}

struct GradientWorkspace {
    Workspace base;
    vec *tangent, *adjoint_tangent;  // as moments
    HarmonicSpace<Dual> harmonic;    // with a plan
    vec* invariants;                 // [n_invariants], without a plan [n_scalars]
    vec* tile_tangent;
    vec *dx, *dy, *dz, *dr;  // direction of the unit vectors and distances, [slot]
    vec* radial_sums;        // [type_j][mu][k]
    vec *weights, *slopes;   // [slot_group][mu]
    vec* neighbor_slopes;    // [slot][mu]
};

MAXVOLT_INLINE GradientWorkspace make_gradient_workspace(const Model& m, const System& s, Arena& arena) {
    GradientWorkspace w{};
    w.base = make_workspace(m, s, arena);
    w.tangent = arena.take<vec>(stored_moments(m));
    w.adjoint_tangent = arena.take<vec>(stored_moments(m));
    if (m.plan) w.harmonic = make_harmonic_space<Dual>(*m.plan, arena);
    w.invariants = arena.take<vec>(m.plan ? m.plan->n_invariants : m.n_scalars);
    w.tile_tangent = arena.take<vec>(std::int64_t(m.monomial_counts[0]) * slot_group);
    vec** const directions[] = {&w.dx, &w.dy, &w.dz, &w.dr};
    for (vec** p : directions) *p = arena.take<vec>(rounded_slots(s));
    w.radial_sums = arena.take<vec>(std::int64_t(m.n_species) * m.n_mu * m.radial_size);
    w.weights = arena.take<vec>(std::int64_t(slot_group) * m.n_mu);
    w.slopes = arena.take<vec>(std::int64_t(slot_group) * m.n_mu * 2);
    w.neighbor_slopes = arena.take<vec>(rounded_slots(s) * m.n_mu);
    return w;
}

MAXVOLT_INLINE std::int64_t radial_row(const Model& m) {
    return std::int64_t(m.n_species) * m.n_mu * m.radial_size;
}

// Directions of the unit vectors and distances of a block, from displacements and strains.
inline void load_direction(const System& s, const Direction& d, GradientWorkspace& g) {
    const Block& b = g.base.block;
    for (int n = 0; n < b.n_slots; ++n) {
        vec v[3] = {zero(), zero(), zero()};
        for (int l = 0; l < lanes; ++l) {
            if (n >= b.count[l]) continue;
            const double* own = d.displacements + 3 * b.atom[l];
            const double* other = d.displacements + 3 * std::int64_t(b.neighbor[n * lanes + l]);
            const double* e = d.strains + 9 * std::int64_t(s.structures[b.atom[l]]);
            const double r = b.r[n][l];
            const double u[3] = {b.x[n][l] * r, b.y[n][l] * r, b.z[n][l] * r};
            for (int a = 0; a < 3; ++a)
                v[a][l] = other[a] - own[a] + e[3 * a] * u[0] + e[3 * a + 1] * u[1] + e[3 * a + 2] * u[2];
        }
        g.dr[n] = v[0] * b.x[n] + v[1] * b.y[n] + v[2] * b.z[n];
        g.dx[n] = (v[0] - g.dr[n] * b.x[n]) * b.inverse_r[n];
        g.dy[n] = (v[1] - g.dr[n] * b.y[n]) * b.inverse_r[n];
        g.dz[n] = (v[2] - g.dr[n] * b.z[n]) * b.inverse_r[n];
    }
}

MAXVOLT_INLINE void group_tiles(const Model& m, GradientWorkspace& g, int n) {
    const Block& b = g.base.block;
    monomials<slot_group>(m.max_degree, b.x + n, b.y + n, b.z + n, g.base.tile);
    monomials_tangent<slot_group>(m.max_degree, b.x + n, b.y + n, b.z + n, g.dx + n, g.dy + n, g.dz + n,
                                  g.base.tile, g.tile_tangent);
}

inline void moments_and_tangents(const Model& m, GradientWorkspace& g) {
    Workspace& w = g.base;
    const Block& b = w.block;
    for (int i = 0; i < m.n_independent; ++i) w.moments[i] = g.tangent[i] = zero();
    for (int n = 0; n < b.n_slots; n += slot_group) {
        group_tiles(m, g, n);
        const vec* f = b.f + std::int64_t(n) * m.n_mu;
        for (int q = 0; q < slot_group; ++q)
            for (int mu = 0; mu < m.n_mu; ++mu)
                g.weights[q * m.n_mu + mu] = g.dr[n + q] * b.df[std::int64_t(n + q) * m.n_mu + mu];
        accumulate_moments<slot_group>(m, f, w.tile, w.moments);
        accumulate_moments<slot_group>(m, f, g.tile_tangent, g.tangent);
        accumulate_moments<slot_group>(m, g.weights, w.tile, g.tangent);
    }
}

inline double lane_sum(vec v) {
    double total = 0.0;
    for (int l = 0; l < lanes; ++l) total += v[l];
    return total;
}

// adjoint and adjoint_tangent: derivatives by the basic moments of E and of weight E + dE; the derivatives
// of the latter by the coefficients of the scalars are added to `gradient`.
inline void table_gradient(const Model& m, GradientWorkspace& g, vec weight, double* gradient) {
    Workspace& w = g.base;
    contract(m, w.moments);
    contract_tangent(m, w.moments, g.tangent);
    energy_adjoint(m, w.moments, w.adjoint);
    for (int q = 0; q < m.n_moments; ++q) g.adjoint_tangent[q] = zero();
    for (int k = 0; k < m.n_scalars; ++k) g.adjoint_tangent[m.scalars[k]] += weight * m.moment_coeffs[k];
    contract_reverse_tangent(m, w.moments, w.adjoint, g.tangent, g.adjoint_tangent);
    for (int k = 0; k < m.n_scalars; ++k)
        gradient[k] += lane_sum(g.tangent[m.scalars[k]] + weight * w.moments[m.scalars[k]]);
}

// The same by the plan; derivatives by the coefficients of the invariants are summed in g.invariants.
inline void plan_gradient(const Model& m, GradientWorkspace& g, vec weight) {
    Workspace& w = g.base;
    harmonic_energy<Dual>(*m.plan, m.n_independent, g.harmonic, w.moments, g.tangent, w.adjoint,
                          g.adjoint_tangent);
    for (int q = 0; q < m.n_independent; ++q) g.adjoint_tangent[q] += weight * w.adjoint[q];
    for (int e = 0; e < m.plan->n_invariants; ++e) {
        const Dual value = invariant(*m.plan, e, g.harmonic.u);
        g.invariants[e] += value.tangent + weight * value.value;
    }
}

// From the sums over all blocks to the coefficients of the scalars.
inline void expand_gradient(const Plan& p, int n_scalars, vec* invariants, double* gradient) {
    for (int e = 0; e < p.n_invariants; ++e) invariants[e][0] = lane_sum(invariants[e]);
    for (int k = 0; k < n_scalars; ++k)
        for (int i = p.expansion_first[k]; i < p.expansion_first[k + 1]; ++i)
            gradient[k] += p.expansion_values[i] * invariants[p.expansion_columns[i]][0];
}

inline void radial_gradient(const Model& m, GradientWorkspace& g) {
    Workspace& w = g.base;
    const Block& b = w.block;
    vec* h = g.slopes;
    vec* h_tangent = g.slopes + std::int64_t(slot_group) * m.n_mu;
    for (std::int64_t q = 0; q < radial_row(m); ++q) g.radial_sums[q] = zero();
    for (int n = 0; n < b.n_slots; n += slot_group) {
        for (int q = 0; q < 2 * slot_group * m.n_mu; ++q) h[q] = zero();
        group_tiles(m, g, n);
        moment_slopes<slot_group>(m, w.tile, w.adjoint, h);
        moment_slopes<slot_group>(m, w.tile, g.adjoint_tangent, h_tangent);
        moment_slopes<slot_group>(m, g.tile_tangent, w.adjoint, h_tangent);
        for (int q = 0; q < slot_group; ++q) {
            for (int mu = 0; mu < m.n_mu; ++mu) h[q * m.n_mu + mu] *= g.dr[n + q];
            radial_sums(m, b, n + q, h_tangent + q * m.n_mu, h + q * m.n_mu, g.radial_sums);
        }
    }
}

inline std::int64_t directional_gradient(const Model& m, const System& s, const Direction& d,
                                         std::int64_t begin, std::int64_t end, void* memory,
                                         double* gradient) {
    Arena arena{static_cast<char*>(memory)};
    GradientWorkspace g = make_gradient_workspace(m, s, arena);
    const Block& b = g.base.block;
    const std::int64_t row = radial_row(m), species_at = row * m.n_species;
    double* const scalars = gradient + species_at + m.n_species;
    for (int e = 0; m.plan && e < m.plan->n_invariants; ++e) g.invariants[e] = zero();
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block(m, s, i, end, g.base.block);
        if (bad >= 0) return bad;
        load_direction(s, d, g);
        moments_and_tangents(m, g);
        vec weight = zero();
        for (int l = 0; l < lanes; ++l)
            if (b.atom[l] >= 0) weight[l] = d.energy_weights[s.structures[b.atom[l]]];
        if (m.plan)
            plan_gradient(m, g, weight);
        else
            table_gradient(m, g, weight, scalars);
        radial_gradient(m, g);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            const std::int32_t type = s.types[b.atom[l]];
            gradient[species_at + type] += weight[l];
            for (std::int64_t q = 0; q < row; ++q) gradient[type * row + q] += g.radial_sums[q][l];
        }
    }
    if (m.plan) expand_gradient(*m.plan, m.n_scalars, g.invariants, scalars);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
