// Expected force errors: standard deviations by every instruction set, and a calibration through the C header.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "c_model.hpp"
#include "force_errors.hpp"
#include "scratch.hpp"

using namespace maxvolt;

namespace {

std::vector<double> random_factor(std::int64_t n, std::int64_t n_columns, bool triangular) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    std::vector<double> out;
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t j = 0; j < n_columns; ++j) {
            const double value = normal(random);
            out.push_back(triangular && j > k ? 0.0 : value);
        }
    return out;
}

// By its definition.
double length(const double* row, const std::vector<double>& factor, std::int64_t n, std::int64_t n_columns) {
    double squares = 0.0;
    for (std::int64_t j = 0; j < n_columns; ++j) {
        double sum = 0.0;
        for (std::int64_t k = 0; k < n; ++k) sum += row[k] * factor[std::size_t(k * n_columns + j)];
        squares += sum * sum;
    }
    return std::sqrt(squares);
}

ErrorArrays calibration(std::int64_t n_parameters) {
    ErrorArrays a;
    a.n_columns = std::int32_t(n_parameters);
    a.factor = random_factor(n_parameters, n_parameters, true);
    a.measures = {ErrorArrays::deviation, ErrorArrays::force_length};
    a.floors = {0.01, 0.5};
    a.exponents = {0.5, 1.25};
    a.largest = {2.0, 1.0};
    a.prefactor = 0.2;
    a.edges = {0.1};
    a.score_counts = {4, 2};
    a.scores = {0.5, 1.0, 1.5, 4.0, 0.25, 2.0};
    a.structures = {40.0, 2.0};
    a.reached = {0.0, 0.4, 0.95, 0.0, 0.2, 0.5};
    return a;
}

ModelFile with_errors(const std::string& name) {
    ModelFile file = read_model_file(std::string(MODELS) + "/" + name + ".maxvolt");
    file.errors = calibration(load(name)->n_parameters());
    return file;
}

}  // namespace

TEST_CASE("kernels find the lengths of products") {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    for (const std::int64_t n : {1, 5, 25, 71})
        for (const std::int64_t count : {1, 3, 19, 70})
            for (const bool triangular : {false, true}) {
                const std::int64_t n_columns = triangular ? n : std::max<std::int64_t>(1, n - 3);
                auto factor = random_factor(n, n_columns, triangular);
                if (n > 64 && !triangular)  // columns without anything before those with
                    for (std::int64_t k = 0; k < n; ++k)
                        for (std::int64_t j = 0; j < 32; ++j)
                            if (k < 40 || j < 16) factor[std::size_t(k * n_columns + j)] = 0.0;
                const PosteriorFactor posterior(factor, n, n_columns);
                std::vector<double> rows(std::size_t(n * count)), found(static_cast<std::size_t>(count));
                for (std::size_t k = 0; k < rows.size(); ++k) rows[k] = k % 3 ? normal(random) : 0.0;
                for (const Kernels* k : available_kernels()) {
                    CAPTURE(k->name);
                    posterior.deviations(*k, rows.data(), count, found.data());
                    for (std::int64_t i = 0; i < count; ++i)
                        CHECK(found[std::size_t(i)] ==
                              doctest::Approx(length(rows.data() + i * n, factor, n, n_columns)).epsilon(1e-13));
                }
                rows[std::size_t(n - 1)] = std::numeric_limits<double>::quiet_NaN();
                posterior.deviations(kernels(), rows.data(), count, found.data());
                CHECK(!std::isfinite(found[0]));
                if (count > 1) CHECK(std::isfinite(found[1]));
            }
}

TEST_CASE("expected errors and bounds follow their definitions") {
    const ForceErrors errors(calibration(7), 7);
    const ForceErrors::Measures m{0.0, 0.3, 2.0};
    CHECK(errors.expected(m) == doctest::Approx(0.2 * std::pow(0.31, 0.5) * std::pow(2.5, 1.25)).epsilon(1e-14));
    // Beyond what was held out at least in proportion, however small the exponent.
    const double within = 0.2 * std::pow(2.01, 0.5) * std::pow(1.2, 1.25);
    CHECK(errors.expected({0.0, 2.0, 0.7}) == doctest::Approx(within).epsilon(1e-14));
    CHECK(errors.expected({0.0, 4.0, 0.7}) == doctest::Approx(within * 4.01 / 2.01).epsilon(1e-14));
    CHECK(!errors.is_beyond(m));
    CHECK(errors.is_beyond({0.0, 2.1, 0.0}));
    CHECK(errors.bin(0.05) == 0);
    CHECK(errors.bin(0.1) == 1);
    // Levels are 0, 1/2, 1: 0.4 is reached at the first of two bins by a half, of the other by 5/6.
    const auto factors = errors.factors(0.4, false);
    CHECK(factors[0] == 1.0);
    CHECK(factors[1] == 2.0);
    CHECK(errors.factors(0.9, false)[1] == std::numeric_limits<double>::infinity());
    CHECK(errors.factors(0.6, true)[0] == 1.5);
    CHECK(errors.factors(0.9, true)[1] == std::numeric_limits<double>::infinity());
    CHECK_THROWS_AS(errors.factors(1.0, false), std::invalid_argument);
    CHECK_THROWS_AS(errors.factors(NAN, false), std::invalid_argument);
}

