// Analysis of an evaluation plan for the rows of its invariants. Not for the kernels, since it uses the
// standard library (see simd.hpp).
#pragma once
#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "model.hpp"

namespace maxvolt {

// Which harmonic moments every invariant is made of, and how.
class InvariantDependencies {
  public:
    explicit InvariantDependencies(const Model& m) : n_components_(m.plan->n_components) {
        const HarmonicPlan<double>& p = *m.plan;
        add_harmonics(m, p);
        for (std::int32_t pair = 0; pair < p.n_pairs; ++pair) add_pair(p, p.pairs + 4 * std::int64_t(pair));
        for (std::int32_t e = 0; e < p.n_invariants; ++e) add_invariant(p.invariants + 3 * std::int64_t(e));
    }

    InvariantGraph view() const {
        return {std::int32_t(components_.size()), std::int32_t(monomial_first_.size()) - 1,
                components_.data(),               functions_.data(),
                angular_.data(),                  monomial_first_.data(),
                monomials_.data(),                monomial_values_.data(),
                factor_first_.data(),             factors_.data(),
                side_first_.data(),               sides_.data(),
                tensor_first_.data(),             tensors_.data(),
                tensor_values_.data()};
    }

  private:
    using Row = std::vector<std::pair<std::int32_t, double>>;  // monomials and their coefficients

    static bool has(const Model& m, std::int32_t mu, std::int32_t moment) {
        return moment >= m.moment_offsets[mu] && moment < m.moment_offsets[mu] + m.monomial_counts[mu];
    }

    // Harmonic moments by component: their radial functions, and their angular parts, which are shared.
    void add_harmonics(const Model& m, const HarmonicPlan<double>& p) {
        std::map<Row, std::int32_t> known;
        std::int64_t at = 0;
        for (std::int32_t r = 0; r < p.n_harmonic_rows; ++r) {
            const std::int32_t component = p.harmonic_rows[2 * r], n = p.harmonic_rows[2 * r + 1];
            std::int32_t mu = 0;  // of the moments that the row is made of
            while (mu + 1 < m.n_mu && n > 0 && !has(m, mu, p.harmonic_columns[at])) ++mu;
            Row row;
            for (std::int32_t i = 0; i < n; ++i, ++at) {
                if (!has(m, mu, p.harmonic_columns[at]))
                    throw std::invalid_argument("evaluation plan: a harmonic moment of several radial functions");
                row.emplace_back(p.harmonic_columns[at] - m.moment_offsets[mu], p.harmonic_values[at]);
            }
            const auto found = known.emplace(row, std::int32_t(known.size()));
            if (found.second) {
                for (const auto& [monomial, value] : row) {
                    monomials_.push_back(monomial);
                    monomial_values_.push_back(value);
                }
                monomial_first_.push_back(std::int32_t(monomials_.size()));
            }
            harmonic_of_[component] = std::int32_t(components_.size());
            components_.push_back(component);
            functions_.push_back(mu);
            angular_.push_back(found.first->second);
        }
    }

    struct Term {
        std::int32_t left, right;
        double factor;
    };

    // The products of components that stand in each slot of a pair, with their signs.
    std::map<std::int32_t, std::vector<Term>> products_of_slots(const HarmonicPlan<double>& p, const std::int32_t* pair) const {
        std::map<std::int32_t, std::vector<Term>> slots;
        const std::int32_t *c = p.couplings + 4 * std::int64_t(pair[2]), a = pair[0], b = pair[1];
        for (std::int32_t r = c[0]; r < c[4]; ++r) {
            const std::int32_t* t = p.real_products + 3 * std::int64_t(r);
            slots[t[2]].push_back({a + t[0], b + t[1], 1.0});
        }
        for (std::int32_t r = c[1]; r < c[5]; ++r) {
            const std::int32_t* t = p.complex_products + 6 * std::int64_t(r);
            const double sign = r < c[2] ? 1.0 : -1.0;
            const std::int32_t a_re = a + t[0], a_im = a_re + 1, b_re = b + t[1], b_im = b_re + 1;
            slots[t[2]].insert(slots[t[2]].end(), {{a_re, b_re, 1.0}, {a_im, b_im, -1.0}});
            slots[t[3]].insert(slots[t[3]].end(), {{a_im, b_re, 1.0}, {a_re, b_im, 1.0}});
            slots[t[4]].insert(slots[t[4]].end(), {{a_re, b_re, 1.0}, {a_im, b_im, 1.0}});
            slots[t[5]].insert(slots[t[5]].end(), {{a_im, b_re, sign}, {a_re, b_im, -sign}});
        }
        slots.erase(0);  // what nothing needs
        return slots;
    }

