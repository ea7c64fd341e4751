// Energies, forces and virials; gradients of energies with respect to the parameters.
#pragma once
#include "block.hpp"
#include "contraction.hpp"
#include "harmonic.hpp"
#include "moments.hpp"
#include "polynomial.hpp"
#include "twin.hpp"
#include "window.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Memory of one block evaluation.
struct Workspace {
    Block block;
    vec *moments, *adjoint;          // [n_moments]; with a plan only independent basic ones
    HarmonicSpace<vec> harmonic;     // with a plan
    vec* tile;                       // monomials of a group of slots
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
    return w;
}

// What the sums over neighbours take of a block: unit vectors and radial functions, [slot] and [slot][mu].
template <class V>
struct Slots {
    int n_slots;
    const V *x, *y, *z, *f, *df;
};

MAXVOLT_INLINE Slots<vec> slots(const Block& b) { return {b.n_slots, b.x, b.y, b.z, b.f, b.df}; }

// Sums over the neighbours, equation (3).
template <class V>
inline void basic_moments(const Model& m, const Slots<V>& b, V* powers, V* moments) {
    constexpr int S = slot_group;
    for (int i = 0; i < m.n_independent; ++i) moments[i] = Numbers<V>::constant(0);
    for (int n = 0; n < b.n_slots; n += S) {
        V x[S], y[S], z[S];
        for (int s = 0; s < S; ++s) {
            x[s] = b.x[n + s];
            y[s] = b.y[n + s];
            z[s] = b.z[n + s];
        }
        for (int mu = 0; mu < m.n_mu; ++mu) {
            V f[S];
            for (int s = 0; s < S; ++s) f[s] = b.f[std::int64_t(n + s) * m.n_mu + mu];
            with_degree(m.degrees[mu], [&]<int D>() __attribute__((always_inline)) {
                if constexpr (D < 0) {
                    accumulate<S>(m.degrees[mu], f, x, y, z, reinterpret_cast<V(*)[S]>(powers),
                                  moments + m.moment_offsets[mu]);
                } else {
                    V kept[D + 1][S];
                    accumulate<S>(D, f, x, y, z, kept, moments + m.moment_offsets[mu]);
                }
            });
        }
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

// dE/d(unit vector) and dE/dr at fixed unit vector.
template <class V>
struct SlotGradient {
    V x, y, z, radial;
};

// Gradients in S slots from the adjoints of the basic moments, equation (16). The moments of one mu make a
// polynomial in the unit vector; its values, dE/df_mu, are kept in slopes[slot][mu] where asked for.
template <int S, class V, bool keep_slopes = false>
MAXVOLT_INLINE void slot_gradients(const Model& m, const Slots<V>& b, const V* adjoint, int n,
                                   SlotGradient<V> (&g)[S], V* slopes = nullptr) {
    V x[S], y[S], z[S];
    for (int s = 0; s < S; ++s) {
        x[s] = b.x[n + s];
        y[s] = b.y[n + s];
        z[s] = b.z[n + s];
        g[s].x = g[s].y = g[s].z = g[s].radial = Numbers<V>::constant(0);
    }
    for (int mu = 0; mu < m.n_mu; ++mu) {
        const V *f = b.f + std::int64_t(n) * m.n_mu + mu, *df = b.df + std::int64_t(n) * m.n_mu + mu;
        with_degree(m.degrees[mu], [&]<int D>() __attribute__((always_inline)) {
            const auto p = polynomial<S>(D < 0 ? m.degrees[mu] : D, adjoint + m.moment_offsets[mu], x, y, z);
            for (int s = 0; s < S; ++s) {
                g[s].x += f[s * m.n_mu] * p.x[s];
                g[s].y += f[s * m.n_mu] * p.y[s];
                g[s].z += f[s * m.n_mu] * p.z[s];
                g[s].radial += df[s * m.n_mu] * p.value[s];
                if constexpr (keep_slopes) slopes[std::int64_t(n + s) * m.n_mu + mu] = p.value[s];
            }
        });
    }
}

// dE/dr of one slot.
MAXVOLT_INLINE void pair_gradient(const Block& b, int n, const SlotGradient<vec>& given, vec (&g)[3]) {
    const vec x = b.x[n], y = b.y[n], z = b.z[n], inverse_r = b.inverse_r[n];
    const vec along =
        given.radial + b.repulsion_slope[n] - (given.x * x + given.y * y + given.z * z) * inverse_r;
    g[0] = given.x * inverse_r + along * x;
    g[1] = given.y * inverse_r + along * y;
    g[2] = given.z * inverse_r + along * z;
}

// The same, added to `own`, taken from the neighbours' rows.
MAXVOLT_INLINE void add_forces(const Block& b, int n, const SlotGradient<vec>& given, vec (&own)[3], double* rows) {
    vec g[3];
    pair_gradient(b, n, given, g);
    for (int a = 0; a < 3; ++a) own[a] += g[a];
    add_to_rows(rows, b.row + n * lanes, -g[0], -g[1], -g[2]);
}

// What a neighbour has of the virial, equation (13a): r (x) dE/dr.
MAXVOLT_INLINE void add_moments(const Block& b, int n, const SlotGradient<vec>& given, const EvaluationOutput& out) {
    vec g[3];
    pair_gradient(b, n, given, g);
    const vec r[3] = {b.x[n] * b.r[n], b.y[n] * b.r[n], b.z[n] * b.r[n]};
    for (int a = 0; a < 3; ++a)
        add_to_rows(out.moments[a], b.row + n * lanes, r[a] * g[0], r[a] * g[1], r[a] * g[2]);
}

MAXVOLT_INLINE void store_energies(const Block& b, vec energy, double* site_energies) {
    for (int l = 0; l < lanes; ++l)
        if (b.atom[l] >= 0) site_energies[b.atom[l]] = energy[l];
}

// dE/d(strain) of each structure, equation (13): as forces on the rows of one pair cancel, the sum over
// pairs of g (x) r is minus the sum over rows of their force (x) position.
inline void add_virials(const System& s, const EvaluationOutput& out) {
    const row *x = reinterpret_cast<const row*>(s.rows), *f = reinterpret_cast<const row*>(out.rows);
    for (std::int64_t i = 0; i < s.n_rows;) {
        const std::int32_t structure = s.structures[s.atoms[i]];
        row sums[2][3] = {};  // of even and odd rows: f times the components of x
        for (; i < s.n_rows && s.structures[s.atoms[i]] == structure; ++i)
            for (int c = 0; c < 3; ++c) sums[i % 2][c] += f[i] * x[i][c];
        for (int c = 0; c < 3; ++c) sums[0][c] += sums[1][c];
        double* virial = out.virials + 6 * std::int64_t(structure - out.first_structure);
        for (int c = 0; c < 3; ++c) virial[c] -= sums[0][c][c];
        virial[3] -= sums[0][2][1];
        virial[4] -= sums[0][2][0];
        virial[5] -= sums[0][1][0];
    }
}

MAXVOLT_INLINE void clear_rows(const System& s, double* rows) {
    for (std::int64_t i = 0; i < 4 * (s.n_rows + 1); ++i) rows[i] = 0.0;
}

// Memory of two blocks that are evaluated side by side.
struct TwinWorkspace {
    Workspace blocks[2];
    HarmonicSpace<Twin> harmonic;  // with a plan
};

MAXVOLT_INLINE TwinWorkspace make_twin_workspace(const Model& m, const System& s, Arena& arena) {
    TwinWorkspace w{};
    for (Workspace& block : w.blocks) block = make_workspace(m, s, arena);
    if (m.plan) w.harmonic = make_harmonic_space<Twin>(*m.plan, arena);
    return w;
}

// As moments_energy, for both blocks.
inline Twin moments_energy(const Model& m, TwinWorkspace& w) {
    const Workspace &a = w.blocks[0], &b = w.blocks[1];
    return harmonic_energy<Twin>(*m.plan, m.n_independent, w.harmonic, a.moments, b.moments, a.adjoint, b.adjoint);
}

// Forces of a block whose adjoints are known, and the shares in the virial where there is an output for them.
inline void add_block_forces(const Model& m, const Workspace& w, const EvaluationOutput& out) {
    const Block& b = w.block;
    vec own[3] = {zero(), zero(), zero()};
    for (int n = 0; n < b.n_slots; n += 2) {
        SlotGradient<vec> g[2];
        slot_gradients<2>(m, slots(b), w.adjoint, n, g);
        for (int q = 0; q < 2; ++q) {
            add_forces(b, n + q, g[q], own, out.rows);
            if (out.moments[0] != nullptr) add_moments(b, n + q, g[q], out);
        }
    }
    add_to_rows(out.rows, b.own, own[0], own[1], own[2]);
}

// With the share of each row in the virial where there is an output for it.
inline std::int64_t evaluate(const Model& m, const System& s, std::int64_t begin, std::int64_t end,
                             void* memory, const EvaluationOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    TwinWorkspace w = make_twin_workspace(m, s, arena);
    clear_rows(s, out.rows);
    if (out.moments[0] != nullptr)
        for (double* moments : out.moments) clear_rows(s, moments);
    while (begin < end) {
        const int n_blocks = m.plan && begin + lanes < end ? 2 : 1;
        for (int q = 0; q < n_blocks; ++q) {
            Workspace& one = w.blocks[q];
            const std::int64_t bad = load_block<Load::forces>(m, s, begin + q * lanes, end, one.block);
            if (bad >= 0) return bad;
            basic_moments(m, slots(one.block), one.tile, one.moments);
        }
        Twin energy{};
        if (n_blocks == 2)
            energy = moments_energy(m, w);
        else
            energy.first = moments_energy(m, w.blocks[0]);
        for (int q = 0; q < n_blocks; ++q) {
            const Block& b = w.blocks[q].block;
            store_energies(b, constant_energy(m, s, b) + (q ? energy.second : energy.first), out.site_energies);
            add_block_forces(m, w.blocks[q], out);
        }
        begin += n_blocks * lanes;
    }
    add_virials(s, out);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
