// All numbers of a potential by name: what Python, a file or a test hands over to make a CompiledModel.
//
// each_field(arrays, visit) calls visit(name, number) or visit(name, vector, shape) for each field, in an order
// in which the numbers that a shape is made of come first: the only list of names and shapes. Vectors hold one
// row after the other. Meanings as in model.hpp and, of plans, in potentials/mtp/binding/harmonic_layout.py.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <vector>

namespace maxvolt {

using Integers32 = std::vector<std::int32_t>;
using Integers64 = std::vector<std::int64_t>;
using Reals = std::vector<double>;

using Shape = std::initializer_list<std::int64_t>;
constexpr std::int64_t any_length = std::numeric_limits<std::int64_t>::min();

// Radial functions with their coefficients.
struct RadialArrays {
    std::int32_t n_species = 0, n_mu = 0, radial_size = 0;
    std::int32_t envelope = 0;  // an Envelope
    std::int32_t clamp = 0;     // 0 or 1
    double min_dist = 0.0, cutoff = 0.0, envelope_factor = 0.0, slope = 0.0, offset = 0.0;
    Reals recurrence, radial_coeffs;
    bool operator==(const RadialArrays&) const = default;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("n_species", a.n_species);
        visit("n_mu", a.n_mu);
        visit("radial_size", a.radial_size);
        visit("envelope", a.envelope);
        visit("clamp", a.clamp);
        visit("min_dist", a.min_dist);
        visit("cutoff", a.cutoff);
        visit("envelope_factor", a.envelope_factor);
        visit("slope", a.slope);
        visit("offset", a.offset);
        visit("recurrence", a.recurrence, {3, a.radial_size});
        visit("radial_coeffs", a.radial_coeffs, {a.n_species, a.n_species, a.n_mu, a.radial_size});
    }
};

// Repulsion at short distance.
struct RepulsionArrays {
    std::int32_t exponential_repulsion = 0;  // 0 or 1
    double zbl_inner = 0.0, zbl_outer = 0.0, zbl_coulomb = 0.0, zbl_bohr = 0.0;
    Reals zbl_charges;
    bool operator==(const RepulsionArrays&) const = default;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("exponential_repulsion", a.exponential_repulsion);
        visit("zbl_inner", a.zbl_inner);
        visit("zbl_outer", a.zbl_outer);
        visit("zbl_coulomb", a.zbl_coulomb);
        visit("zbl_bohr", a.zbl_bohr);
        visit("zbl_charges", a.zbl_charges, {any_length});  // as long as there are species
    }
};

// Moments and the table that contracts them.
struct MomentArrays {
    std::int32_t max_degree = 0, n_independent = 0, n_basic = 0, n_moments = 0;
    Integers32 monomial_counts, moment_offsets, traces, run_targets, left, right, scalars;
    Integers64 run_first;
    Reals factors;
    bool operator==(const MomentArrays&) const = default;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("max_degree", a.max_degree);
        visit("n_independent", a.n_independent);
        visit("n_basic", a.n_basic);
        visit("n_moments", a.n_moments);
        visit("monomial_counts", a.monomial_counts, {any_length});  // as long as there are radial functions
        visit("moment_offsets", a.moment_offsets, {length(a.monomial_counts)});
        visit("traces", a.traces, {std::int64_t(a.n_basic) - a.n_independent, 3});
        visit("run_targets", a.run_targets, {std::int64_t(a.n_moments) - a.n_basic});
        visit("run_first", a.run_first, {length(a.run_targets) + 1});
        visit("left", a.left, {a.run_first.empty() ? 0 : a.run_first.back()});
        visit("right", a.right, {length(a.left)});
        visit("factors", a.factors, {length(a.left)});
        visit("scalars", a.scalars, {any_length});
    }

  private:
    template <class T>
    static std::int64_t length(const std::vector<T>& values) {
        return std::int64_t(values.size());
    }
};

