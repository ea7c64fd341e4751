// Rows of the invariants of an evaluation plan (docs/formulation, equations (240) to (242)): derivatives of energies,
// forces and virials by the coefficients of the invariants, for linear fits. The scalars are sums of them.
//
// As in jacobian.hpp: what multiplies the derivative of a harmonic moment, the coupling of an invariant to it, is
// found for a block of atoms at once, one atom a lane; the sums over harmonic moments run atom by atom, one
// neighbour a lane. An invariant has at most four harmonic moments, a scalar of the table all those below them.
#pragma once
#include "jacobian.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// One atom with its neighbours side by side: arrays [..][stride] of vectors of neighbours.
template <class V>
struct Neighbors {
    std::int64_t stride;       // vectors
    V *geometry;               // [4] unit vectors and distances
    V *f, *df;                 // [mu]
    V* derivatives;            // [harmonic][3] derivatives of harmonic moments
    V *tile, *tile_gradients;  // monomials of one vector of neighbours, [monomial] and [3][monomial]
    V* angular;                // [angular part][4] value and gradient, likewise
    V* radial;                 // [mu][4] f and df * u
};

template <class V>
struct InvariantWorkspace {
    Workspace base;
    Neighbors<V> atom;
    std::int64_t places;     // of neighbours, whole vectors
    double* of_atoms;        // [lane][4 + 2 n_mu][places] unit vectors, distances, f and df of all atoms of a block
    vec* adjoint;            // [n_components] d(invariant)/d(component)
    vec* collected;          // [entry of the graph] d(invariant)/d(harmonic moment)
    ElementOf<V>* couplings;  // [lane][entry of the graph] the same by atom
    vec* values;             // [n_invariants]
    Targets<V> targets;
    ElementOf<V>* columns;   // [lanes of V][3][place] results of a tile of columns
    std::int64_t coupling_stride;
};

template <class V>
MAXVOLT_INLINE InvariantWorkspace<V> make_invariant_workspace(const Model& m, const InvariantGraph& graph,
                                                              const System& s, Arena& arena) {
    InvariantWorkspace<V> w{};
    w.base = make_workspace(m, s, arena);
    w.places = whole_vectors(rounded_slots(s), lanes_of<V>);
    const std::int64_t count = m.monomial_counts[0], stride = w.places / lanes_of<V>;
    Neighbors<V>& a = w.atom;
    a.stride = stride;
    a.geometry = arena.take<V>(4 * stride);
    a.f = arena.take<V>(stride * m.n_mu);
    a.df = arena.take<V>(stride * m.n_mu);
    a.derivatives = arena.take<V>(stride * graph.n_harmonics * 3);
    a.tile = arena.take<V>(count);
    a.tile_gradients = arena.take<V>(3 * count);
    a.angular = arena.take<V>(std::int64_t(graph.n_angular) * 4);
    a.radial = arena.take<V>(std::int64_t(m.n_mu) * 4);
    w.of_atoms = arena.take<double>(std::int64_t(lanes) * (4 + 2 * m.n_mu) * w.places);
    w.coupling_stride = whole_vectors(graph.factor_first[m.plan->n_invariants]);
    w.adjoint = arena.take<vec>(m.plan->n_components);
    w.collected = arena.take<vec>(w.coupling_stride);
    w.couplings = arena.take<ElementOf<V>>(lanes * w.coupling_stride);
    w.values = arena.take<vec>(whole_vectors(m.plan->n_invariants));
    w.targets = make_targets<V>(w.places, arena);
    w.columns = arena.take<ElementOf<V>>(std::int64_t(lanes_of<V>) * 3 * w.places);
    return w;
}

// A quantity of all slots, one atom a lane, to rows of the atoms: transposed by squares.
template <class V>
MAXVOLT_INLINE void to_atoms(const vec* slots, std::int64_t step, std::int64_t quantity, std::int64_t n_quantities,
                             const InvariantWorkspace<V>& w) {
    const int n_slots = w.base.block.n_slots;
    for (int n = 0; n < n_slots; n += lanes) {
        vec square[lanes];
        for (int q = 0; q < lanes; ++q) square[q] = n + q < n_slots ? slots[std::int64_t(n + q) * step] : zero();
        transpose(square);
        for (int l = 0; l < lanes; ++l) store(w.of_atoms + (l * n_quantities + quantity) * w.places + n, square[l]);
    }
}

// Gives all atoms of a block their neighbours side by side.
template <class V>
inline void load_atoms(const Model& m, const InvariantWorkspace<V>& w) {
    const Block& b = w.base.block;
    const std::int64_t count = 4 + 2 * m.n_mu;
    const vec* const geometry[] = {b.x, b.y, b.z, b.r};
    for (int q = 0; q < 4; ++q) to_atoms(geometry[q], 1, q, count, w);
    for (int mu = 0; mu < m.n_mu; ++mu) {
        to_atoms(b.f + mu, m.n_mu, 4 + mu, count, w);
        to_atoms(b.df + mu, m.n_mu, 4 + m.n_mu + mu, count, w);
    }
}

