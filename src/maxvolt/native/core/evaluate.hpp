// Energies, forces and virials; gradients of energies with respect to the parameters.
#pragma once
#include "block.hpp"
#include "contraction.hpp"
#include "harmonic.hpp"
#include "moments.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Memory of one block evaluation.
struct Workspace {
    Block block;
    vec *moments, *adjoint;          // [n_moments]; with a plan only independent basic ones
    HarmonicSpace<vec> harmonic;     // with a plan
    vec *tile, *tile_adjoint;        // monomials of a group of slots and their adjoints
    vec* slopes;                     // dE/df, [slot][mu]
};

// Moments that are kept: all of the table, or those that a plan begins with.
MAXVOLT_INLINE int stored_moments(const Model& m) { return m.plan ? m.n_independent : m.n_moments; }

MAXVOLT_INLINE Workspace make_workspace(const Model& m, const System& s, Arena& arena) {
    Workspace w{};
    w.block = make_block(m, s, arena);
    w.moments = arena.take<vec>(stored_moments(m));
    w.adjoint = arena.take<vec>(stored_moments(m));
    if (m.plan) w.harmonic = make_harmonic_space<vec>(*m.plan, arena);
    w.tile = arena.take<vec>(std::int64_t(m.monomial_counts[0]) * slot_group);
    w.tile_adjoint = arena.take<vec>(std::int64_t(m.monomial_counts[0]) * slot_group);
    w.slopes = arena.take<vec>(rounded_slots(s) * m.n_mu);
    return w;
}

inline void basic_moments(const Model& m, const Block& b, vec* tile, vec* moments) {
    for (int i = 0; i < m.n_independent; ++i) moments[i] = zero();
    for (int n = 0; n < b.n_slots; n += slot_group) {
        monomials<slot_group>(m.max_degree, b.x + n, b.y + n, b.z + n, tile);
        accumulate_moments<slot_group>(m, b.f + std::int64_t(n) * m.n_mu, tile, moments);
    }
}

// adjoint = dE/d(moment) for the energy of every atom of the block.
inline void energy_adjoint(const Model& m, const vec* moments, vec* adjoint) {
    for (int i = 0; i < m.n_moments; ++i) adjoint[i] = zero();
    for (int k = 0; k < m.n_scalars; ++k) adjoint[m.scalars[k]] += m.moment_coeffs[k];
    contract_reverse(m, moments, adjoint);
}

inline vec table_energy(const Model& m, const vec* moments) {
    vec energy = zero();
    for (int k = 0; k < m.n_scalars; ++k) energy += m.moment_coeffs[k] * moments[m.scalars[k]];
    return energy;
}

// What does not depend on the moments: constants of the species, pair repulsion.
MAXVOLT_INLINE vec constant_energy(const Model& m, const System& s, const Block& b) {
    vec energy = b.repulsion;
    for (int l = 0; l < lanes; ++l)
        if (b.atom[l] >= 0) energy[l] += m.species_coeffs[s.types[b.atom[l]]];
    return energy;
}

// Energy of the scalars of every atom, and its derivatives by the independent basic moments.
inline vec moments_energy(const Model& m, Workspace& w) {
    if (m.plan)
        return harmonic_energy<vec>(*m.plan, m.n_independent, w.harmonic, w.moments, nullptr, w.adjoint, nullptr);
    contract(m, w.moments);
    const vec energy = table_energy(m, w.moments);
    energy_adjoint(m, w.moments, w.adjoint);
    return energy;
}

struct BlockForces {
    vec own[3];
    vec virial[6];
};

// dE/dr of slots n, n+1 from the adjoints of the basic moments; the neighbours' shares are scattered.
MAXVOLT_INLINE void pair_forces(const Model& m, Workspace& w, int n, BlockForces& sums,
                                double* forces) {
    constexpr int S = 2;
    const Block& b = w.block;
    const vec* f = b.f + std::int64_t(n) * m.n_mu;
    const vec* df = b.df + std::int64_t(n) * m.n_mu;
    vec* slopes = w.slopes + std::int64_t(n) * m.n_mu;
    for (int q = 0; q < S * m.n_mu; ++q) slopes[q] = zero();
    monomials<S>(m.max_degree, b.x + n, b.y + n, b.z + n, w.tile);
    pull_back_moments<S>(m, f, w.tile, w.adjoint, w.tile_adjoint, slopes);
    vec gx[S], gy[S], gz[S];
    monomials_reverse<S>(m.max_degree, b.x + n, b.y + n, b.z + n, w.tile, w.tile_adjoint, gx, gy, gz);
    for (int s = 0; s < S; ++s) {
        const vec x = b.x[n + s], y = b.y[n + s], z = b.z[n + s], r = b.r[n + s];
        vec radial = b.repulsion_slope[n + s];
        for (int mu = 0; mu < m.n_mu; ++mu) radial += df[s * m.n_mu + mu] * slopes[s * m.n_mu + mu];
        const vec along = radial - (gx[s] * x + gy[s] * y + gz[s] * z) * b.inverse_r[n + s];
        const vec g[3] = {gx[s] * b.inverse_r[n + s] + along * x, gy[s] * b.inverse_r[n + s] + along * y,
                          gz[s] * b.inverse_r[n + s] + along * z};
        sums.own[0] += g[0];
        sums.own[1] += g[1];
        sums.own[2] += g[2];
        sums.virial[0] += g[0] * x * r;
        sums.virial[1] += g[1] * y * r;
        sums.virial[2] += g[2] * z * r;
        sums.virial[3] += g[1] * z * r;
        sums.virial[4] += g[0] * z * r;
        sums.virial[5] += g[0] * y * r;
        for (int l = 0; l < lanes; ++l) {
            if (n + s >= b.count[l]) continue;
            double* other = forces + 3 * std::int64_t(b.neighbor[(n + s) * lanes + l]);
            other[0] -= g[0][l];
            other[1] -= g[1][l];
            other[2] -= g[2][l];
        }
    }
}

inline std::int64_t evaluate(const Model& m, const System& s, std::int64_t begin, std::int64_t end,
                             void* memory, const EvaluationOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    Workspace w = make_workspace(m, s, arena);
    const Block& b = w.block;
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block(m, s, i, end, w.block);
        if (bad >= 0) return bad;
        basic_moments(m, b, w.tile, w.moments);
        const vec energy = constant_energy(m, s, b) + moments_energy(m, w);
        BlockForces sums{};
        for (int n = 0; n < b.n_slots; n += 2) pair_forces(m, w, n, sums, out.forces);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            out.site_energies[b.atom[l]] = energy[l];
            for (int a = 0; a < 3; ++a) out.forces[3 * b.atom[l] + a] += sums.own[a][l];
            double* virial = out.virials + 6 * std::int64_t(s.structures[b.atom[l]]);
            for (int v = 0; v < 6; ++v) virial[v] += sums.virial[v][l];
        }
    }
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
