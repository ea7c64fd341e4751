#include "force_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "checks.hpp"

namespace maxvolt {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double rank_tolerance = 1e-9, coverage_tolerance = 1e-12;  // as in maxvolt.uncertainty.conformal

void all_finite(const Reals& values) {
    for (const double value : values) require(std::isfinite(value), "expected errors: a number is not finite");
}

void not_negative(const Reals& values, const char* message) {
    for (const double value : values) require(value >= 0.0, message);
}

double value_of(std::int32_t measure, const ForceErrors::Measures& m) {
    if (measure == ErrorArrays::grade) return m.grade;
    return measure == ErrorArrays::deviation ? m.deviation : m.force_length;
}

}  // namespace

ForceErrors::ForceErrors(ErrorArrays arrays, std::int64_t n_parameters) : a_(std::move(arrays)) {
    check(n_parameters);
    check_scores();
    n_levels_ = a_.reached.size() / a_.structures.size();
    if (needs(ErrorArrays::deviation)) posterior_.emplace(a_.factor, n_parameters, a_.n_columns);
}

void ForceErrors::check(std::int64_t n_parameters) const {
    const SizeCheck sizes{"expected errors: "};
    const auto n = std::int64_t(a_.measures.size());
    require(n > 0 && n <= 3, "expected errors: one to three measures are possible");
    for (std::size_t k = 0; k < a_.measures.size(); ++k) {
        require(a_.measures[k] >= 0 && a_.measures[k] <= ErrorArrays::force_length, "expected errors: unknown measure");
        for (std::size_t other = 0; other < k; ++other)
            require(a_.measures[k] != a_.measures[other], "expected errors: a measure occurs twice");
    }
    sizes.same("floors", a_.floors, n, "measure");
    sizes.same("exponents", a_.exponents, n, "measure");
    sizes.same("largest", a_.largest, n, "measure");
    for (const Reals* values : {&a_.floors, &a_.exponents, &a_.largest, &a_.factor}) all_finite(*values);
    for (const double floor : a_.floors) require(floor > 0.0, "expected errors: a floor is not positive");
    not_negative(a_.largest, "expected errors: a largest measure is negative");
    not_negative(a_.exponents, "expected errors: an exponent is negative");
    require(std::isfinite(a_.prefactor) && a_.prefactor >= 0.0, "expected errors: the prefactor is negative or not finite");
    const bool has_factor = needs(ErrorArrays::deviation);
    require(has_factor ? a_.n_columns > 0 && a_.n_columns <= n_parameters : a_.n_columns == 0,
            "expected errors: columns of the factor");
    sizes.same("factor", a_.factor, n_parameters * a_.n_columns, "parameter and column");
}

void ForceErrors::check_scores() const {
    const SizeCheck sizes{"expected errors: "};
    const std::size_t n_bins = a_.edges.size() + 1;
    for (const Reals* values : {&a_.edges, &a_.scores, &a_.structures, &a_.reached}) all_finite(*values);
    require(std::is_sorted(a_.edges.begin(), a_.edges.end()), "expected errors: bins are not in order");
    sizes.same("score_counts", a_.score_counts, std::int64_t(n_bins), "bin");
    sizes.same("structures", a_.structures, std::int64_t(n_bins), "bin");
    std::int64_t total = 0;
    for (const std::int32_t count : a_.score_counts) {
        require(count >= 0 && std::size_t(count) <= a_.scores.size(), "expected errors: numbers of scores");
        const auto begin = a_.scores.begin() + std::min(total, std::int64_t(a_.scores.size()));
        total += count;
        require(total <= std::int64_t(a_.scores.size()) && std::is_sorted(begin, begin + count),
                "expected errors: scores are too few or not in order");
    }
    sizes.same("scores", a_.scores, total, "held-out error");
    not_negative(a_.scores, "expected errors: a score is negative");
    not_negative(a_.structures, "expected errors: a number of structures is negative");
    require(a_.reached.size() % n_bins == 0 && a_.reached.size() >= 2 * n_bins, "expected errors: levels of coverage");
}

bool ForceErrors::needs(std::int32_t measure) const {
    return std::find(a_.measures.begin(), a_.measures.end(), measure) != a_.measures.end();
}

double ForceErrors::expected(const Measures& m) const {
    double within = 0.0, fitted = 0.0, farthest = 1.0;  // the first two are logarithms
    for (std::size_t k = 0; k < a_.measures.size(); ++k) {
        const double value = value_of(a_.measures[k], m), inside = std::min(value, a_.largest[k]) + a_.floors[k];
        const double growth = (value + a_.floors[k]) / inside;
        within += a_.exponents[k] * std::log(inside);
        fitted += a_.exponents[k] * std::log(growth);
        farthest = std::max(farthest, growth);
    }
    return a_.prefactor * std::exp(within) * std::max(std::exp(fitted), farthest);
}

bool ForceErrors::is_beyond(const Measures& m) const {
    for (std::size_t k = 0; k < a_.measures.size(); ++k)
        if (a_.measures[k] != ErrorArrays::force_length && value_of(a_.measures[k], m) > a_.largest[k]) return true;
    return false;
}

std::vector<double> ForceErrors::factors(double coverage, bool strict) const {
    require(coverage > 0.0 && coverage < 1.0, "coverage must be a number between 0 and 1, like 0.9");
    std::vector<double> out;
    std::size_t first = 0;
    for (std::size_t b = 0; b < a_.structures.size(); ++b) {
        const auto count = double(a_.score_counts[b]);
        const double level = strict ? coverage * (1.0 + 1.0 / a_.structures[b]) : level_of(b, coverage);
        const double rank = std::ceil(level * count - rank_tolerance);
        out.push_back(rank <= count && count > 0.0 ? a_.scores[first + std::size_t(std::max(rank, 1.0)) - 1] : infinite);
        first += std::size_t(a_.score_counts[b]);
    }
    return out;
}

std::size_t ForceErrors::bin(double expected) const {
    return std::size_t(std::upper_bound(a_.edges.begin(), a_.edges.end(), expected) - a_.edges.begin());
}

// Level of the quantile that covers such a share of structures left out; infinite where none does.
double ForceErrors::level_of(std::size_t bin, double coverage) const {
    const double* reached = a_.reached.data() + bin * n_levels_;
    const auto at = std::size_t(std::lower_bound(reached, reached + n_levels_, coverage - coverage_tolerance) - reached);
    if (at == n_levels_) return infinite;
    if (at == 0) return 0.0;
    const double step = 1.0 / double(n_levels_ - 1);
    return (double(at - 1) + (coverage - reached[at - 1]) / (reached[at] - reached[at - 1])) * step;
}

}  // namespace maxvolt