// The neighbours of one atom, and where their rows begin. Places without a neighbour are filled such that all
// derivatives are zero there, and belong to the atom itself.
template <class V>
inline void take_atom(const Model& m, int lane, std::int64_t width, InvariantWorkspace<V>& w) {
    const Block& b = w.base.block;
    Neighbors<V>& a = w.atom;
    const int count = b.count[lane], padded = int(whole_vectors(count, lanes_of<V>));
    const double* from = w.of_atoms + std::int64_t(lane) * (4 + 2 * m.n_mu) * w.places;
    auto take = [&](V* to, double filling) __attribute__((always_inline)) {
        auto* const numbers = reinterpret_cast<ElementOf<V>*>(to);
        for (int n = 0; n < count; n += lanes) store_as(numbers + n, load(from + n));
        for (int n = count; n < padded; ++n) numbers[n] = ElementOf<V>(filling);
        from += w.places;
    };
    for (int q = 0; q < 4; ++q) take(a.geometry + q * a.stride, q < 2 ? 0.0 : 1.0);
    for (int mu = 0; mu < m.n_mu; ++mu) take(a.f + mu * a.stride, 0.0);
    for (int mu = 0; mu < m.n_mu; ++mu) take(a.df + mu * a.stride, 0.0);
    load_targets(b, lane, padded, width, w.targets);
}

// Derivatives of all harmonic moments by the positions of one vector of neighbours.
template <class V>
inline void load_harmonic_derivatives(const Model& m, const InvariantGraph& graph, int v, const Neighbors<V>& w) {
    using Element = ElementOf<V>;
    const int count = m.monomial_counts[0];
    const V u[3] = {w.geometry[v], w.geometry[w.stride + v], w.geometry[2 * w.stride + v]};
    const V inverse_r = 1 / w.geometry[3 * w.stride + v];
    monomials<1>(m.max_degree, u, u + 1, u + 2, w.tile);
    for (int a = 0; a < 3; ++a) {
        V d[3];
        for (int c = 0; c < 3; ++c) d[c] = (Element(c == a) - u[a] * u[c]) * inverse_r;
        monomials_tangent<1>(m.max_degree, u, u + 1, u + 2, d, d + 1, d + 2, w.tile, w.tile_gradients + a * count);
    }
    for (int q = 0; q < graph.n_angular; ++q) {
        V value{}, gradient[3] = {};
        for (int i = graph.monomial_first[q]; i < graph.monomial_first[q + 1]; ++i) {
            const int n = graph.monomials[i];
            const Element factor = Element(graph.monomial_values[i]);
            value += factor * w.tile[n];
            for (int a = 0; a < 3; ++a) gradient[a] += factor * w.tile_gradients[a * count + n];
        }
        V* out = w.angular + 4 * q;
        out[0] = value;
        for (int a = 0; a < 3; ++a) out[1 + a] = gradient[a];
    }
    for (int mu = 0; mu < m.n_mu; ++mu) {
        V* out = w.radial + 4 * mu;
        out[0] = w.f[mu * w.stride + v];
        for (int a = 0; a < 3; ++a) out[1 + a] = w.df[mu * w.stride + v] * u[a];
    }
    for (int k = 0; k < graph.n_harmonics; ++k) {
        const V *y = w.angular + 4 * graph.angular[k], *f = w.radial + 4 * graph.functions[k];
        V* out = w.derivatives + std::int64_t(k) * 3 * w.stride + v;
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

template <class V>
inline void load_invariant_couplings(const Model& m, const InvariantGraph& graph, InvariantWorkspace<V>& w) {
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
        for (int l = 0; l < lanes; ++l) store_as(w.couplings + l * w.coupling_stride + q, square[l]);
    }
}

// Rows of the energies of a block.
template <class V>
inline void add_invariant_values(const Model& m, const System& s, InvariantWorkspace<V>& w, const InvariantOutput<ElementOf<V>>& out) {
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

template <class V>
inline void invariant_columns(const Model& m, const InvariantGraph& graph, const System& s, int lane,
                              const InvariantWorkspace<V>& w, const InvariantOutput<ElementOf<V>>& out) {
    const Block& b = w.base.block;
    const int vecs = (b.count[lane] + lanes_of<V> - 1) / lanes_of<V>, n_invariants = m.plan->n_invariants;
    const ElementOf<V>* couplings = w.couplings + lane * w.coupling_stride;
    const std::int32_t structure = s.structures[b.atom[lane]];
    ElementOf<V>* const force = out.forces + 3 * out.width * b.atom[lane];
    double* const stress = out.has_virial[structure] ? out.virials + 6 * out.width * structure : nullptr;
    for (int e0 = 0; e0 < n_invariants; e0 += lanes_of<V>) {
        for (int c = 0; c < lanes_of<V>; ++c) {
            const int e = e0 + c < n_invariants ? e0 + c : n_invariants;  // behind the last one, the sum of nothing
            const std::int64_t begin = graph.factor_first[e], end = e < n_invariants ? graph.factor_first[e + 1] : begin;
            couple_columns<1>(w.atom.derivatives, w.atom.stride, vecs, graph.factors + begin, couplings + begin, 0,
                              end - begin, w.columns + c * 3 * w.places, w.places);
        }
        add_tile(w.targets, w.columns, b.count[lane], force + e0, stress ? stress + e0 : nullptr, out.forces + e0,
                 out.width);
    }
}

template <class V>
inline std::int64_t invariant_rows(const Model& m, const InvariantGraph& graph, const System& s, std::int64_t begin,
                                   std::int64_t end, void* memory, const InvariantOutput<ElementOf<V>>& out) {
    Arena arena{static_cast<char*>(memory)};
    InvariantWorkspace<V> w = make_invariant_workspace<V>(m, graph, s, arena);
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
        load_atoms(m, w);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0 || b.count[l] == 0) continue;
            take_atom(m, l, out.width, w);
            for (int v = 0; v * lanes_of<V> < b.count[l]; ++v) load_harmonic_derivatives(m, graph, v, w.atom);
            invariant_columns(m, graph, s, l, w, out);
        }
    }
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
