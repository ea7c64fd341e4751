// The C header: the same numbers, and a status instead of exceptions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "c_model.hpp"
#include "scratch.hpp"

using namespace maxvolt;

extern "C" int interface_seen_from_c(void);

namespace {

const std::string path = std::string(MODELS) + "/level8.maxvolt";

}  // namespace

TEST_CASE("the C header gives what the core gives") {
    CHECK(interface_seen_from_c() == MAXVOLT_INTERFACE);
    const auto model = load("level8");
    const Hosted hosted(Crystal(3, 2), model->view().cutoff);
    const Evaluated expected = hosted.evaluate(*model);
    CModel c(path);
    const maxvolt_about about = maxvolt_about_model(c.model);
    CHECK(about.cutoff == model->view().cutoff);
    CHECK(about.n_species == 2);
    CHECK(about.has_plan == 1);
    CHECK(about.n_parameters == model->n_parameters());
    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    const std::size_t n = hosted.types.size(), n_local = hosted.first.size() - 1;
    for (const bool with_shares : {false, true}) {
        std::vector<double> energies(n_local), forces(3 * n, 1.0), shares(9 * n, 0.0);
        maxvolt_results results{};
        results.energies = energies.data();
        results.forces = forces.data();
        results.shares = with_shares ? shares.data() : nullptr;
        REQUIRE(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_OK);
        CHECK(results.energy == doctest::Approx(total(expected.energies)).epsilon(1e-13));
        for (double& f : forces) f -= 1.0;  // they are added to what is there
        CHECK(largest_difference(forces, expected.forces) < 1e-12);
        CHECK(largest_difference({results.virial, results.virial + 6}, expected.virials) < 1e-10);
        if (!with_shares) continue;
        const int place[6][2] = {{0, 0}, {4, 4}, {8, 8}, {5, 7}, {2, 6}, {1, 3}};
        for (int v = 0; v < 6; ++v) {
            double sum = 0.0;
            for (std::size_t i = 0; i < n; ++i) sum += 0.5 * (shares[9 * i + place[v][0]] + shares[9 * i + place[v][1]]);
            CHECK(sum == doctest::Approx(results.virial[v]).epsilon(1e-10));
        }
    }
    std::vector<double> rows(n_local * std::size_t(about.n_parameters), NAN);
    REQUIRE(maxvolt_site_gradients(c.model, c.list, hosted.positions.data(), rows.data(), &c.message) == MAXVOLT_OK);
    CHECK(std::isfinite(total(rows)));
}

TEST_CASE("what is wrong is a status and a message") {
    CModel c(path);
    maxvolt_model* none = nullptr;
    CHECK(maxvolt_read_model("absent.maxvolt", &none, &c.message) == MAXVOLT_FILE);
    CHECK(c.says("absent.maxvolt: cannot be opened"));
    CHECK(none == nullptr);
    CHECK(maxvolt_read_model(nullptr, &none, &c.message) == MAXVOLT_INVALID);
    CHECK(maxvolt_read_model(path.c_str(), nullptr, nullptr) == MAXVOLT_INVALID);

    Hosted hosted(Crystal(2, 2), maxvolt_about_model(c.model).cutoff);
    Hosted bad = hosted;
    bad.neighbors[3] = std::int32_t(bad.types.size());
    CHECK(c.make(bad) == MAXVOLT_INVALID);
    CHECK(c.list == nullptr);
    bad = hosted;
    bad.types[1] = 2;
    REQUIRE(c.make(bad) == MAXVOLT_OK);  // it does not know the model yet
    std::vector<double> forces(3 * bad.types.size());
    maxvolt_results results{};
    results.forces = forces.data();
    CHECK(maxvolt_evaluate(c.model, c.list, bad.positions.data(), &results, &c.message) == MAXVOLT_INVALID);
    maxvolt_free_list(c.list);

    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    CHECK(maxvolt_evaluate(c.model, nullptr, hosted.positions.data(), &results, &c.message) == MAXVOLT_INVALID);
    const std::int32_t neighbor = hosted.neighbors[0];
    for (int x = 0; x < 3; ++x) hosted.positions[3 * std::size_t(neighbor) + x] = hosted.positions[x];
    CHECK(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_COINCIDENT);
    CHECK((results.atom == 0 || results.atom == neighbor));
    CHECK(c.says("coincides"));
}

TEST_CASE("numbers that are not finite are refused") {
    ModelFile file = read_model_file(path);
    for (double& value : file.arrays.radial.radial_coeffs) value = 1e200;
    const Scratch scratch;
    CModel c(scratch.write("large.maxvolt", model_file_bytes(file)));
    const Hosted hosted(Crystal(2, 2), maxvolt_about_model(c.model).cutoff);
    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    std::vector<double> forces(3 * hosted.types.size());
    maxvolt_results results{};
    results.forces = forces.data();
    CHECK(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_NOT_FINITE);
}
