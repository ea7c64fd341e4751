// Analysis of a contraction table for the Jacobian kernel. Not for the kernels, since it uses the standard
// library (see simd.hpp).
#pragma once
#include <algorithm>
#include <vector>

#include "model.hpp"

namespace maxvolt {

// What depends on what in a contraction table.
struct Dependencies {
    std::vector<std::int64_t> run_first{0}, node_first{0}, trace_first{0}, basic_first{0};
    std::vector<std::int32_t> runs, nodes, traces, basics;
    std::vector<std::int64_t> forward_first{0}, reverse_first{0};
    std::vector<std::int32_t> forward_runs, reverse_runs;

    explicit Dependencies(const Model& m) {
        for (int k = 0; k < m.n_scalars; ++k) add_scalar(m, k);
        for (int mu = 0; mu < m.n_mu; ++mu) add_mu(m, mu);
    }

    ScalarGraph view() const {
        return {run_first.data(),     runs.data(),         node_first.data(),    nodes.data(),
                trace_first.data(),   traces.data(),       basic_first.data(),   basics.data(),
                forward_first.data(), forward_runs.data(), reverse_first.data(), reverse_runs.data()};
    }

  private:
    void add_scalar(const Model& m, int k) {
        std::vector<char> needed(m.n_moments, 0);
        needed[m.scalars[k]] = 1;
        for (int run = m.n_runs - 1; run >= 0; --run) {
            if (!needed[m.run_targets[run]]) continue;
            runs.push_back(run);
            for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p)
                needed[m.products[p].left] = needed[m.products[p].right] = 1;
        }
        for (int trace = m.n_basic - m.n_independent - 1; trace >= 0; --trace) {
            if (!needed[m.n_independent + trace]) continue;
            traces.push_back(trace);
            for (int q = 0; q < 3; ++q) needed[m.traces[3 * trace + q]] = 1;
        }
        for (int i = 0; i < m.n_moments; ++i)
            if (needed[i]) (i < m.n_independent ? basics : nodes).push_back(i);
        trace_first.push_back(std::int64_t(traces.size()));
        run_first.push_back(std::int64_t(runs.size()));
        node_first.push_back(std::int64_t(nodes.size()));
        basic_first.push_back(std::int64_t(basics.size()));
    }

    void add_mu(const Model& m, int mu) {
        std::vector<char> moves(m.n_moments, 0), adjoint_moves(m.n_moments, 0);
        std::fill_n(moves.begin() + m.moment_offsets[mu], m.monomial_counts[mu], char(1));
        for (int i = m.n_independent; i < m.n_basic; ++i)
            moves[i] = moves[m.traces[3 * (i - m.n_independent)]];
        for (int run = 0; run < m.n_runs; ++run)
            for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p)
                if (moves[m.products[p].left] || moves[m.products[p].right]) {
                    moves[m.run_targets[run]] = 1;
                    forward_runs.push_back(run);
                    break;
                }
        for (int run = m.n_runs - 1; run >= 0; --run) {
            bool active = false;
            for (std::int64_t p = m.run_first[run]; p < m.run_first[run + 1]; ++p) {
                const Product& t = m.products[p];
                const bool whole = adjoint_moves[m.run_targets[run]];
                if (whole || moves[t.right]) adjoint_moves[t.left] = active = true;
                if (whole || moves[t.left]) adjoint_moves[t.right] = active = true;
            }
            if (active) reverse_runs.push_back(run);
        }
        forward_first.push_back(std::int64_t(forward_runs.size()));
        reverse_first.push_back(std::int64_t(reverse_runs.size()));
    }
};

}  // namespace maxvolt
