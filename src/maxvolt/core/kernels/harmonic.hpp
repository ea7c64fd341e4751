// Invariants of harmonic moments: the scalars by an evaluation plan (docs/formulation, equations (29) to
// (34)). With fixed coefficients the energy is 1/2 u G u, u the components of all channels; its gradient
// G u comes with it, and goes back through the couplings to the basic moments.
//
// Everything is written for Number = vec (values) or Dual (values and derivatives along a direction).
#pragma once
#include "dual.hpp"
#include "model.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

using Plan = HarmonicPlan<double>;

template <class Number>
using PlanOf = HarmonicPlan<typename Numbers<Number>::Real>;
template <class Number>
using RealOf = typename Numbers<Number>::Real;
template <class Number>
using StoredOf = typename Numbers<Number>::Stored;

template <class Number>
struct HarmonicSpace {
    Number *u, *gradient;  // [n_components]
    Number *slots, *slot_gradient;
};

template <class Number>
MAXVOLT_INLINE HarmonicSpace<Number> make_harmonic_space(const PlanOf<Number>& p, Arena& arena) {
    HarmonicSpace<Number> space{};
    space.u = arena.take<Number>(p.n_components);
    space.gradient = arena.take<Number>(p.n_components);
    space.slots = arena.take<Number>(p.n_slots);
    space.slot_gradient = arena.take<Number>(p.n_slots);
    return space;
}

// Equation (29): harmonic moments from the independent basic ones.
template <class Number>
MAXVOLT_INLINE void harmonic_moments(const PlanOf<Number>& p, const StoredOf<Number>* moments, const StoredOf<Number>* tangents, Number* u) {
    const std::int32_t* column = p.harmonic_columns;
    const RealOf<Number>* value = p.harmonic_values;
    for (int row = 0; row < p.n_harmonic_rows; ++row) {
        Number sum = Numbers<Number>::constant(0.0);
        for (int n = p.harmonic_rows[2 * row + 1]; n > 0; --n, ++column, ++value)
            sum += *value * Numbers<Number>::get(moments, tangents, *column);
        u[p.harmonic_rows[2 * row]] = sum;
    }
    if (p.constant >= 0) u[p.constant] = Numbers<Number>::constant(1.0);
}

// Reverse of harmonic_moments.
template <class Number>
MAXVOLT_INLINE void pull_back_harmonics(const PlanOf<Number>& p, const Number* gradient, StoredOf<Number>* adjoint, StoredOf<Number>* tangents) {
    const std::int32_t* column = p.moment_columns;
    const RealOf<Number>* value = p.moment_values;
    for (int row = 0; row < p.n_moment_rows; ++row) {
        Number sum = Numbers<Number>::constant(0.0);
        for (int n = p.moment_rows[2 * row + 1]; n > 0; --n, ++column, ++value) sum += *value * gradient[*column];
        Numbers<Number>::set(adjoint, tangents, p.moment_rows[2 * row], sum);
    }
}

struct CouplingRange {
    const std::int32_t *real, *ordered, *reversed, *end, *blocks, *blocks_end, *real_end;
};

template <class AnyPlan>
MAXVOLT_INLINE CouplingRange coupling_range(const AnyPlan& p, int coupling) {
    const std::int32_t* c = p.couplings + 4 * std::int64_t(coupling);
    return {p.real_products + 3 * c[0],    p.complex_products + 6 * c[1], p.complex_products + 6 * c[2],
            p.complex_products + 6 * c[5], p.blocks + 7 * c[3],           p.blocks + 7 * c[7],
            p.real_products + 3 * c[4]};
}

// Sum and difference of the phases of two complex components. Sign +1: the first has the larger m.
template <int sign, class Number>
MAXVOLT_INLINE void complex_products(const std::int32_t* t, const std::int32_t* end, const Number* a,
                                     const Number* b, Number* slots) {
    for (; t != end; t += 6) {
        const Number a_re = a[t[0]], a_im = a[t[0] + 1], b_re = b[t[1]], b_im = b[t[1] + 1];
        const Number cc = a_re * b_re, ss = a_im * b_im, sc = a_im * b_re, cs = a_re * b_im;
        slots[t[2]] = cc - ss;
        slots[t[3]] = sc + cs;
        slots[t[4]] = cc + ss;
        slots[t[5]] = sign > 0 ? sc - cs : cs - sc;
    }
}

template <int sign, class Number>
MAXVOLT_INLINE void pull_back_complex_products(const std::int32_t* t, const std::int32_t* end, const Number* a,
                                               const Number* b, const Number* slot_gradient, Number* a_gradient,
                                               Number* b_gradient) {
    for (; t != end; t += 6) {
        const Number a_re = a[t[0]], a_im = a[t[0] + 1], b_re = b[t[1]], b_im = b[t[1] + 1];
        const Number sum_re = slot_gradient[t[2]], sum_im = slot_gradient[t[3]];
        const Number difference_re = slot_gradient[t[4]], difference_im = slot_gradient[t[5]];
        const Number cc = difference_re + sum_re, ss = difference_re - sum_re;
        const Number sc = sign > 0 ? sum_im + difference_im : sum_im - difference_im;
        const Number cs = sign > 0 ? sum_im - difference_im : sum_im + difference_im;
        // One after the other: where a channel is coupled with itself, a and b are the same moments.
        a_gradient[t[0]] += cc * b_re + cs * b_im;
        a_gradient[t[0] + 1] += ss * b_im + sc * b_re;
        b_gradient[t[1]] += cc * a_re + sc * a_im;
        b_gradient[t[1] + 1] += ss * a_im + cs * a_re;
    }
}

