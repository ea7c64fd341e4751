// evaluate in single precision: moments, contractions and their reverse in float, two blocks side by side;
// distances, radial functions and the sums of forces stay double.
#pragma once
#include "evaluate.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

typedef float half_vec __attribute__((vector_size(MAXVOLT_LANES * 4)));

MAXVOLT_INLINE single_vec side_by_side(vec low, vec high) {
    const half_vec a = __builtin_convertvector(low, half_vec), b = __builtin_convertvector(high, half_vec);
#if MAXVOLT_LANES == 8
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

template <int side>
MAXVOLT_INLINE vec of_side(single_vec v) {
#if MAXVOLT_LANES == 8
    const half_vec half = side ? __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
                               : __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
#else
    const half_vec half =
        side ? __builtin_shufflevector(v, v, 4, 5, 6, 7) : __builtin_shufflevector(v, v, 0, 1, 2, 3);
#endif
    return __builtin_convertvector(half, vec);
}

struct SingleWorkspace {
    Block sides[2];
    single_vec *x, *y, *z;  // [slot]
    single_vec *f, *df;     // [slot][mu]
    single_vec *moments, *adjoint, *tile;
    HarmonicSpace<single_vec> harmonic;
};

MAXVOLT_INLINE SingleWorkspace make_single_workspace(const Model& m, const System& s, Arena& arena) {
    SingleWorkspace w{};
    for (Block& b : w.sides) b = make_block(m, s, arena);
    const std::int64_t n = rounded_slots(s);
    single_vec** const vectors[] = {&w.x, &w.y, &w.z};
    for (single_vec** p : vectors) *p = arena.take<single_vec>(n);
    w.f = arena.take<single_vec>(n * m.n_mu);
    w.df = arena.take<single_vec>(n * m.n_mu);
    w.moments = arena.take<single_vec>(m.n_independent);
    w.adjoint = arena.take<single_vec>(m.n_independent);
    w.tile = arena.take<single_vec>(std::int64_t(m.monomial_counts[0]) * slot_group);
    w.harmonic = make_harmonic_space<single_vec>(*m.single_plan, arena);
    return w;
}

// The slots of both sides; where one has fewer, its functions are zero there.
inline Slots<single_vec> join_slots(const Model& m, SingleWorkspace& w) {
    const Block &a = w.sides[0], &b = w.sides[1];
    const int n_slots = a.n_slots > b.n_slots ? a.n_slots : b.n_slots;
    const auto of = [](const vec* v, std::int64_t i, bool there) { return there ? v[i] : zero(); };
    for (int n = 0; n < n_slots; ++n) {
        const bool low = n < a.n_slots, high = n < b.n_slots;
        w.x[n] = side_by_side(of(a.x, n, low), of(b.x, n, high));
        w.y[n] = side_by_side(of(a.y, n, low), of(b.y, n, high));
        w.z[n] = side_by_side(of(a.z, n, low), of(b.z, n, high));
        for (std::int64_t q = std::int64_t(n) * m.n_mu; q < std::int64_t(n + 1) * m.n_mu; ++q) {
            w.f[q] = side_by_side(of(a.f, q, low), of(b.f, q, high));
            w.df[q] = side_by_side(of(a.df, q, low), of(b.df, q, high));
        }
    }
    return {n_slots, w.x, w.y, w.z, w.f, w.df};
}

template <int side>
MAXVOLT_INLINE void add_side(const SingleWorkspace& w, int n, const SlotGradient<single_vec>& g, vec (&own)[3],
                             double* rows) {
    const Block& b = w.sides[side];
    if (n >= b.n_slots) return;
    add_forces(b, n, {of_side<side>(g.x), of_side<side>(g.y), of_side<side>(g.z), of_side<side>(g.radial)}, own, rows);
}

inline std::int64_t evaluate_single(const Model& m, const System& s, std::int64_t begin, std::int64_t end,
                                    void* memory, const EvaluationOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    SingleWorkspace w = make_single_workspace(m, s, arena);
    clear_rows(s, out.rows);
    for (std::int64_t i = begin; i < end; i += 2 * lanes) {
        const std::int64_t middle = i + lanes < end ? i + lanes : i, last = middle == i ? i : end;
        const std::int64_t bad[2] = {load_block<Load::forces>(m, s, i, end, w.sides[0]),
                                     load_block<Load::forces>(m, s, middle, last, w.sides[1])};
        for (std::int64_t atom : bad)
            if (atom >= 0) return atom;
        const Slots<single_vec> joined = join_slots(m, w);
        basic_moments(m, joined, w.tile, w.moments);
        const single_vec energy = harmonic_energy<single_vec>(
            *m.single_plan, m.n_independent, w.harmonic, w.moments, nullptr, w.adjoint, nullptr);
        const vec energies[2] = {of_side<0>(energy), of_side<1>(energy)};
        vec own[2][3] = {};
        for (int n = 0; n < joined.n_slots; n += 2) {
            SlotGradient<single_vec> g[2];
            slot_gradients<2>(m, joined, w.adjoint, n, g);
            for (int q = 0; q < 2; ++q) {
                add_side<0>(w, n + q, g[q], own[0], out.rows);
                add_side<1>(w, n + q, g[q], own[1], out.rows);
            }
        }
        for (int side = 0; side < 2; ++side) {
            const Block& b = w.sides[side];
            store_energies(b, constant_energy(m, s, b) + energies[side], out.site_energies);
            add_to_rows(out.rows, b.own, own[side][0], own[side][1], own[side][2]);
        }
    }
    add_virials(s, out);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
