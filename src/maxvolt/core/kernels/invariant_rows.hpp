// Rows of the invariants of an evaluation plan (docs/formulation, equations (240) to (242)): derivatives of energies,
// forces and virials by the coefficients of the invariants, for linear fits. The scalars are sums of them.
//
// As in jacobian.hpp: what multiplies the derivative of a harmonic moment, the coupling of an invariant to it, is
// found for a block of atoms at once, one atom a lane; the sums over harmonic moments run atom by atom, one
// neighbour a lane. An invariant has at most four harmonic moments, a scalar of the table all those below them.
#pragma once
#include "jacobian.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

struct InvariantWorkspace {
    Workspace base;
    AtomWorkspace atom;
    double* lanes_of_atoms;  // [lane][quantity][stride * lanes]: what AtomWorkspace takes of every atom of a block
    vec* adjoint;            // [n_components] d(invariant)/d(component)
    vec* collected;          // [entry of the graph] d(invariant)/d(harmonic moment)
    double* couplings;       // [lane][entry of the graph] the same by atom
    vec* values;             // [n_invariants]
    vec* angular;            // [angular part][4] value and gradient
    vec* radial;             // [mu][4] f and df * u
    std::int64_t* targets;   // [neighbour] where its rows begin
    vec* vectors;            // [3][stride] to the neighbours
    std::int64_t coupling_stride;
};

MAXVOLT_INLINE std::int64_t whole_vectors(std::int64_t n) { return (n + lanes - 1) / lanes * lanes; }

MAXVOLT_INLINE InvariantWorkspace make_invariant_workspace(const Model& m, const InvariantGraph& graph,
                                                           const System& s, Arena& arena) {
    InvariantWorkspace w{};
    w.base = make_workspace(m, s, arena);
    AtomWorkspace& a = w.atom;
    a.stride = rounded_slots(s) / lanes;
    const std::int64_t count = m.monomial_counts[0];
    a.derivatives = arena.take<vec>(a.stride * graph.n_harmonics * 3);
    a.tile = arena.take<vec>(count);
    a.tile_gradients = arena.take<vec>(3 * count);
    a.columns = arena.take<double>(std::int64_t(lanes) * 3 * a.stride * lanes);
    w.lanes_of_atoms = arena.take<double>(std::int64_t(lanes) * (4 + 2 * m.n_mu) * a.stride * lanes);
    w.coupling_stride = whole_vectors(graph.factor_first[m.plan->n_invariants]);
    w.adjoint = arena.take<vec>(m.plan->n_components);
    w.collected = arena.take<vec>(w.coupling_stride);
    w.couplings = arena.take<double>(lanes * w.coupling_stride);
    w.values = arena.take<vec>(whole_vectors(m.plan->n_invariants));
    w.angular = arena.take<vec>(std::int64_t(graph.n_angular) * 4);
    w.radial = arena.take<vec>(std::int64_t(m.n_mu) * 4);
    w.targets = arena.take<std::int64_t>(a.stride * lanes);
    w.vectors = arena.take<vec>(3 * a.stride);
    return w;
}

// A quantity of all slots, one atom a lane, to rows of the atoms: transposed by squares.
MAXVOLT_INLINE void to_atoms(const vec* slots, std::int64_t step, int n_vectors, std::int64_t quantity,
                             std::int64_t n_quantities, const InvariantWorkspace& w) {
    const std::int64_t row = w.atom.stride * lanes;
    for (int v = 0; v < n_vectors; ++v) {
        vec square[lanes];
        for (int q = 0; q < lanes; ++q) square[q] = slots[(std::int64_t(v) * lanes + q) * step];
        transpose(square);
        for (int l = 0; l < lanes; ++l)
            store(w.lanes_of_atoms + (l * n_quantities + quantity) * row + v * lanes, square[l]);
    }
}