// out[k][w] = sum over products of value[product][k] * slots[product][w], for K ranks.
template <int W, int K, class Number>
MAXVOLT_INLINE void couple_ranks(const RealOf<Number>* value, int n_products, int stride, const Number* slots,
                                 const std::int32_t* ranks, const std::int32_t* targets, Number* u) {
    Number sum[K][W];
    for (int k = 0; k < K; ++k)
        for (int w = 0; w < W; ++w) sum[k][w] = Numbers<Number>::constant(0.0);
    for (int i = 0; i < n_products; ++i, value += stride)
        for (int k = 0; k < K; ++k)
            for (int w = 0; w < W; ++w) sum[k][w] += value[k] * slots[i * W + w];
    for (int k = 0; k < K; ++k)
        for (int w = 0; w < W; ++w) u[targets[ranks[k]] + w] = sum[k][w];
}

// Reverse for K products: slot_gradient[product][w] = sum over ranks of value * gradient.
template <int W, int K, class Number>
MAXVOLT_INLINE void pull_back_ranks(const RealOf<Number>* value, int n_ranks, const std::int32_t* ranks,
                                    const std::int32_t* targets, const Number* gradient, Number* slot_gradient) {
    Number sum[K][W];
    for (int k = 0; k < K; ++k)
        for (int w = 0; w < W; ++w) sum[k][w] = Numbers<Number>::constant(0.0);
    for (int r = 0; r < n_ranks; ++r) {
        const Number* g = gradient + targets[ranks[r]];
        for (int k = 0; k < K; ++k)
            for (int w = 0; w < W; ++w) sum[k][w] += value[k * n_ranks + r] * g[w];
    }
    for (int k = 0; k < K; ++k)
        for (int w = 0; w < W; ++w) slot_gradient[k * W + w] = sum[k][w];
}

// Calls body<K>(begin) for stretches of at most four of n.
template <class Body>
MAXVOLT_INLINE void by_fours(int n, Body&& body) {
    int i = 0;
    for (; i + 4 <= n; i += 4) body.template operator()<4>(i);
    if (n - i == 3)
        body.template operator()<3>(i);
    else if (n - i == 2)
        body.template operator()<2>(i);
    else if (n - i == 1)
        body.template operator()<1>(i);
}

template <int W, class Number>
MAXVOLT_INLINE void couple_block(const PlanOf<Number>& p, const std::int32_t* b, const std::int32_t* targets,
                                 const Number* slots, Number* u) {
    by_fours(b[3], [&]<int K>(int k) __attribute__((always_inline)) {
        couple_ranks<W, K>(p.block_values + b[6] + k, b[1], b[3], slots + b[2], p.block_ranks + b[4] + k,
                           targets, u + b[5]);
    });
}

template <int W, class Number>
MAXVOLT_INLINE void pull_back_block(const PlanOf<Number>& p, const std::int32_t* b, const std::int32_t* targets,
                                    const Number* gradient, Number* slot_gradient) {
    by_fours(b[1], [&]<int K>(int k) __attribute__((always_inline)) {
        pull_back_ranks<W, K>(p.block_values + b[6] + k * b[3], b[3], p.block_ranks + b[4], targets,
                              gradient + b[5], slot_gradient + b[2] + k * W);
    });
}

// Equation (31): couples all pairs of harmonic moments.
template <class Number>
inline void couple_pairs(const PlanOf<Number>& p, const HarmonicSpace<Number>& space) {
    for (int pair = 0; pair < p.n_pairs; ++pair) {
        const std::int32_t* t = p.pairs + 4 * std::int64_t(pair);
        const Number *a = space.u + t[0], *b = space.u + t[1];
        const CouplingRange c = coupling_range(p, t[2]);
        for (const std::int32_t* r = c.real; r != c.real_end; r += 3) space.slots[r[2]] = a[r[0]] * b[r[1]];
        complex_products<1>(c.ordered, c.reversed, a, b, space.slots);
        complex_products<-1>(c.reversed, c.end, a, b, space.slots);
        for (const std::int32_t* block = c.blocks; block != c.blocks_end; block += 7) {
            if (block[0] == 2)
                couple_block<2>(p, block, p.targets + t[3], space.slots, space.u);
            else
                couple_block<1>(p, block, p.targets + t[3], space.slots, space.u);
        }
    }
}