TEST_CASE("errors of atoms through a file and the C header") {
    const Scratch scratch;
    const ModelFile file = with_errors("level8");
    CModel c(scratch.write("errors.maxvolt", model_file_bytes(file)));
    const maxvolt_about about = maxvolt_about_model(c.model);
    CHECK(about.measures == (MAXVOLT_BY_DEVIATION | MAXVOLT_BY_FORCE));
    const Hosted hosted(Crystal(3, 2), about.cutoff);
    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    const std::size_t n = hosted.types.size(), n_local = hosted.first.size() - 1, width = std::size_t(about.n_parameters);
    std::vector<double> forces(3 * n), deviations(n_local), rows(n_local * width), lengths(n_local, 0.7), errors(n_local);
    maxvolt_results results{};
    results.forces = forces.data();
    results.deviations = deviations.data();
    REQUIRE(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_OK);
    REQUIRE(maxvolt_site_gradients(c.model, c.list, hosted.positions.data(), rows.data(), &c.message) == MAXVOLT_OK);
    const maxvolt_measured measured{nullptr, deviations.data(), lengths.data()};
    std::vector<std::int32_t> beyond(n_local);
    REQUIRE(maxvolt_expected_errors(c.model, std::int64_t(n_local), &measured, errors.data(), beyond.data(), &c.message) ==
            MAXVOLT_OK);
    for (std::size_t i = 0; i < n_local; ++i) {
        const double expected =
            length(rows.data() + i * width, file.errors->factor, about.n_parameters, about.n_parameters);
        CHECK(deviations[i] == doctest::Approx(expected).epsilon(1e-12));
        const double inside = std::min(expected, 2.0) + 0.01;
        const double error = 0.2 * std::pow(inside, 0.5) * std::pow(1.2, 1.25) * (expected + 0.01) / inside;
        CHECK(errors[i] == doctest::Approx(error).epsilon(1e-12));
        CHECK(beyond[i] == (expected > 2.0));
    }
    std::vector<double> bounds(n_local);
    REQUIRE(maxvolt_error_bounds(c.model, 0.4, 0, std::int64_t(n_local), errors.data(), bounds.data(), &c.message) ==
            MAXVOLT_OK);
    for (std::size_t i = 0; i < n_local; ++i) CHECK(bounds[i] == errors[i] * (errors[i] < 0.1 ? 1.0 : 2.0));

    const maxvolt_measured missing{nullptr, deviations.data(), nullptr};
    CHECK(maxvolt_expected_errors(c.model, 1, &missing, errors.data(), nullptr, &c.message) == MAXVOLT_INVALID);
    lengths[0] = std::numeric_limits<double>::infinity();
    CHECK(maxvolt_expected_errors(c.model, 1, &measured, errors.data(), nullptr, &c.message) == MAXVOLT_NOT_FINITE);
    CHECK(maxvolt_error_bounds(c.model, 1.5, 0, 1, errors.data(), bounds.data(), &c.message) == MAXVOLT_INVALID);
    results.grades = lengths.data();
    CHECK(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_INVALID);
}

TEST_CASE("a model without a calibration expects no errors") {
    CModel c(std::string(MODELS) + "/level8.maxvolt");
    CHECK(maxvolt_about_model(c.model).measures == 0);
    const Hosted hosted(Crystal(2, 2), maxvolt_about_model(c.model).cutoff);
    REQUIRE(c.make(hosted) == MAXVOLT_OK);
    std::vector<double> forces(3 * hosted.types.size()), deviations(hosted.types.size());
    maxvolt_results results{};
    results.forces = forces.data();
    results.deviations = deviations.data();
    CHECK(maxvolt_evaluate(c.model, c.list, hosted.positions.data(), &results, &c.message) == MAXVOLT_INVALID);
    CHECK(c.says("without a calibration"));
    const maxvolt_measured measured{deviations.data(), deviations.data(), deviations.data()};
    CHECK(maxvolt_expected_errors(c.model, 1, &measured, forces.data(), nullptr, &c.message) == MAXVOLT_INVALID);
}

TEST_CASE("a calibration that is none is refused with the name of its file") {
    const Scratch scratch;
    const auto refused = [&](const char* text, const auto& change) {
        ModelFile file = with_errors("level8");
        change(*file.errors);
        const std::string path = scratch.write("errors.maxvolt", model_file_bytes(file));
        maxvolt_model* model = nullptr;
        maxvolt_message message{};
        CHECK(maxvolt_read_model(path.c_str(), &model, &message) == MAXVOLT_FILE);
        CHECK(model == nullptr);
        CHECK(std::strstr(message.text, text) != nullptr);
        CHECK(std::strstr(message.text, "errors.maxvolt") != nullptr);
    };
    refused("unknown measure", [](ErrorArrays& a) { a.measures[0] = 3; });
    refused("occurs twice", [](ErrorArrays& a) { a.measures[0] = ErrorArrays::force_length; });
    refused("one to three", [](ErrorArrays& a) { a.measures.clear(); });
    refused("a row for each atom", [](ErrorArrays& a) { a.measures[1] = ErrorArrays::grade; });
    refused("columns of the factor", [](ErrorArrays& a) { a.n_columns = std::numeric_limits<std::int32_t>::max(); });
    refused("columns of the factor", [](ErrorArrays& a) { a.n_columns = -1; });
    refused("factor has", [](ErrorArrays& a) { a.factor.pop_back(); });
    refused("not finite", [](ErrorArrays& a) { a.factor[3] = NAN; });
    refused("prefactor", [](ErrorArrays& a) { a.prefactor = -1.0; });
    refused("numbers of scores", [](ErrorArrays& a) { a.score_counts[0] = -1; });
    refused("too few", [](ErrorArrays& a) { a.score_counts[1] = 6; });
    refused("scores has", [](ErrorArrays& a) { a.score_counts[1] = 1; });
    refused("levels of coverage", [](ErrorArrays& a) { a.reached.resize(2); });
    refused("not in order", [](ErrorArrays& a) { std::swap(a.scores[0], a.scores[3]); });
}
