// An evaluation plan as the kernels take it, its arrays checked.
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "checks.hpp"
#include "model.hpp"
#include "model_arrays.hpp"

namespace maxvolt {

class BoundPlan {
  public:
    // The arrays must outlive the plan.
    BoundPlan(const PlanArrays& arrays, std::int32_t n_independent, std::int32_t n_scalars) : a_(arrays) {
        PlanArrays::each_field(a_, SizeCheck{"evaluation plan: "});
        require(a_.n_components >= 1 && a_.n_slots >= 1, "number of components or slots");
        // One that nothing needs, and those that products fill: a damaged file must not ask for more memory.
        require(a_.n_slots <= 1 + std::int64_t(count(a_.real_products, 3)) + 4 * std::int64_t(count(a_.complex_products, 6)),
                "number of slots");
        check_matrix(a_.harmonic_rows, a_.n_components, a_.harmonic_columns, n_independent, a_.harmonic_values);
        check_matrix(a_.moment_rows, n_independent, a_.moment_columns, a_.n_components, a_.moment_values);
        check_couplings();
        check_form(n_scalars);
        require(a_.constant >= -1 && a_.constant < a_.n_components, "constant");
        view_ = make_view<double>(a_.harmonic_values, a_.moment_values, a_.block_values, a_.form,
                                  a_.expansion_values);
        for (const Reals* values :
             {&a_.harmonic_values, &a_.moment_values, &a_.block_values, &a_.form, &a_.expansion_values})
            single_.emplace_back(values->begin(), values->end());
        single_view_ = make_view<float>(single_[0], single_[1], single_[2], single_[3], single_[4]);
    }
    BoundPlan(const BoundPlan&) = delete;
    BoundPlan& operator=(const BoundPlan&) = delete;

    const HarmonicPlan<double>* view() const { return &view_; }
    const HarmonicPlan<float>* single_view() const { return &single_view_; }

  private:
    static constexpr std::int32_t widest = 256;  // components of a channel; those of rank 24 are 49

    template <class Real>
    HarmonicPlan<Real> make_view(const std::vector<Real>& harmonic, const std::vector<Real>& moment,
                                 const std::vector<Real>& block, const std::vector<Real>& form,
                                 const std::vector<Real>& expansion) const {
        return {a_.n_components,
                a_.n_slots,
                count(a_.harmonic_rows, 2),
                count(a_.moment_rows, 2),
                count(a_.pairs, 4),
                count(a_.rows, 3),
                count(a_.invariants, 3),
                a_.constant,
                a_.harmonic_rows.data(),
                a_.harmonic_columns.data(),
                harmonic.data(),
                a_.moment_rows.data(),
                a_.moment_columns.data(),
                moment.data(),
                a_.couplings.data(),
                a_.real_products.data(),
                a_.complex_products.data(),
                a_.blocks.data(),
                a_.block_ranks.data(),
                block.data(),
                a_.pairs.data(),
                a_.targets.data(),
                a_.rows.data(),
                a_.columns.data(),
                form.data(),
                a_.invariants.data(),
                a_.expansion_first.data(),
                a_.expansion_columns.data(),
                expansion.data()};
    }

    static void require(bool condition, const char* what) {
        if (!condition) throw std::invalid_argument(std::string("evaluation plan: ") + what + " out of range");
    }
    static std::int32_t count(const Integers32& a, std::int32_t columns) {
        return std::int32_t(a.size()) / columns;
    }
    static bool inside(std::int64_t begin, std::int64_t length, std::int64_t size) {
        return begin >= 0 && length >= 0 && begin + length <= size;
    }

    static void check_matrix(const Integers32& rows, std::int32_t n_rows, const Integers32& columns,
                             std::int32_t n_columns, const Reals& values) {
        std::int64_t total = 0;
        for (std::int32_t r = 0; r < count(rows, 2); ++r) {
            require(rows[2 * r] >= 0 && rows[2 * r] < n_rows && rows[2 * r + 1] >= 0, "row of a matrix");
            total += rows[2 * r + 1];
        }
        require(total == std::int64_t(columns.size()) && columns.size() == values.size(), "entries of a matrix");
        for (std::int32_t c : columns) require(c >= 0 && c < n_columns, "column of a matrix");
    }