// An evaluation plan. How its tables lead from one to the other is checked by BoundPlan.
struct PlanArrays {
    std::int32_t n_components = 0, n_slots = 0;
    std::int32_t constant = -1;
    Integers32 harmonic_rows, harmonic_columns, moment_rows, moment_columns;
    Integers32 couplings, real_products, complex_products, blocks, block_ranks, pairs, targets;
    Integers32 rows, columns, invariants, expansion_first, expansion_columns;
    Reals harmonic_values, moment_values, block_values, form, expansion_values;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("n_components", a.n_components);
        visit("n_slots", a.n_slots);
        visit("constant", a.constant);
        visit("harmonic_rows", a.harmonic_rows, {any_length, 2});
        visit("harmonic_columns", a.harmonic_columns, {any_length});
        visit("harmonic_values", a.harmonic_values, {any_length});
        visit("moment_rows", a.moment_rows, {any_length, 2});
        visit("moment_columns", a.moment_columns, {any_length});
        visit("moment_values", a.moment_values, {any_length});
        visit("couplings", a.couplings, {any_length, 4});
        visit("real_products", a.real_products, {any_length, 3});
        visit("complex_products", a.complex_products, {any_length, 6});
        visit("blocks", a.blocks, {any_length, 7});
        visit("block_ranks", a.block_ranks, {any_length});
        visit("block_values", a.block_values, {any_length});
        visit("pairs", a.pairs, {any_length, 4});
        visit("targets", a.targets, {any_length});
        visit("rows", a.rows, {any_length, 3});
        visit("columns", a.columns, {any_length});
        visit("form", a.form, {any_length});
        visit("invariants", a.invariants, {any_length, 3});
        visit("expansion_first", a.expansion_first, {any_length});
        visit("expansion_columns", a.expansion_columns, {any_length});
        visit("expansion_values", a.expansion_values, {any_length});
    }
};

// A model.
struct ModelArrays {
    RadialArrays radial;
    RepulsionArrays repulsion;
    MomentArrays moments;
    Reals species_coeffs, moment_coeffs;
    std::optional<PlanArrays> plan;

    // All but the plan.
    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        RadialArrays::each_field(a.radial, visit);
        RepulsionArrays::each_field(a.repulsion, visit);
        MomentArrays::each_field(a.moments, visit);
        visit("species_coeffs", a.species_coeffs, {any_length});  // as long as there are species
        visit("moment_coeffs", a.moment_coeffs, {any_length});    // as long as there are scalars
    }
};

// What an active set needs to grade: the inverse of its matrix of rows, and how rows are made; equations (36), (37).
struct ActiveSetArrays {
    double energy_weight = 0.0, force_weight = 0.0, stress_weight = 0.0, site_energy_weight = 0.0;
    std::int32_t weight_scaling = 2;  // the row of an energy is divided by n_atoms^(weight_scaling / 2)
    // Coordinates of a row by the active rows: row times inverse. Rows are those of the kernels, by the products of
    // radial coefficients and scaling: the rows of the inverse that belong to radial coefficients have been
    // multiplied by the scaling of the potential's file.
    Reals inverse;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("energy_weight", a.energy_weight);
        visit("force_weight", a.force_weight);
        visit("stress_weight", a.stress_weight);
        visit("site_energy_weight", a.site_energy_weight);
        visit("weight_scaling", a.weight_scaling);
        visit("inverse", a.inverse, {any_length});  // as many rows and columns as there are parameters
    }
};

// What makes expected force errors of measures: a factor of the posterior, equation (44), the mean error as a function of
// the measures, equation (45), and what bounds it, equations (46) to (48).
struct ErrorArrays {
    static constexpr std::int32_t grade = 0, deviation = 1, force_length = 2;  // measures

    // F, for gradients of the kernels as the inverse of an active set; no columns where no measure needs it.
    std::int32_t n_columns = 0;
    Reals factor;
    Integers32 measures;  // what each factor of the mean is of
    Reals floors, exponents, largest;
    double prefactor = 0.0;
    Reals edges;               // expected errors between the bins of the scores
    Integers32 score_counts;   // of each bin
    Reals scores, structures, reached;

    template <class Self, class Visit>
    static void each_field(Self& a, Visit&& visit) {
        visit("n_columns", a.n_columns);
        visit("factor", a.factor, {any_length});  // a row for each parameter
        visit("measures", a.measures, {any_length});
        visit("floors", a.floors, {any_length});        // one for each measure, as the next two
        visit("exponents", a.exponents, {any_length});
        visit("largest", a.largest, {any_length});
        visit("prefactor", a.prefactor);
        visit("edges", a.edges, {any_length});
        visit("score_counts", a.score_counts, {any_length});  // one more than edges
        visit("scores", a.scores, {any_length});              // ascending in each bin
        visit("structures", a.structures, {any_length});      // of each bin
        visit("reached", a.reached, {any_length});            // of each bin, at equidistant levels from 0 to 1
    }
};

}  // namespace maxvolt
