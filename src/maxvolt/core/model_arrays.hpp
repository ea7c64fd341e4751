// All numbers of a potential by name: what Python, a file or a test hands over to make a CompiledModel.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace maxvolt {

using Integers32 = std::vector<std::int32_t>;
using Integers64 = std::vector<std::int64_t>;
using Reals = std::vector<double>;

// An evaluation plan; arrays as in potentials/mtp/binding/harmonic_layout.py, where their shapes are told.
struct PlanArrays {
    std::int32_t n_components = 0, n_slots = 0;
    std::int32_t constant = -1;
    Integers32 harmonic_rows, harmonic_columns, moment_rows, moment_columns;
    Integers32 couplings, real_products, complex_products, blocks, block_ranks, pairs, targets;
    Integers32 rows, columns, invariants, expansion_first, expansion_columns;
    Reals harmonic_values, moment_values, block_values, form, expansion_values;
};

// A model; meanings and shapes as in model.hpp, tables of rows laid out one row after the other.
struct ModelArrays {
    std::int32_t n_species = 0, n_mu = 0, radial_size = 0;
    std::int32_t envelope = 0;  // an Envelope
    std::int32_t clamp = 0, exponential_repulsion = 0;  // 0 or 1
    double min_dist = 0.0, cutoff = 0.0, envelope_factor = 0.0, slope = 0.0, offset = 0.0;
    double zbl_inner = 0.0, zbl_outer = 0.0, zbl_coulomb = 0.0, zbl_bohr = 0.0;
    std::int32_t max_degree = 0, n_independent = 0, n_basic = 0, n_moments = 0;
    Reals recurrence, zbl_charges, radial_coeffs, species_coeffs, moment_coeffs;
    Integers32 monomial_counts, moment_offsets, traces, run_targets, left, right, scalars;
    Integers64 run_first;
    Reals factors;
    std::optional<PlanArrays> plan;
};

// Calls visit(name, field) for each field: the only list of the names.
template <class Arrays, class Visit>
void each_field_of_plan(Arrays& a, Visit&& visit) {
    visit("n_components", a.n_components);
    visit("n_slots", a.n_slots);
    visit("constant", a.constant);
    visit("harmonic_rows", a.harmonic_rows);
    visit("harmonic_columns", a.harmonic_columns);
    visit("harmonic_values", a.harmonic_values);
    visit("moment_rows", a.moment_rows);
    visit("moment_columns", a.moment_columns);
    visit("moment_values", a.moment_values);
    visit("couplings", a.couplings);
    visit("real_products", a.real_products);
    visit("complex_products", a.complex_products);
    visit("blocks", a.blocks);
    visit("block_ranks", a.block_ranks);
    visit("block_values", a.block_values);
    visit("pairs", a.pairs);
    visit("targets", a.targets);
    visit("rows", a.rows);
    visit("columns", a.columns);
    visit("form", a.form);
    visit("invariants", a.invariants);
    visit("expansion_first", a.expansion_first);
    visit("expansion_columns", a.expansion_columns);
    visit("expansion_values", a.expansion_values);
}

// The same for a model, its plan left out.
template <class Arrays, class Visit>
void each_field_of_model(Arrays& a, Visit&& visit) {
    visit("n_species", a.n_species);
    visit("n_mu", a.n_mu);
    visit("radial_size", a.radial_size);
    visit("envelope", a.envelope);
    visit("clamp", a.clamp);
    visit("exponential_repulsion", a.exponential_repulsion);
    visit("min_dist", a.min_dist);
    visit("cutoff", a.cutoff);
    visit("envelope_factor", a.envelope_factor);
    visit("slope", a.slope);
    visit("offset", a.offset);
    visit("zbl_inner", a.zbl_inner);
    visit("zbl_outer", a.zbl_outer);
    visit("zbl_coulomb", a.zbl_coulomb);
    visit("zbl_bohr", a.zbl_bohr);
    visit("max_degree", a.max_degree);
    visit("n_independent", a.n_independent);
    visit("n_basic", a.n_basic);
    visit("n_moments", a.n_moments);
    visit("recurrence", a.recurrence);
    visit("zbl_charges", a.zbl_charges);
    visit("radial_coeffs", a.radial_coeffs);
    visit("species_coeffs", a.species_coeffs);
    visit("moment_coeffs", a.moment_coeffs);
    visit("monomial_counts", a.monomial_counts);
    visit("moment_offsets", a.moment_offsets);
    visit("traces", a.traces);
    visit("run_targets", a.run_targets);
    visit("run_first", a.run_first);
    visit("left", a.left);
    visit("right", a.right);
    visit("factors", a.factors);
    visit("scalars", a.scalars);
}

}  // namespace maxvolt