    void check_couplings() const {
        const std::int32_t n = count(a_.couplings, 4) - 1;
        require(n >= 0, "couplings");
        const std::int64_t ends[4] = {count(a_.real_products, 3), count(a_.complex_products, 6),
                                      count(a_.complex_products, 6), count(a_.blocks, 7)};
        for (std::int32_t c = 0; c < 4; ++c)
            require(a_.couplings[c] >= 0 && a_.couplings[4 * n + c] == ends[c], "products of a coupling");
        for (std::int32_t c = 0; c < n; ++c) {
            const std::int32_t *now = &a_.couplings[4 * c], *next = now + 4;
            require(now[0] <= next[0] && now[1] <= now[2] && now[2] <= next[1] && now[3] <= next[3],
                    "products of a coupling");
        }
        for (std::int32_t p = 0; p < count(a_.pairs, 4); ++p) check_pair(&a_.pairs[4 * p], n);
    }

    void check_pair(const std::int32_t* pair, std::int32_t n_couplings) const {
        require(pair[2] >= 0 && pair[2] < n_couplings, "coupling of a pair");
        const std::int32_t *now = &a_.couplings[4 * pair[2]], *next = now + 4;
        for (std::int32_t r = now[0]; r < next[0]; ++r) {
            const std::int32_t* t = &a_.real_products[3 * r];
            require(inside(std::int64_t(pair[0]) + t[0], 1, a_.n_components) && inside(std::int64_t(pair[1]) + t[1], 1, a_.n_components) &&
                        inside(t[2], 1, a_.n_slots),
                    "real product");
        }
        for (std::int32_t r = now[1]; r < next[1]; ++r) {
            const std::int32_t* t = &a_.complex_products[6 * r];
            require(inside(std::int64_t(pair[0]) + t[0], 2, a_.n_components) && inside(std::int64_t(pair[1]) + t[1], 2, a_.n_components),
                    "complex product");
            for (int q = 2; q < 6; ++q) require(inside(t[q], 1, a_.n_slots), "slot of a complex product");
        }
        for (std::int32_t r = now[3]; r < next[3]; ++r) {
            const std::int32_t* b = &a_.blocks[7 * r];
            require((b[0] == 1 || b[0] == 2) && inside(b[2], std::int64_t(b[0]) * b[1], a_.n_slots) &&
                        inside(b[4], b[3], std::int64_t(a_.block_ranks.size())) &&
                        inside(b[6], std::int64_t(b[1]) * b[3], std::int64_t(a_.block_values.size())),
                    "block of a coupling");
            for (std::int32_t k = b[4]; k < b[4] + b[3]; ++k) {
                require(inside(pair[3] + std::int64_t(a_.block_ranks[k]), 1, std::int64_t(a_.targets.size())),
                        "rank of a pair");
                require(inside(std::int64_t(a_.targets[pair[3] + a_.block_ranks[k]]) + b[5], b[0], a_.n_components),
                        "target of a pair");
            }
        }
    }

    void check_form(std::int32_t n_scalars) const {
        std::int64_t total = 0, covered = 0;  // rows in order, one for each channel: no gradient is left out
        for (std::int32_t r = 0; r < count(a_.rows, 3); ++r) {
            const std::int32_t* t = &a_.rows[3 * r];
            require(t[0] == covered, "row of the form");
            covered += t[1];
            require(t[1] > 0 && t[1] <= widest && t[2] >= 0 && inside(t[0], t[1], a_.n_components), "row of the form");
            require(inside(total, t[2], std::int64_t(a_.columns.size())), "entries of the form");
            for (std::int64_t i = total; i < total + t[2]; ++i)
                require(inside(a_.columns[i], t[1], a_.n_components), "column of the form");
            total += t[2];
        }
        require(covered == a_.n_components && total == std::int64_t(a_.columns.size()) &&
                    a_.columns.size() == a_.form.size(),
                "entries of the form");
        for (std::int32_t e = 0; e < count(a_.invariants, 3); ++e) {
            const std::int32_t* t = &a_.invariants[3 * e];
            require(t[2] > 0 && inside(t[0], t[2], a_.n_components) && inside(t[1], t[2], a_.n_components),
                    "invariant");
        }
        require(std::int64_t(a_.expansion_first.size()) == std::int64_t(n_scalars) + 1 &&
                    a_.expansion_first[0] == 0 && a_.expansion_columns.size() == a_.expansion_values.size() &&
                    a_.expansion_first[n_scalars] == std::int32_t(a_.expansion_columns.size()),
                "expansion");
        for (std::int32_t k = 0; k < n_scalars; ++k)
            require(a_.expansion_first[k] <= a_.expansion_first[k + 1], "rows of the expansion");
        for (std::int32_t c : a_.expansion_columns)
            require(c >= 0 && c < count(a_.invariants, 3), "column of the expansion");
    }

    const PlanArrays& a_;
    HarmonicPlan<double> view_{};
    std::vector<std::vector<float>> single_;
    HarmonicPlan<float> single_view_{};
};

}  // namespace maxvolt