// Gives all atoms of a block their neighbours side by side.
inline void load_atoms(const Model& m, Block& b, const InvariantWorkspace& w) {
    const int n_vectors = (b.n_slots + lanes - 1) / lanes;
    for (int n = b.n_slots; n < n_vectors * lanes; ++n) {  // as slots without a neighbour
        b.x[n] = b.y[n] = zero();
        b.z[n] = b.r[n] = broadcast(1.0);
        for (int mu = 0; mu < m.n_mu; ++mu) b.f[std::int64_t(n) * m.n_mu + mu] = b.df[std::int64_t(n) * m.n_mu + mu] = zero();
    }
    const std::int64_t count = 4 + 2 * m.n_mu;
    const vec* const geometry[] = {b.x, b.y, b.z, b.r};
    for (int q = 0; q < 4; ++q) to_atoms(geometry[q], 1, n_vectors, q, count, w);
    for (int mu = 0; mu < m.n_mu; ++mu) {
        to_atoms(b.f + mu, m.n_mu, n_vectors, 4 + mu, count, w);
        to_atoms(b.df + mu, m.n_mu, n_vectors, 4 + m.n_mu + mu, count, w);
    }
}

MAXVOLT_INLINE void take_atom(const Model& m, int lane, InvariantWorkspace& w) {
    AtomWorkspace& a = w.atom;
    vec* const at = reinterpret_cast<vec*>(w.lanes_of_atoms) + std::int64_t(lane) * (4 + 2 * m.n_mu) * a.stride;
    vec** const geometry[] = {&a.x, &a.y, &a.z, &a.r};
    for (int q = 0; q < 4; ++q) *geometry[q] = at + q * a.stride;
    a.f = at + 4 * a.stride;
    a.df = a.f + m.n_mu * a.stride;
}

// Derivatives of all harmonic moments by the positions of one vector of neighbours.
inline void load_harmonic_derivatives(const Model& m, const InvariantGraph& graph, int v, InvariantWorkspace& workspace) {
    AtomWorkspace& w = workspace.atom;
    const int count = m.monomial_counts[0];
    const vec u[3] = {w.x[v], w.y[v], w.z[v]};
    const vec inverse_r = 1.0 / w.r[v];
    monomials<1>(m.max_degree, u, u + 1, u + 2, w.tile);
    for (int a = 0; a < 3; ++a) {
        vec d[3];
        for (int c = 0; c < 3; ++c) d[c] = ((c == a ? 1.0 : 0.0) - u[a] * u[c]) * inverse_r;
        monomials_tangent<1>(m.max_degree, u, u + 1, u + 2, d, d + 1, d + 2, w.tile, w.tile_gradients + a * count);
    }
    for (int q = 0; q < graph.n_angular; ++q) {
        vec value = zero(), gradient[3] = {zero(), zero(), zero()};
        for (int i = graph.monomial_first[q]; i < graph.monomial_first[q + 1]; ++i) {
            const int n = graph.monomials[i];
            const double factor = graph.monomial_values[i];
            value += factor * w.tile[n];
            for (int a = 0; a < 3; ++a) gradient[a] += factor * w.tile_gradients[a * count + n];
        }
        vec* out = workspace.angular + 4 * q;
        out[0] = value;
        for (int a = 0; a < 3; ++a) out[1 + a] = gradient[a];
    }
    for (int mu = 0; mu < m.n_mu; ++mu) {
        vec* out = workspace.radial + 4 * mu;
        out[0] = w.f[mu * w.stride + v];
        for (int a = 0; a < 3; ++a) out[1 + a] = w.df[mu * w.stride + v] * u[a];
    }
    for (int k = 0; k < graph.n_harmonics; ++k) {
        const vec *y = workspace.angular + 4 * graph.angular[k], *f = workspace.radial + 4 * graph.functions[k];
        vec* out = w.derivatives + std::int64_t(k) * 3 * w.stride + v;
        for (int a = 0; a < 3; ++a) out[a * w.stride] = f[1 + a] * y[0] + f[0] * y[1 + a];
    }
}

