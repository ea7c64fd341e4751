// Lists of a host program: local atoms, and ghosts that stand for atoms of others.
#include <doctest/doctest.h>

#include "hosted.hpp"

using namespace maxvolt;

TEST_CASE("ghosts give what periodic images give") {
    for (const std::string& name : all_models)
        for (const int n : {1, 2, 3}) {
            CAPTURE(name);
            CAPTURE(n);
            const auto model = load(name);
            const Crystal crystal(n, model->view().n_species);
            const Evaluated periodic = evaluate_periodic(*model, crystal, kernels());
            const Hosted hosted(crystal, model->view().cutoff);
            for (const std::int64_t window_atoms : {4, 256}) {
                Evaluated found = hosted.evaluate(*model, window_atoms);
                std::vector<double> forces(crystal.positions.size());
                for (std::size_t k = 0; k < found.forces.size(); ++k)
                    forces[3 * std::size_t(hosted.owner[k / 3]) + k % 3] += found.forces[k];
                CHECK(largest_difference(periodic.forces, forces) < 1e-11);
                CHECK(largest_difference(periodic.virials, found.virials) < 1e-9);
                found.energies.resize(crystal.types.size());
                CHECK(largest_difference(periodic.energies, found.energies) < 1e-12);
            }
        }
}

TEST_CASE("atoms shared between two hosts give what one host gives") {
    const auto model = load("level8");
    const Crystal crystal(3, 2);
    const Hosted hosted(crystal, model->view().cutoff);
    const Evaluated whole = hosted.evaluate(*model);
    std::vector<double> forces(whole.forces.size());
    double energy = 0.0;
    for (const bool even : {true, false}) {  // each host has half of the local atoms; the rest are its ghosts
        Hosted part = hosted;
        part.first.assign(1, 0);
        part.neighbors.clear();
        part.positions.clear();
        part.types.clear();
        std::vector<std::int32_t> order, number(hosted.types.size());
        for (const bool local : {true, false})
            for (std::int32_t i = 0; i < std::int32_t(hosted.types.size()); ++i)
                if ((i < crystal.size() && (i % 2 == 0) == even) == local) order.push_back(i);
        for (std::int32_t k = 0; k < std::int32_t(order.size()); ++k) {
            number[order[k]] = k;
            part.types.push_back(hosted.types[order[k]]);
            for (int c = 0; c < 3; ++c) part.positions.push_back(hosted.positions[3 * std::size_t(order[k]) + c]);
        }
        for (const std::int32_t i : order) {
            if (i >= crystal.size() || (i % 2 == 0) != even) break;
            for (std::int64_t e = hosted.first[i]; e < hosted.first[i + 1]; ++e)
                part.neighbors.push_back(number[hosted.neighbors[e]]);
            part.first.push_back(std::int64_t(part.neighbors.size()));
        }
        const Evaluated found = part.evaluate(*model);
        energy += total(found.energies);
        for (std::size_t k = 0; k < order.size(); ++k)
            for (int c = 0; c < 3; ++c) forces[3 * std::size_t(order[k]) + c] += found.forces[3 * k + c];
    }
    CHECK(energy == doctest::Approx(total(whole.energies)).epsilon(1e-13));
    CHECK(largest_difference(forces, whole.forces) < 1e-11);
}

TEST_CASE("hosts without atoms, and ghosts nobody sees") {
    const auto model = load("level8");
    Hosted hosted(Crystal(2, 2), model->view().cutoff);
    hosted.first.assign(1, 0);
    hosted.neighbors.clear();
    const Evaluated found = hosted.evaluate(*model);
    CHECK(total(found.energies) == 0.0);
    CHECK(largest_difference(found.forces, std::vector<double>(found.forces.size())) == 0.0);
    hosted.positions.clear();
    hosted.types.clear();
    CHECK(hosted.evaluate(*model).energies.empty());
}

TEST_CASE("lists that point beyond the atoms are refused") {
    const auto model = load("level8");
    const Hosted good(Crystal(2, 2), model->view().cutoff);
    const auto refused = [&](auto&& change) {
        Hosted bad = good;
        change(bad);
        CHECK_THROWS_AS(bad.evaluate(*model), std::invalid_argument);
    };
    refused([](Hosted& h) { h.neighbors[3] = std::int32_t(h.types.size()); });
    refused([](Hosted& h) { h.neighbors[3] = -1; });
    refused([](Hosted& h) { h.neighbors[0] = 0; });  // an atom as its own neighbour
    refused([](Hosted& h) { h.first[1] = h.first[2] + 1; });
    refused([](Hosted& h) { h.first[0] = -1; });
    refused([](Hosted& h) { h.types[1] = -1; });
    refused([](Hosted& h) { h.types[1] = 2; });
}
