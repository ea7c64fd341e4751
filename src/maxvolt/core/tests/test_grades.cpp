// Extrapolation grades: the largest coordinate of each row, by every instruction set and through the C header.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "c_model.hpp"
#include "scratch.hpp"

using namespace maxvolt;

namespace {

ActiveSetArrays random_active_set(std::int64_t n, bool of_sites) {
    ActiveSetArrays out;
    (of_sites ? out.site_energy_weight : out.energy_weight) = 1.5;
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    for (std::int64_t k = 0; k < n * n; ++k) out.inverse.push_back(normal(random));
    return out;
}

// Row times inverse, by its definition.
double largest_coordinate(const double* row, const std::vector<double>& inverse, std::size_t n) {
    double largest = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
        double sum = 0.0;
        for (std::size_t k = 0; k < n; ++k) sum += row[k] * inverse[k * n + j];
        largest = std::fmax(largest, std::fabs(sum));
    }
    return largest;
}

ModelFile with_active_set(const std::string& name, bool of_sites) {
    ModelFile file = read_model_file(std::string(MODELS) + "/" + name + ".maxvolt");
    file.active_set = random_active_set(load(name)->n_parameters(), of_sites);
    return file;
}

// A model with an active set, through a file.
struct Graded : CModel {
    Graded(const std::string& name, bool of_sites) : Graded(with_active_set(name, of_sites), Scratch()) {}
    Graded(ModelFile graded, const Scratch& scratch)
        : CModel(scratch.write("graded.maxvolt", model_file_bytes(graded))), file(std::move(graded)) {}

    ModelFile file;
};

}  // namespace

TEST_CASE("kernels find the largest coordinate of every row") {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    for (const std::int64_t n : {1, 5, 24, 25, 71})
        for (const std::int64_t count : {1, 3, 8, 19}) {
            const ActiveSetArrays arrays = random_active_set(n, true);
            const ActiveSet active_set(arrays, n);
            std::vector<double> rows(std::size_t(n * count)), grades(static_cast<std::size_t>(count));
            for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = k % 3 ? normal(random) : 0.0;
            for (const Kernels* k : available_kernels()) {
                CAPTURE(k->name);
                active_set.grades(*k, rows.data(), count, grades.data());
                for (std::int64_t i = 0; i < count; ++i)
                    CHECK(grades[std::size_t(i)] ==
                          doctest::Approx(largest_coordinate(rows.data() + i * n, arrays.inverse, std::size_t(n))).epsilon(1e-12));
            }
            rows[0] = std::numeric_limits<double>::quiet_NaN();
            active_set.grades(kernels(), rows.data(), count, grades.data());
            CHECK(std::isnan(grades[0]));
            if (count > 1) CHECK(std::isfinite(grades[1]));
        }
}

TEST_CASE("rows that use as many columns as others, but not the same, are graded as they are") {
    constexpr std::int64_t n = 72, count = 16;
    const ActiveSetArrays arrays = random_active_set(n, true);
    const ActiveSet active_set(arrays, n);
    REQUIRE(active_set.has_single());
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    std::vector<double> rows(n * count), grades(count);
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t k = 0; k < n; ++k) {
            const bool is_used = k < 24 || (i < count / 2 ? k < 48 : k >= 48);
            rows[std::size_t(i * n + k)] = is_used ? 1.0 + 0.01 * normal(random) : 0.0;
        }
    for (const Kernels* k : available_kernels()) {
        CAPTURE(k->name);
        active_set.grades(*k, rows.data(), count, grades.data());
        for (std::int64_t i = 0; i < count; ++i)
            CHECK(grades[std::size_t(i)] ==
                  doctest::Approx(largest_coordinate(rows.data() + i * n, arrays.inverse, std::size_t(n))).epsilon(1e-12));
    }
}

TEST_CASE("rows that come part by part have the grades of all at once") {
    constexpr std::int64_t n = 72, count = 1400;
    const ActiveSetArrays arrays = random_active_set(n, true);
    const ActiveSet active_set(arrays, n);
    REQUIRE(active_set.has_single());
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    std::vector<double> center(n), rows(n * count), whole(count), parts(count);
    for (double& x : center) x = normal(random);
    for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t k = 0; k < n; ++k) {
            // A quiet region, one of another kind, and one where single precision decides nothing.
            const double spread = i < 500 ? 0.01 : i < 800 ? 1.0 : i < 900 ? 1e34 : 0.01;
            const double middle = i < 500 ? center[std::size_t(k)] : i < 800 ? 0.0 : 2.0 * center[std::size_t(k)];
            rows[std::size_t(i * n + k)] = middle + spread * normal(random);
        }
    for (const Kernels* k : available_kernels()) {
        CAPTURE(k->name);
        active_set.grades(*k, rows.data(), count, whole.data());
        for (std::int64_t i = 0; i < count; ++i)
            CHECK(whole[std::size_t(i)] ==
                  doctest::Approx(largest_coordinate(rows.data() + i * n, arrays.inverse, std::size_t(n))).epsilon(1e-12));
        for (const std::int64_t step : {5, 128}) {
            GradingMemory memory;
            for (std::int64_t i = 0; i < count; i += step)
                active_set.grades(*k, rows.data() + i * n, std::min(step, count - i), memory, parts.data() + i);
            CHECK(parts == whole);
        }
    }
}