// Derivative of one invariant by its harmonic moments.
MAXVOLT_INLINE void invariant_adjoint(const InvariantGraph& graph, int e, const vec* u, vec* adjoint,
                                      vec* collected) {
    const std::int64_t begin = graph.factor_first[e], end = graph.factor_first[e + 1];
    for (std::int64_t q = begin; q < end; ++q) adjoint[graph.components[graph.factors[q]]] = zero();
    for (std::int64_t side = graph.side_first[e]; side < graph.side_first[e + 1]; ++side) {
        const std::int32_t* t = graph.sides + 4 * side;
        const vec* other = u + t[2];
        if (t[0] < 0) {
            for (int c = 0; c < t[3]; ++c) adjoint[t[1] + c] += other[c];
            continue;
        }
        for (std::int64_t q = graph.tensor_first[t[0]]; q < graph.tensor_first[t[0] + 1]; ++q) {
            const std::int32_t* x = graph.tensors + 3 * q;
            const vec g = graph.tensor_values[q] * other[x[0]];
            adjoint[x[1]] += g * u[x[2]];
            adjoint[x[2]] += g * u[x[1]];
        }
    }
    for (std::int64_t q = begin; q < end; ++q) collected[q] = adjoint[graph.components[graph.factors[q]]];
}

inline void load_invariant_couplings(const Model& m, const InvariantGraph& graph, InvariantWorkspace& w) {
    const Plan& p = *m.plan;
    const vec* u = w.base.harmonic.u;
    for (int e = 0; e < p.n_invariants; ++e) {
        invariant_adjoint(graph, e, u, w.adjoint, w.collected);
        w.values[e] = invariant(p, e, u);
    }
    for (std::int64_t q = graph.factor_first[p.n_invariants]; q < w.coupling_stride; ++q) w.collected[q] = zero();
    for (std::int64_t q = 0; q < w.coupling_stride; q += lanes) {
        vec square[lanes];
        for (int i = 0; i < lanes; ++i) square[i] = w.collected[q + i];
        transpose(square);
        for (int l = 0; l < lanes; ++l) store(w.couplings + l * w.coupling_stride + q, square[l]);
    }
}

// Rows of the energies of a block.
inline void add_invariant_values(const Model& m, const System& s, InvariantWorkspace& w, const InvariantOutput& out) {
    const Block& b = w.base.block;
    const int n_invariants = m.plan->n_invariants;
    for (int e = n_invariants; e < whole_vectors(n_invariants); ++e) w.values[e] = zero();
    for (int e = 0; e < n_invariants; e += lanes) {
        vec square[lanes];
        for (int i = 0; i < lanes; ++i) square[i] = w.values[e + i];
        transpose(square);
        const int n = n_invariants - e < lanes ? n_invariants - e : lanes;
        for (int l = 0; l < lanes; ++l)
            if (b.atom[l] >= 0)
                add_row(out.energies + std::int64_t(s.structures[b.atom[l]]) * out.width + e, square[l], n);
    }
    for (int l = 0; l < lanes; ++l)
        if (b.atom[l] >= 0)
            out.energies[std::int64_t(s.structures[b.atom[l]]) * out.width + n_invariants + s.types[b.atom[l]]] += 1.0;
}

// Where the rows of the neighbours of an atom begin, and the vectors to them. Behind the last neighbour stands the
// atom itself: what is added there is zero.
inline void load_targets(const Block& b, int lane, InvariantWorkspace& w, std::int64_t width) {
    const AtomWorkspace& a = w.atom;
    const int padded = int(whole_vectors(b.count[lane]));
    for (int n = 0; n < padded; ++n)
        w.targets[n] = 3 * width * (n < b.count[lane] ? b.neighbor[n * lanes + lane] : b.atom[lane]);
    for (int v = 0; v < padded / lanes; ++v) {
        w.vectors[v] = a.x[v] * a.r[v];
        w.vectors[a.stride + v] = a.y[v] * a.r[v];
        w.vectors[2 * a.stride + v] = a.z[v] * a.r[v];
    }
}

