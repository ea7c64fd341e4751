// Gradients of site energies and of energies with respect to the parameters, equations (17) and (18), alone or in
// one pass with energies and forces: the values of the polynomials that give the forces are what the
// radial coefficients need.
#pragma once
#include "gradients.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// dE/df_mu of every neighbour: slopes[slot][mu].
inline void neighbor_slopes(const Model& m, const Workspace& w, vec* slopes) {
    constexpr int S = 2;
    const Block& b = w.block;
    for (int n = 0; n < b.n_slots; n += S) {
        vec x[S], y[S], z[S];
        for (int s = 0; s < S; ++s) {
            x[s] = b.x[n + s];
            y[s] = b.y[n + s];
            z[s] = b.z[n + s];
        }
        for (int mu = 0; mu < m.n_mu; ++mu)
            with_degree(m.degrees[mu], [&]<int D>() __attribute__((always_inline)) {
                const auto p = polynomial<S>(D < 0 ? m.degrees[mu] : D, w.adjoint + m.moment_offsets[mu], x, y, z);
                for (int s = 0; s < S; ++s) slopes[std::int64_t(n + s) * m.n_mu + mu] = p.value[s];
            });
    }
}

// The same together with the forces.
inline void forces_and_slopes(const Model& m, const Workspace& w, double* rows, vec* slopes) {
    const Block& b = w.block;
    vec own[3] = {zero(), zero(), zero()};
    for (int n = 0; n < b.n_slots; n += 2) {
        SlotGradient<vec> g[2];
        slot_gradients<2, vec, true>(m, slots(b), w.adjoint, n, g, slopes);
        for (int q = 0; q < 2; ++q) add_forces(b, n + q, g[q], own, rows);
    }
    add_to_rows(rows, b.own, own[0], own[1], own[2]);
}

// One where the neighbour is of a species; returns false where none of the slot is.
MAXVOLT_INLINE bool of_species(const Model& m, const Block& b, int n, std::int32_t type, vec& is) {
    is = broadcast(1.0);
    if (b.kind[n] >= 0) return b.kind[n] % m.n_species == type;
    std::int32_t found = 0;
    for (int l = 0; l < lanes; ++l) {
        const bool same = b.pair[n * lanes + l] % m.n_species == type;
        is[l] = same ? 1.0 : 0.0;
        found |= same;
    }
    return found;
}

// sums[mu][k] = sum over neighbours, of one species if there are several, of slopes * phi, for N functions and K
// members of the radial basis: a small matrix product that stays in registers.
template <bool several_species, int N, int K>
MAXVOLT_INLINE void radial_tile(const Model& m, const Block& b, const vec* slopes, std::int32_t type, int mu0, int k0,
                                vec* sums) {
    vec sum[N][K];
    for (auto& part : sum)
        for (auto& s : part) s = zero();
    for (int n = 0; n < b.n_slots; ++n) {
        vec is;
        if constexpr (several_species)
            if (!of_species(m, b, n, type, is)) continue;
        const vec *phi = b.phi + std::int64_t(n) * m.radial_size + k0, *h = slopes + std::int64_t(n) * m.n_mu + mu0;
        const vec counts = several_species ? is * b.mask[n] : b.mask[n];
        for (int q = 0; q < N; ++q) {
            const vec slope = counts * h[q];
            for (int k = 0; k < K; ++k) sum[q][k] += slope * phi[k];
        }
    }
    for (int q = 0; q < N; ++q)
        for (int k = 0; k < K; ++k) sums[(mu0 + q) * m.radial_size + k0 + k] = sum[q][k];
}

template <bool several_species>
inline void radial_sums_of_species(const Model& m, const Block& b, const vec* slopes, std::int32_t type, vec* sums) {
    auto functions = [&]<int N>(int mu0) __attribute__((always_inline)) {
        int k = 0;
        for (; k + 4 <= m.radial_size; k += 4)
            radial_tile<several_species, N, 4>(m, b, slopes, type, mu0, k, sums);
        for (; k < m.radial_size; ++k) radial_tile<several_species, N, 1>(m, b, slopes, type, mu0, k, sums);
    };
    constexpr int most = lanes == 8 ? 4 : 2;
    int mu = 0;
    for (; mu + most <= m.n_mu; mu += most) functions.template operator()<most>(mu);
    if (m.n_mu - mu == 3) functions.template operator()<3>(mu);
    if (m.n_mu - mu == 2) functions.template operator()<2>(mu);
    if (m.n_mu - mu == 1) functions.template operator()<1>(mu);
}

// sums[type_j][mu][k], equation (18) for the atoms of the block.
inline void block_radial_sums(const Model& m, const Block& b, const vec* slopes, vec* sums) {
    if (m.n_species == 1) return radial_sums_of_species<false>(m, b, slopes, 0, sums);
    for (std::int32_t type = 0; type < m.n_species; ++type, sums += m.n_mu * m.radial_size)
        radial_sums_of_species<true>(m, b, slopes, type, sums);
}