template <class Number>
inline void pull_back_pairs(const PlanOf<Number>& p, const HarmonicSpace<Number>& space) {
    for (int pair = 0; pair < p.n_pairs; ++pair) {
        const std::int32_t* t = p.pairs + 4 * std::int64_t(pair);
        const CouplingRange c = coupling_range(p, t[2]);
        for (const std::int32_t* block = c.blocks; block != c.blocks_end; block += 7) {
            if (block[0] == 2)
                pull_back_block<2>(p, block, p.targets + t[3], space.gradient, space.slot_gradient);
            else
                pull_back_block<1>(p, block, p.targets + t[3], space.gradient, space.slot_gradient);
        }
        space.slot_gradient[0] = Numbers<Number>::constant(0.0);  // products that nothing needs
        const Number *a = space.u + t[0], *b = space.u + t[1];
        Number *a_gradient = space.gradient + t[0], *b_gradient = space.gradient + t[1];
        for (const std::int32_t* r = c.real; r != c.real_end; r += 3) {
            const Number g = space.slot_gradient[r[2]], a_value = a[r[0]];
            a_gradient[r[0]] += g * b[r[1]];
            b_gradient[r[1]] += g * a_value;
        }
        pull_back_complex_products<1>(c.ordered, c.reversed, a, b, space.slot_gradient, a_gradient, b_gradient);
        pull_back_complex_products<-1>(c.reversed, c.end, a, b, space.slot_gradient, a_gradient, b_gradient);
    }
}

// C components of one row of G u; sums of every U-th entry apart, so that they do not wait for each other.
template <int C, int U, class Number>
MAXVOLT_INLINE Number form_row(const RealOf<Number>* form, const std::int32_t* columns, int n, const Number* u,
                               const Number* own, Number* out) {
    Number sum[U][C];
    for (int q = 0; q < U; ++q)
        for (int c = 0; c < C; ++c) sum[q][c] = Numbers<Number>::constant(0.0);
    int i = 0;
    for (; i + U <= n; i += U)
        for (int q = 0; q < U; ++q)
            for (int c = 0; c < C; ++c) sum[q][c] += form[i + q] * u[columns[i + q] + c];
    for (; i < n; ++i)
        for (int c = 0; c < C; ++c) sum[0][c] += form[i] * u[columns[i] + c];
    Number energy = Numbers<Number>::constant(0.0);
    for (int c = 0; c < C; ++c) {
        for (int q = 1; q < U; ++q) sum[0][c] += sum[q][c];
        out[c] = sum[0][c];
        energy += own[c] * sum[0][c];
    }
    return energy;
}

// gradient = G u; returns 1/2 u G u, equations (33) and (34).
template <class Number>
inline Number quadratic_form(const PlanOf<Number>& p, const HarmonicSpace<Number>& space) {
    const RealOf<Number>* form = p.form;
    const std::int32_t* columns = p.columns;
    Number energy = Numbers<Number>::constant(0.0);
    for (int row = 0; row < p.n_rows; ++row) {
        const std::int32_t* t = p.rows + 3 * std::int64_t(row);
        const int n = t[2];
        int c = 0;
        for (; c + 5 <= t[1]; c += 5)
            energy += form_row<5, 1>(form, columns, n, space.u + c, space.u + t[0] + c, space.gradient + t[0] + c);
        const Number *u = space.u + c, *own = space.u + t[0] + c;
        Number* out = space.gradient + t[0] + c;
        switch (t[1] - c) {
            case 1: energy += form_row<1, 4>(form, columns, n, u, own, out); break;
            case 2: energy += form_row<2, 2>(form, columns, n, u, own, out); break;
            case 3: energy += form_row<3, 2>(form, columns, n, u, own, out); break;
            case 4: energy += form_row<4, 1>(form, columns, n, u, own, out); break;
            default: break;
        }
        form += n;
        columns += n;
    }
    return RealOf<Number>(0.5) * energy;
}

// Energy of the scalars; adjoint = dE/d(independent basic moments). For Dual also their derivatives along
// the direction in which the moments change by `tangents`; weight * E is added to what is differentiated.
template <class Number>
inline Number harmonic_energy(const PlanOf<Number>& p, int n_independent, const HarmonicSpace<Number>& space,
                              const StoredOf<Number>* moments, const StoredOf<Number>* tangents, StoredOf<Number>* adjoint, StoredOf<Number>* adjoint_tangents) {
    harmonic_moments(p, moments, tangents, space.u);
    couple_pairs(p, space);
    const Number energy = quadratic_form(p, space);
    pull_back_pairs(p, space);
    for (int i = 0; i < n_independent; ++i)
        Numbers<Number>::set(adjoint, adjoint_tangents, i, Numbers<Number>::constant(0.0));
    pull_back_harmonics(p, space.gradient, adjoint, adjoint_tangents);
    return energy;
}

// Equation (32) for one invariant.
template <class Number>
MAXVOLT_INLINE Number invariant(const PlanOf<Number>& p, int number, const Number* u) {
    const std::int32_t* t = p.invariants + 3 * std::int64_t(number);
    Number sum = Numbers<Number>::constant(0.0);
    for (int c = 0; c < t[2]; ++c) sum += u[t[0] + c] * u[t[1] + c];
    return sum;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