    void add_pair(const HarmonicPlan<double>& p, const std::int32_t* pair) {
        const auto slots = products_of_slots(p, pair);
        const std::int32_t* c = p.couplings + 4 * std::int64_t(pair[2]);
        std::map<std::int32_t, std::vector<std::pair<std::int32_t, Term>>> channels;
        for (std::int32_t r = c[3]; r < c[7]; ++r) {
            const std::int32_t* b = p.blocks + 7 * std::int64_t(r);
            for (std::int32_t rank = 0; rank < b[3]; ++rank) {
                auto& channel = channels[p.targets[pair[3] + p.block_ranks[b[4] + rank]]];
                for (std::int32_t i = 0; i < b[1]; ++i)
                    for (std::int32_t w = 0; w < b[0]; ++w) {
                        const double value = p.block_values[b[6] + i * b[3] + rank];
                        const auto slot = slots.find(b[2] + i * b[0] + w);
                        if (slot == slots.end()) continue;
                        for (const Term& t : slot->second)
                            channel.push_back({b[5] + w, {t.left, t.right, value * t.factor}});
                    }
            }
        }
        for (const auto& [begin, entries] : channels) {
            tensor_of_[begin] = std::int32_t(tensor_first_.size()) - 1;
            for (const auto& [component, t] : entries) {
                tensors_.insert(tensors_.end(), {component, t.left, t.right});
                tensor_values_.push_back(t.factor);
            }
            tensor_first_.push_back(std::int64_t(tensor_values_.size()));
        }
    }

    // An invariant changes with either of its channels: with a harmonic moment, or with the factors of a pair.
    void add_invariant(const std::int32_t* t) {
        std::vector<char> needed(std::size_t(n_components_), 0);
        for (int side = 0; side < 2; ++side) {
            const std::int32_t channel = t[side], other = t[1 - side];
            const auto tensor = tensor_of_.find(channel);
            if (tensor != tensor_of_.end()) {
                sides_.insert(sides_.end(), {tensor->second, channel, other, t[2]});
                for (std::int64_t q = tensor_first_[tensor->second]; q < tensor_first_[tensor->second + 1]; ++q)
                    needed[tensors_[3 * q + 1]] = needed[tensors_[3 * q + 2]] = 1;
            } else if (harmonic_of_.count(channel)) {
                sides_.insert(sides_.end(), {-1, channel, other, t[2]});
                std::fill_n(needed.begin() + channel, t[2], char(1));
            }
        }
        for (std::size_t k = 0; k < components_.size(); ++k)
            if (needed[components_[k]]) factors_.push_back(std::int32_t(k));
        side_first_.push_back(std::int64_t(sides_.size()) / 4);
        factor_first_.push_back(std::int64_t(factors_.size()));
    }

    std::int32_t n_components_;
    std::vector<std::int32_t> components_, functions_, angular_, monomial_first_{0}, monomials_;
    std::vector<double> monomial_values_, tensor_values_;
    std::vector<std::int64_t> factor_first_{0}, side_first_{0}, tensor_first_{0};
    std::vector<std::int32_t> factors_, sides_, tensors_;
    std::map<std::int32_t, std::int32_t> harmonic_of_, tensor_of_;
};

}  // namespace maxvolt
