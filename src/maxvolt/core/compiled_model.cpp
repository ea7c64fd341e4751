#include "compiled_model.hpp"

#include <cmath>
#include <utility>

#include "checks.hpp"

namespace maxvolt {

namespace {

// Far above every potential, far below what overflows a product of them.
constexpr std::int32_t most_species = 1 << 10, most_functions = 1 << 12, most_polynomials = 1 << 16,
                       most_degree = 1 << 12;

}  // namespace

CompiledModel::CompiledModel(ModelArrays arrays) : a_(std::move(arrays)) {
    check_coefficients();
    check_moments();
    check_products();
    set_view();
    if (a_.plan) {
        plan_ = std::make_unique<BoundPlan>(*a_.plan, a_.n_independent, view_.n_scalars);
        view_.plan = plan_->view();
        view_.single_plan = plan_->single_view();
    }
}

ScalarGraph CompiledModel::graph() const {
    std::call_once(analysed_, [this] { graph_ = std::make_unique<Dependencies>(view_); });
    return graph_->view();
}

void CompiledModel::check_coefficients() const {
    require(a_.n_species > 0 && a_.n_mu > 0 && a_.radial_size > 0, "a model needs species and radial functions");
    require(a_.n_species <= most_species && a_.n_mu <= most_functions && a_.radial_size <= most_polynomials,
            "too many species or radial functions");
    const std::int64_t pairs = std::int64_t(a_.n_species) * a_.n_species;
    require(std::int64_t(a_.radial_coeffs.size()) == pairs * a_.n_mu * a_.radial_size,
            "radial coefficients of wrong size");
    require(std::int32_t(a_.species_coeffs.size()) == a_.n_species &&
                a_.zbl_charges.size() == a_.species_coeffs.size(),
            "species coefficients of wrong size");
    require(a_.moment_coeffs.size() == a_.scalars.size(), "moment coefficients of wrong size");
    require(std::int64_t(a_.recurrence.size()) == 3 * std::int64_t(a_.radial_size), "recurrence of wrong size");
    require(a_.envelope >= 0 && a_.envelope <= 2, "unknown envelope");
}

void CompiledModel::check_moments() const {
    require(std::int32_t(a_.monomial_counts.size()) == a_.n_mu &&
                a_.moment_offsets.size() == a_.monomial_counts.size(),
            "moment layout of wrong size");
    require(a_.max_degree >= 0 && a_.max_degree <= most_degree, "degree of moments out of range");
    const std::int32_t full = (a_.max_degree + 1) * (a_.max_degree + 1);
    for (std::int32_t mu = 0; mu < a_.n_mu; ++mu) {
        const std::int32_t count = a_.monomial_counts[mu], at = a_.moment_offsets[mu];
        require(count > 0 && count <= full && (mu == 0 || count <= a_.monomial_counts[mu - 1]),
                "monomial counts out of range");
        require(at >= 0 && count <= a_.n_independent && at <= a_.n_independent - count, "moments out of range");
    }
    require(a_.monomial_counts[0] == full, "monomial counts must reach the highest degree");
    require(a_.n_independent <= a_.n_basic &&
                std::int64_t(a_.traces.size()) == 3 * (std::int64_t(a_.n_basic) - a_.n_independent),
            "traces of wrong size");
    for (std::size_t t = 0; t < a_.traces.size(); ++t)
        require(a_.traces[t] >= 0 && a_.traces[t] < a_.n_independent + std::int32_t(t / 3),
                "a trace uses a moment before it is computed");
}

// One run for every moment that is not basic, in order, so that none is left undefined.
void CompiledModel::check_products() {
    const std::size_t n_runs = a_.run_targets.size();
    require(a_.run_first.size() == n_runs + 1, "runs of wrong size");
    require(a_.left.size() == a_.right.size() && a_.left.size() == a_.factors.size() &&
                std::int64_t(a_.left.size()) == a_.run_first.back(),
            "products of wrong size");
    require(std::int64_t(n_runs) == std::int64_t(a_.n_moments) - a_.n_basic && a_.run_first[0] == 0,
            "runs must give every moment that is not basic, from the first product on");
    for (std::size_t run = 0; run < n_runs; ++run)
        require(a_.run_targets[run] == a_.n_basic + std::int32_t(run) && a_.run_first[run] <= a_.run_first[run + 1],
                "runs must give the moments in order");
    products_.reserve(a_.left.size());
    for (std::size_t run = 0; run < n_runs; ++run)
        for (std::int64_t p = a_.run_first[run]; p < a_.run_first[run + 1]; ++p) {
            const std::int32_t l = a_.left[p], r = a_.right[p], target = a_.run_targets[run];
            require(l >= 0 && r >= 0 && l < target && r < target, "a product uses a moment before it is computed");
            products_.push_back({l, r, a_.factors[p]});
        }
    for (const std::int32_t k : a_.scalars) require(k >= 0 && k < a_.n_moments, "scalar out of range");
}

void CompiledModel::set_view() {
    for (const std::int32_t count : a_.monomial_counts) {
        degrees_.push_back(std::int32_t(std::lround(std::sqrt(double(count)))) - 1);
        require((degrees_.back() + 1) * (degrees_.back() + 1) == count, "monomial counts must be squares");
    }
    Model& m = view_;
    m.n_species = a_.n_species;
    m.n_mu = a_.n_mu;
    m.radial_size = a_.radial_size;
    m.max_degree = a_.max_degree;
    m.n_independent = a_.n_independent;
    m.n_basic = a_.n_basic;
    m.n_moments = a_.n_moments;
    m.n_scalars = std::int32_t(a_.scalars.size());
    m.n_runs = std::int32_t(a_.run_targets.size());
    m.envelope = static_cast<Envelope>(a_.envelope);
    m.clamp = a_.clamp;
    m.min_dist = a_.min_dist;
    m.cutoff = a_.cutoff;
    m.envelope_factor = a_.envelope_factor;
    m.slope = a_.slope;
    m.offset = a_.offset;
    m.exponential_repulsion = a_.exponential_repulsion;
    m.zbl_inner = a_.zbl_inner;
    m.zbl_outer = a_.zbl_outer;
    m.zbl_coulomb = a_.zbl_coulomb;
    m.zbl_bohr = a_.zbl_bohr;
    m.recurrence = a_.recurrence.data();
    m.zbl_charges = a_.zbl_charges.data();
    m.radial_coeffs = a_.radial_coeffs.data();
    series_ = RadialSeries(m);
    series_.add_to(m);
    m.species_coeffs = a_.species_coeffs.data();
    m.moment_coeffs = a_.moment_coeffs.data();
    m.monomial_counts = a_.monomial_counts.data();
    m.degrees = degrees_.data();
    m.moment_offsets = a_.moment_offsets.data();
    m.traces = a_.traces.data();
    m.run_targets = a_.run_targets.data();
    m.run_first = a_.run_first.data();
    m.products = products_.data();
    m.scalars = a_.scalars.data();
}

}  // namespace maxvolt
