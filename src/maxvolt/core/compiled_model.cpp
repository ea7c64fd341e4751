#include "compiled_model.hpp"

#include <cmath>
#include <utility>

#include "checks.hpp"

namespace maxvolt {

namespace {

// Far above every potential, far below what overflows a product of them.
constexpr std::int32_t most_species = 1 << 10, most_functions = 1 << 12, most_polynomials = 1 << 16,
                       most_degree = 1 << 12, most_independent = 1 << 20;

}  // namespace

CompiledModel::CompiledModel(ModelArrays arrays) : a_(std::move(arrays)) {
    check_coefficients();
    check_moments();
    check_products();
    set_view();
    if (a_.plan) {
        plan_ = std::make_unique<BoundPlan>(*a_.plan, a_.moments.n_independent, view_.n_scalars);
        view_.plan = plan_->view();
        view_.single_plan = plan_->single_view();
    }
}

ScalarGraph CompiledModel::graph() const {
    std::call_once(analysed_, [this] { graph_ = std::make_unique<Dependencies>(view_); });
    return graph_->view();
}

InvariantGraph CompiledModel::invariant_graph() const {
    require(has_plan(), "invariants need an evaluation plan");
    std::call_once(plan_analysed_, [this] { invariant_graph_ = std::make_unique<InvariantDependencies>(view_); });
    return invariant_graph_->view();
}

void CompiledModel::check_coefficients() const {
    const RadialArrays& a = a_.radial;
    require(a.n_species > 0 && a.n_mu > 0 && a.radial_size > 0, "a model needs species and radial functions");
    require(a.n_species <= most_species && a.n_mu <= most_functions && a.radial_size <= most_polynomials,
            "too many species or radial functions");
    require(a.envelope >= 0 && a.envelope <= 2, "unknown envelope");
    const SizeCheck sizes;
    ModelArrays::each_field(a_, sizes);
    sizes.same("zbl_charges", a_.repulsion.zbl_charges, a.n_species, "species");
    sizes.same("species_coeffs", a_.species_coeffs, a.n_species, "species");
    sizes.same("moment_coeffs", a_.moment_coeffs, std::int64_t(a_.moments.scalars.size()), "scalar");
    sizes.same("monomial_counts", a_.moments.monomial_counts, a.n_mu, "radial function");
}

void CompiledModel::check_moments() const {
    const MomentArrays& a = a_.moments;
    require(a.max_degree >= 0 && a.max_degree <= most_degree, "degree of moments out of range");
    require(a.n_independent <= most_independent, "too many moments");
    const std::int32_t full = (a.max_degree + 1) * (a.max_degree + 1);
    for (std::int32_t mu = 0; mu < a_.radial.n_mu; ++mu) {
        const std::int32_t count = a.monomial_counts[mu], at = a.moment_offsets[mu];
        require(count > 0 && count <= full && (mu == 0 || count <= a.monomial_counts[mu - 1]),
                "monomial counts out of range");
        require(at >= 0 && count <= a.n_independent && at <= a.n_independent - count, "moments out of range");
    }
    require(a.monomial_counts[0] == full, "monomial counts must reach the highest degree");
    for (std::size_t t = 0; t < a.traces.size(); ++t)
        require(a.traces[t] >= 0 && a.traces[t] < a.n_independent + std::int32_t(t / 3),
                "a trace uses a moment before it is computed");
}

// One run for every moment that is not basic, in order, so that none is left undefined.
void CompiledModel::check_products() {
    const MomentArrays& a = a_.moments;
    const std::size_t n_runs = a.run_targets.size();
    require(a.run_first[0] == 0, "runs must begin with the first product");
    for (std::size_t run = 0; run < n_runs; ++run)
        require(a.run_targets[run] == a.n_basic + std::int32_t(run) && a.run_first[run] <= a.run_first[run + 1],
                "runs must give the moments in order");
    products_.reserve(a.left.size());
    for (std::size_t run = 0; run < n_runs; ++run)
        for (std::int64_t p = a.run_first[run]; p < a.run_first[run + 1]; ++p) {
            const std::int32_t l = a.left[p], r = a.right[p], target = a.run_targets[run];
            require(l >= 0 && r >= 0 && l < target && r < target, "a product uses a moment before it is computed");
            products_.push_back({l, r, a.factors[p]});
        }
    for (const std::int32_t k : a.scalars) require(k >= 0 && k < a.n_moments, "scalar out of range");
}

void CompiledModel::set_view() {
    for (const std::int32_t count : a_.moments.monomial_counts) {
        degrees_.push_back(std::int32_t(std::lround(std::sqrt(double(count)))) - 1);
        require((degrees_.back() + 1) * (degrees_.back() + 1) == count, "monomial counts must be squares");
    }
    Model& m = view_;
    m.n_species = a_.radial.n_species;
    m.n_mu = a_.radial.n_mu;
    m.radial_size = a_.radial.radial_size;
    m.max_degree = a_.moments.max_degree;
    m.n_independent = a_.moments.n_independent;
    m.n_basic = a_.moments.n_basic;
    m.n_moments = a_.moments.n_moments;
    m.n_scalars = std::int32_t(a_.moments.scalars.size());
    m.n_runs = std::int32_t(a_.moments.run_targets.size());
    m.envelope = static_cast<Envelope>(a_.radial.envelope);
    m.clamp = a_.radial.clamp;
    m.min_dist = a_.radial.min_dist;
    m.cutoff = a_.radial.cutoff;
    m.envelope_factor = a_.radial.envelope_factor;
    m.slope = a_.radial.slope;
    m.offset = a_.radial.offset;
    m.exponential_repulsion = a_.repulsion.exponential_repulsion;
    m.zbl_inner = a_.repulsion.zbl_inner;
    m.zbl_outer = a_.repulsion.zbl_outer;
    m.zbl_coulomb = a_.repulsion.zbl_coulomb;
    m.zbl_bohr = a_.repulsion.zbl_bohr;
    m.recurrence = a_.radial.recurrence.data();
    m.zbl_charges = a_.repulsion.zbl_charges.data();
    m.radial_coeffs = a_.radial.radial_coeffs.data();
    series_ = RadialSeries(m);
    series_.add_to(m);
    m.species_coeffs = a_.species_coeffs.data();
    m.moment_coeffs = a_.moment_coeffs.data();
    m.monomial_counts = a_.moments.monomial_counts.data();
    m.degrees = degrees_.data();
    m.moment_offsets = a_.moments.moment_offsets.data();
    m.traces = a_.moments.traces.data();
    m.run_targets = a_.moments.run_targets.data();
    m.run_first = a_.moments.run_first.data();
    m.products = products_.data();
    m.scalars = a_.moments.scalars.data();
}

}  // namespace maxvolt