// What the scalars of the block are made of: with a plan the invariants, else the scalars themselves.
MAXVOLT_INLINE std::int64_t n_compressed(const Model& m) { return m.plan ? m.plan->n_invariants : m.n_scalars; }

inline void load_compressed(const Model& m, const GradientWorkspace& g) {
    for (std::int64_t e = 0; e < n_compressed(m); ++e)
        g.invariants[e] = m.plan ? invariant(*m.plan, int(e), g.base.harmonic.u) : g.base.moments[m.scalars[e]];
}

MAXVOLT_INLINE vec scalar_value(const Model& m, const vec* compressed, int k) {
    if (!m.plan) return compressed[k];
    const Plan& p = *m.plan;
    vec value = zero();
    for (int i = p.expansion_first[k]; i < p.expansion_first[k + 1]; ++i)
        value += p.expansion_values[i] * compressed[p.expansion_columns[i]];
    return value;
}

// Rows of the atoms of a block.
inline void store_rows(const Model& m, const System& s, const GradientWorkspace& g, double* const* rows) {
    const Block& b = g.base.block;
    const std::int64_t row = radial_row(m), species_at = row * m.n_species;
    for (int l = 0; l < lanes; ++l) {
        if (b.atom[l] < 0) continue;
        const std::int32_t type = s.types[b.atom[l]];
        for (std::int64_t q = 0; q < species_at + m.n_species; ++q) rows[l][q] = 0.0;
        for (std::int64_t q = 0; q < row; ++q) rows[l][type * row + q] = g.radial_sums[q][l];
        rows[l][species_at + type] = 1.0;
    }
    for (int k0 = 0; k0 < m.n_scalars; k0 += lanes) {
        const int n = m.n_scalars - k0 < lanes ? m.n_scalars - k0 : lanes;
        vec values[lanes];
        for (int k = 0; k < lanes; ++k) values[k] = k < n ? scalar_value(m, g.invariants, k0 + k) : zero();
        transpose(values);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            double* out = rows[l] + species_at + m.n_species + k0;
            if (n == lanes)
                store(out, values[l]);
            else
                for (int k = 0; k < n; ++k) out[k] = values[l][k];
        }
    }
}

// Adds the rows of the atoms of a block to those of their structures, whose scalars are still compressed.
inline void add_sums(const Model& m, const System& s, const GradientWorkspace& g, const StructureRows& out) {
    const Block& b = g.base.block;
    const std::int64_t row = radial_row(m), species_at = row * m.n_species, n = n_compressed(m);
    std::uint32_t left = 0;
    for (int l = 0; l < lanes; ++l) left |= std::uint32_t(b.atom[l] >= 0) << l;
    while (left) {  // once for each structure and species among the atoms
        const std::int64_t atom = b.atom[__builtin_ctz(left)];
        const std::int32_t type = s.types[atom], structure = s.structures[atom];
        vec is = zero();
        for (int l = 0; l < lanes; ++l)
            if (b.atom[l] >= 0 && s.types[b.atom[l]] == type && s.structures[b.atom[l]] == structure) {
                is[l] = 1.0;
                left &= ~(1u << l);
            }
        double* to = out.rows + (structure - out.first_structure) * out.stride;
        for (std::int64_t q = 0; q < row; ++q) to[type * row + q] += lane_sum(is * g.radial_sums[q]);
        to[species_at + type] += lane_sum(is);
        to += species_at + m.n_species;
        for (std::int64_t e = 0; e < n; ++e) to[e] += lane_sum(is * g.invariants[e]);
    }
}

inline std::int64_t gradient_rows(const Model& m, const System& s, std::int64_t begin, std::int64_t end, void* memory,
                                  const EvaluationOutput* evaluation, const RowOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    GradientWorkspace g = make_gradient_workspace(m, s, arena);
    Workspace& w = g.base;
    const Block& b = w.block;
    if (evaluation && begin == 0) clear_rows(s, evaluation->rows);
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block<Load::rows>(m, s, i, end, w.block);
        if (bad >= 0) return bad;
        basic_moments(m, slots(b), w.tile, w.moments);
        const vec energy = moments_energy(m, w);
        if (evaluation) {
            store_energies(b, constant_energy(m, s, b) + energy, evaluation->site_energies);
            forces_and_slopes(m, w, evaluation->rows, g.neighbor_slopes);
        } else {
            neighbor_slopes(m, w, g.neighbor_slopes);
        }
        block_radial_sums(m, b, g.neighbor_slopes, g.radial_sums);
        load_compressed(m, g);
        if (out.of_atoms)
            store_rows(m, s, g, out.of_atoms + i);
        else
            add_sums(m, s, g, out.of_structures);
    }
    if (evaluation && end == s.n_own) add_virials(s, *evaluation);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
