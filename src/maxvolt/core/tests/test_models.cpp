#include <doctest/doctest.h>

#include "systems.hpp"

using namespace maxvolt;

namespace {

void refuse(const std::string& message, void (*change)(ModelArrays&)) {
    CAPTURE(message);
    ModelArrays arrays = load("level8")->arrays();
    change(arrays);
    CHECK_THROWS_WITH_AS(CompiledModel(std::move(arrays)), doctest::Contains(message.c_str()), std::invalid_argument);
}

}  // namespace

TEST_CASE("tables that would lead kernels astray are refused") {
    refuse("a model needs species", [](ModelArrays& a) { a.radial.n_species = 0; });
    refuse("too many species", [](ModelArrays& a) { a.radial.n_species = 1 << 30; });
    refuse("radial_coeffs has 39 entries; expected shape (2, 2, 2, 5)", [](ModelArrays& a) { a.radial.radial_coeffs.pop_back(); });
    refuse("degree of moments", [](ModelArrays& a) { a.moments.max_degree = 1 << 30; });
    refuse("monomial counts", [](ModelArrays& a) { a.moments.monomial_counts[0] = 5; });
    refuse("moments out of range", [](ModelArrays& a) { a.moments.moment_offsets[1] = a.moments.n_independent; });
    refuse("traces has", [](ModelArrays& a) { a.moments.n_basic = 1 << 30; });
    refuse("a trace uses a moment", [](ModelArrays& a) { a.moments.traces[0] = a.moments.n_basic; });
    refuse("species_coeffs has 1 entries; expected 2, one for each species",
           [](ModelArrays& a) { a.species_coeffs.pop_back(); });
    refuse("run_first has", [](ModelArrays& a) { a.moments.run_first.pop_back(); });
    refuse("left has", [](ModelArrays& a) { a.moments.run_first.back() = 1 << 30; });
    refuse("evaluation plan: pairs has", [](ModelArrays& a) { a.plan->pairs.pop_back(); });
    refuse("runs must give", [](ModelArrays& a) { a.moments.run_targets[0] = 0; });
    refuse("a product uses a moment", [](ModelArrays& a) { a.moments.left[0] = a.moments.n_moments; });
    refuse("scalar out of range", [](ModelArrays& a) { a.moments.scalars[0] = -1; });
    refuse("component", [](ModelArrays& a) { a.plan->n_components = 0; });
    refuse("column of a matrix", [](ModelArrays& a) { a.plan->harmonic_columns[0] = a.moments.n_independent; });
    refuse("out of range", [](ModelArrays& a) { a.plan->pairs[0] = a.plan->n_components; });
    refuse("out of range", [](ModelArrays& a) { a.plan->expansion_first[1] = -1; });
}

TEST_CASE("an instruction set that is not there is refused by name") {
    CHECK(find_kernels("baseline").name == std::string("baseline"));
    CHECK_THROWS_WITH_AS(find_kernels("quantum"), doctest::Contains("quantum"), std::invalid_argument);
}
