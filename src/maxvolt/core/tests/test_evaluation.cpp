#include <doctest/doctest.h>

#include "systems.hpp"

using namespace maxvolt;

TEST_CASE("forces and virials are derivatives of the energy") {
    for (const std::string& name : all_models)
        for (const bool planned : {true, false}) {
            CAPTURE(name);
            CAPTURE(planned);
            const auto model = load(name, planned);
            const Crystal crystal(2, model->view().n_species);
            const Evaluated found = evaluate_periodic(*model, crystal, kernels());
            const double h = 1e-5;  // rounding 1e-10; h times the jump where a pair crosses the cutoff 1e-7
            const auto energy = [&](auto&& change) {
                Crystal changed = crystal;
                change(changed);
                return total(evaluate_periodic(*model, changed, kernels()).energies);
            };
            for (std::size_t k = 0; k < crystal.positions.size(); ++k) {
                const double slope = (energy([&](Crystal& c) { c.positions[k] += h; }) -
                                      energy([&](Crystal& c) { c.positions[k] -= h; })) / (2.0 * h);
                CHECK(found.forces[k] == doctest::Approx(-slope).epsilon(1e-6).scale(1.0));
            }
            const int rows[6] = {0, 1, 2, 1, 0, 0}, columns[6] = {0, 1, 2, 2, 2, 1};
            for (int v = 0; v < 6; ++v) {
                const auto strained = [&](double e) {
                    return energy([&](Crystal& c) {
                        for (auto* x : {&c.positions, &c.cell})
                            for (std::size_t i = 0; i < x->size(); i += 3) {
                                const double a = (*x)[i + rows[v]], b = (*x)[i + columns[v]];
                                (*x)[i + rows[v]] += 0.5 * e * b;
                                (*x)[i + columns[v]] += 0.5 * e * a;
                            }
                    });
                };
                const double slope = (strained(h) - strained(-h)) / (2.0 * h);
                CHECK(found.virials[v] == doctest::Approx(slope).epsilon(1e-6).scale(1.0));
            }
        }
}

TEST_CASE("instruction sets, tables and plans agree") {
    for (const std::string& name : all_models) {
        CAPTURE(name);
        const auto model = load(name), by_table = load(name, false);
        const Crystal crystal(4, model->view().n_species);
        const Evaluated first = evaluate_periodic(*model, crystal, kernels());
        for (const Kernels* others : available_kernels())
            for (const CompiledModel* m : {model.get(), by_table.get()}) {
                CAPTURE(others->name);
                const Evaluated other = evaluate_periodic(*m, crystal, *others);
                CHECK(largest_difference(first.energies, other.energies) < 1e-11);
                CHECK(largest_difference(first.forces, other.forces) < 1e-11);
                CHECK(largest_difference(first.virials, other.virials) < 1e-9);
            }
        const Evaluated single = evaluate_periodic(*model, crystal, kernels(), true);
        CHECK(largest_difference(first.forces, single.forces) < 1e-4);
    }
}

TEST_CASE("results do not depend on the size of windows beyond rounding") {
    const auto model = load("level8");
    const Crystal crystal(4, 2);
    const Evaluated whole = evaluate_periodic(*model, crystal, kernels());
    for (const std::int64_t window_atoms : {1, 7, 30}) {
        const Evaluated cut = evaluate_periodic(*model, crystal, kernels(), false, window_atoms);
        CHECK(largest_difference(whole.energies, cut.energies) < 1e-12);
        CHECK(largest_difference(whole.forces, cut.forces) < 1e-12);
    }
}

TEST_CASE("atoms that coincide are named") {
    const auto model = load("level8");
    Crystal crystal(2, 2);
    for (int c = 0; c < 3; ++c) crystal.positions[9 + c] = crystal.positions[c];
    const std::int64_t found = evaluate_periodic(*model, crystal, kernels()).coincident;
    CHECK((found == 0 || found == 3));
}

TEST_CASE("gradients of sites sum up to those of the structure") {
    for (const std::string& name : all_models) {
        const auto model = load(name);
        const Crystal crystal(3, model->view().n_species);
        const Pairs pairs(crystal, model->view().cutoff);
        const std::vector<std::int32_t> structures(crystal.types.size(), 0);
        const NeighborWindows windows(pairs.list(), structures.data(), crystal.types.data(),
                                      crystal.positions.data(), 10);
        const AtomicSystem system(crystal.positions.data(), crystal.size(), crystal.cell.data(), 1,
                                  crystal.types.data(), windows);
        const auto width = std::size_t(model->n_parameters());
        const std::int64_t count = windows.windows().count();
        std::vector<double> sites(width * crystal.types.size()), sum(width);
        CHECK(site_gradients(*model, system, {0, count}, kernels(), nullptr, sites.data()) == -1);
        std::vector<double> parts(width * std::size_t(windows.windows().n_parts()));
        CHECK(structure_gradients(*model, system, {0, count}, kernels(), nullptr, parts.data()) == -1);
        for (std::size_t k = 0; k < sites.size(); ++k) sum[k % width] += sites[k];
        for (std::size_t k = 0; k < parts.size(); ++k) sum[k % width] -= parts[k];
        for (const double difference : sum) CHECK(std::fabs(difference) < 1e-9);
    }
}