// As add_columns, of a whole tile.
inline void add_tile(const InvariantWorkspace& w, int vecs, double* force, double* stress, double* forces, std::int64_t width) {
    const AtomWorkspace& a = w.atom;
    const double* const vectors = reinterpret_cast<const double*>(w.vectors);
    const std::int64_t row = a.stride * lanes;
    vec own[3] = {}, virial[6] = {};
    for (int v = 0; v < vecs; ++v) {
        vec g[3][lanes];  // one row per neighbour, one lane per column
        for (int d = 0; d < 3; ++d) {
            for (int c = 0; c < lanes; ++c) g[d][c] = load(a.columns + (c * 3 + d) * row + v * lanes);
            transpose(g[d]);
        }
        for (int q = 0; q < lanes; ++q) {
            const int n = v * lanes + q;
            double* const to = forces + w.targets[n];
            for (int d = 0; d < 3; ++d) {
                store(to + d * width, load(to + d * width) - g[d][q]);
                own[d] += g[d][q];
                virial[d] += vectors[d * row + n] * g[d][q];
            }
            virial[3] += vectors[2 * row + n] * g[1][q];
            virial[4] += vectors[2 * row + n] * g[0][q];
            virial[5] += vectors[row + n] * g[0][q];
        }
    }
    for (int d = 0; d < 3; ++d) store(force + d * width, load(force + d * width) + own[d]);
    for (int d = 0; d < 6; ++d) store(stress + d * width, load(stress + d * width) + virial[d]);
}

inline void invariant_columns(const Model& m, const InvariantGraph& graph, const System& s, int lane,
                              InvariantWorkspace& w, const InvariantOutput& out) {
    const Block& b = w.base.block;
    const int vecs = (b.count[lane] + lanes - 1) / lanes, n_invariants = m.plan->n_invariants;
    const double* couplings = w.couplings + lane * w.coupling_stride;
    const std::int64_t row = 3 * w.atom.stride * lanes;
    double* const force = out.forces + 3 * out.width * b.atom[lane];
    double* const stress = out.virials + 6 * out.width * s.structures[b.atom[lane]];
    load_targets(b, lane, w, out.width);
    for (int e0 = 0; e0 < n_invariants; e0 += lanes) {
        for (int c = 0; c < lanes; ++c) {
            const bool there = e0 + c < n_invariants;  // else the sum of nothing, which is added to columns behind
            const std::int64_t begin = there ? graph.factor_first[e0 + c] : 0, end = there ? graph.factor_first[e0 + c + 1] : 0;
            couple_all(w.atom, vecs, graph.factors + begin, couplings + begin, end - begin, w.atom.columns + c * row);
        }
        add_tile(w, vecs, force + e0, stress + e0, out.forces + e0, out.width);
    }
}

inline std::int64_t invariant_rows(const Model& m, const InvariantGraph& graph, const System& s, std::int64_t begin,
                                   std::int64_t end, void* memory, const InvariantOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    InvariantWorkspace w = make_invariant_workspace(m, graph, s, arena);
    Workspace& base = w.base;
    Block& b = base.block;
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block<Load::names>(m, s, i, end, b);
        if (bad >= 0) return bad;
        basic_moments(m, slots(b), base.tile, base.moments);
        harmonic_moments<vec>(*m.plan, base.moments, nullptr, base.harmonic.u);
        couple_pairs<vec>(*m.plan, base.harmonic);
        load_invariant_couplings(m, graph, w);
        add_invariant_values(m, s, w, out);
        load_atoms(m, b, w);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            take_atom(m, l, w);
            for (int v = 0; v < (b.count[l] + lanes - 1) / lanes; ++v) load_harmonic_derivatives(m, graph, v, w);
            invariant_columns(m, graph, s, l, w, out);
        }
    }
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