TEST_CASE("grades of atoms come with the same energies and forces") {
    for (const std::string& name : all_models) {
        CAPTURE(name);
        Graded c(name, true);
        const maxvolt_about about = maxvolt_about_model(c.model);
        CHECK(about.grading == MAXVOLT_NEIGHBORHOODS);
        const Hosted hosted(Crystal(3, about.n_species), about.cutoff);
        const auto model = load(name);
        const Evaluated expected = hosted.evaluate(*model);
        REQUIRE(c.make(hosted) == MAXVOLT_OK);
        const std::size_t n = hosted.types.size(), n_local = hosted.first.size() - 1, width = std::size_t(about.n_parameters);
        std::vector<double> rows(n_local * width);
        REQUIRE(maxvolt_site_gradients(c.model, c.list, hosted.positions.data(), rows.data(), &c.message) == MAXVOLT_OK);
        for (const bool with_shares : {false, true}) {
            std::vector<double> energies(n_local), forces(3 * n, 0.0), shares(9 * n, 0.0), grades(n_local);
            maxvolt_results results{};
            results.energies = energies.data();
            results.forces = forces.data();
            results.grades = grades.data();
            results.shares = with_shares ? shares.data() : nullptr;
            REQUIRE(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_OK);
            CHECK(largest_difference(forces, expected.forces) < 1e-12);
            CHECK(largest_difference({results.virial, results.virial + 6}, expected.virials) < 1e-10);
            for (std::size_t i = 0; i < n_local; ++i) {
                CHECK(energies[i] == doctest::Approx(expected.energies[i]).epsilon(1e-12));
                const double grade = largest_coordinate(rows.data() + i * width, c.file.active_set->inverse, width);
                CHECK(grades[i] == doctest::Approx(grade).epsilon(1e-11));
            }
        }
        std::vector<double> forces(3 * n), row(width);
        maxvolt_results results{};
        results.forces = forces.data();
        results.row = row.data();
        CHECK(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_INVALID);
        CHECK(c.says("configurations have no grades"));
    }
}

TEST_CASE("the grade of a configuration comes from the row of all its atoms") {
    Graded c("level8", false);
    const maxvolt_about about = maxvolt_about_model(c.model);
    CHECK(about.grading == MAXVOLT_CONFIGURATIONS);
    const Hosted hosted(Crystal(3, about.n_species), about.cutoff);
    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    const std::size_t n_local = hosted.first.size() - 1, width = std::size_t(about.n_parameters);
    std::vector<double> rows(n_local * width), sum(width, 0.0), row(width), forces(3 * hosted.types.size());
    REQUIRE(maxvolt_site_gradients(c.model, c.list, hosted.positions.data(), rows.data(), &c.message) == MAXVOLT_OK);
    for (std::size_t k = 0; k < rows.size(); ++k) sum[k % width] += rows[k];
    maxvolt_results results{};
    results.forces = forces.data();
    results.row = row.data();
    REQUIRE(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_OK);
    CHECK(largest_difference(row, sum) < 1e-10);
    double grade = 0.0;
    REQUIRE(maxvolt_grade(c.model, row.data(), std::int64_t(n_local), &grade, &c.message) == MAXVOLT_OK);
    for (double& value : sum) value *= 1.5 / double(n_local);
    CHECK(grade == doctest::Approx(largest_coordinate(sum.data(), c.file.active_set->inverse, width)).epsilon(1e-11));
    row[0] = std::numeric_limits<double>::infinity();
    CHECK(maxvolt_grade(c.model, row.data(), std::int64_t(n_local), &grade, &c.message) == MAXVOLT_NOT_FINITE);
}

TEST_CASE("an active set that is damaged or of another kind") {
    ActiveSetArrays arrays = random_active_set(4, true);
    CHECK_THROWS_AS(ActiveSet(arrays, 5), std::invalid_argument);
    arrays.force_weight = 1.0;
    CHECK(ActiveSet(arrays, 4).rows() == ActiveSet::Rows::others);
    arrays.force_weight = -1.0;
    CHECK_THROWS_AS(ActiveSet(arrays, 4), std::invalid_argument);
    arrays.force_weight = 0.0;
    arrays.weight_scaling = 3;
    CHECK_THROWS_AS(ActiveSet(arrays, 4), std::invalid_argument);
    arrays.weight_scaling = 2;
    arrays.inverse[3] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(ActiveSet(arrays, 4), std::invalid_argument);
    arrays = random_active_set(4, true);
    arrays.site_energy_weight = 0.0;
    CHECK_THROWS_AS(ActiveSet(arrays, 4), std::invalid_argument);
}

TEST_CASE("models are told apart whatever their active sets") {
    const Graded one("level8", true), other("level8", false), third("level14", true);
    CHECK(maxvolt_same_potential(one.model, other.model) == 1);
    CHECK(maxvolt_same_potential(one.model, third.model) == 0);
}
