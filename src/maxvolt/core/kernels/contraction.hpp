// The contraction table: products of moments, forward, reverse and their tangents.
#pragma once
#include "model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Fills in the dependent basic moments, equation (28).
MAXVOLT_INLINE void expand_traces(const Model& m, vec* moments) {
    const std::int32_t* t = m.traces;
    for (int i = m.n_independent; i < m.n_basic; ++i, t += 3)
        moments[i] = moments[t[0]] - moments[t[1]] - moments[t[2]];
}

MAXVOLT_INLINE void fold_trace(const Model& m, int trace, vec* adjoint) {
    const std::int32_t* t = m.traces + std::int64_t(trace) * 3;
    const vec a = adjoint[m.n_independent + trace];
    adjoint[t[0]] += a;
    adjoint[t[1]] -= a;
    adjoint[t[2]] -= a;
}

// Reverse of expand_traces.
MAXVOLT_INLINE void fold_traces(const Model& m, vec* adjoint) {
    for (int trace = m.n_basic - m.n_independent - 1; trace >= 0; --trace) fold_trace(m, trace, adjoint);
}

// moments[target] = sum of the products of its run; independent basic moments are given.
inline void contract(const Model& m, vec* moments) {
    expand_traces(m, moments);
    for (int run = 0; run < m.n_runs; ++run) {
        vec sum = zero();
        for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p) {
            const Product& t = m.products[p];
            sum += t.factor * (moments[t.left] * moments[t.right]);
        }
        moments[m.run_targets[run]] = sum;
    }
}

MAXVOLT_INLINE void contract_run_reverse(const Model& m, int run, const vec* moments, vec* adjoint) {
    const vec a = adjoint[m.run_targets[run]];
    for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p) {
        const Product& t = m.products[p];
        const vec w = t.factor * a;
        adjoint[t.left] += w * moments[t.right];
        adjoint[t.right] += w * moments[t.left];
    }
}

// adjoint of every moment from those of the scalars (all other entries zero on entry).
inline void contract_reverse(const Model& m, const vec* moments, vec* adjoint) {
    for (int run = m.n_runs - 1; run >= 0; --run) contract_run_reverse(m, run, moments, adjoint);
    fold_traces(m, adjoint);
}

MAXVOLT_INLINE void contract_run_tangent(const Model& m, int run, const vec* moments, vec* tangent) {
    vec sum = zero();
    for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p) {
        const Product& t = m.products[p];
        sum += t.factor * (moments[t.left] * tangent[t.right] + tangent[t.left] * moments[t.right]);
    }
    tangent[m.run_targets[run]] = sum;
}

inline void contract_tangent(const Model& m, const vec* moments, vec* tangent) {
    expand_traces(m, tangent);
    for (int run = 0; run < m.n_runs; ++run) contract_run_tangent(m, run, moments, tangent);
}

MAXVOLT_INLINE void contract_run_reverse_tangent(const Model& m, int run, const vec* moments,
                                                 const vec* adjoint, const vec* tangent,
                                                 vec* adjoint_tangent) {
    const vec a = adjoint[m.run_targets[run]], b = adjoint_tangent[m.run_targets[run]];
    for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p) {
        const Product& t = m.products[p];
        const vec wa = t.factor * a, wb = t.factor * b;
        adjoint_tangent[t.left] += wb * moments[t.right] + wa * tangent[t.right];
        adjoint_tangent[t.right] += wb * moments[t.left] + wa * tangent[t.left];
    }
}

// Derivative of contract_reverse along `tangent`; adjoint_tangent holds seeds on entry.
inline void contract_reverse_tangent(const Model& m, const vec* moments, const vec* adjoint,
                                     const vec* tangent, vec* adjoint_tangent) {
    for (int run = m.n_runs - 1; run >= 0; --run)
        contract_run_reverse_tangent(m, run, moments, adjoint, tangent, adjoint_tangent);
    fold_traces(m, adjoint_tangent);
}

}  // namespace maxvolt::MAXVOLT_VARIANT
