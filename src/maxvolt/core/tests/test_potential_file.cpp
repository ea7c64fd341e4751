// Text potentials read without Python: the same numbers as in the compiled model of the same potential.
#include <doctest/doctest.h>

#include <cmath>

#include "maxvolt.h"
#include "mlip/potential.hpp"
#include "mlip/radial_bases.hpp"
#include "mutations.hpp"
#include "plan_file.hpp"
#include "potential_file.hpp"
#include "scratch.hpp"
#include "systems.hpp"

using namespace maxvolt;

namespace {

std::string model_path(const std::string& name) { return std::string(MODELS) + "/" + name; }

std::string bytes_of(const std::string& path) { return file_bytes(path); }

mlip::TextPotential parse(const std::string& text) { return mlip::parse_potential(text, "pot.mtp"); }

// Visits two structs at once: integers and their numbers must be the same; values too, up to `rounding` of the largest.
struct Compare {
    template <class T>
    void operator()(const char* name, const T& value) {
        CAPTURE(name);
        CHECK(value == *static_cast<const T*>(other[next++]));
    }
    template <class T>
    void operator()(const char* name, const std::vector<T>& values, Shape) {
        CAPTURE(name);
        const auto& expected = *static_cast<const std::vector<T>*>(other[next++]);
        REQUIRE(values.size() == expected.size());
        double largest = 0.0;
        for (const T v : expected) largest = std::fmax(largest, std::fabs(double(v)));
        for (std::size_t i = 0; i < values.size(); ++i)
            CHECK(std::fabs(double(values[i]) - double(expected[i])) <= rounding * largest);
    }
    double rounding;
    std::vector<const void*> other;
    std::size_t next = 0;
};

struct Collect {
    template <class T>
    void operator()(const char*, const T& value) {
        fields.push_back(&value);
    }
    template <class T>
    void operator()(const char*, const std::vector<T>& values, Shape) {
        fields.push_back(&values);
    }
    std::vector<const void*> fields;
};

template <class Arrays>
void same(const Arrays& found, const Arrays& expected, double rounding) {
    Collect collect;
    Arrays::each_field(expected, collect);
    Arrays::each_field(found, Compare{rounding, collect.fields});
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

void refuse(const std::string& text, const std::string& message) {
    CAPTURE(message);
    CHECK_THROWS_WITH_AS(parse(text), doctest::Contains(message.c_str()), ModelFileError);
}

}  // namespace

TEST_CASE("a text potential gives the arrays of the compiled model") {
    for (const std::string name : {"level8", "level14", "small"}) {
        CAPTURE(name);
        const ModelFile text = read_potential_file(model_path(name + ".mtp"), PLANS);
        const ModelFile compiled = read_potential_file(model_path(name + ".maxvolt"), "");
        CHECK(text.species == compiled.species);
        CHECK(!text.active_set);
        same(text.arrays, compiled.arrays, 0.0);
        // A plan is found by least squares, whose rounding depends on the machine that made the file.
        REQUIRE(text.arrays.plan.has_value());
        same(*text.arrays.plan, *compiled.arrays.plan, 1e-12);
    }
}

TEST_CASE("without its plan a potential has the same energies and forces") {
    const Crystal crystal(3, 2);
    const auto energies = [&](const std::string& plans) {
        return evaluate_periodic(CompiledModel(read_potential_file(model_path("level8.mtp"), plans).arrays), crystal,
                                 kernels());
    };
    const Evaluated planned = energies(PLANS), plain = energies("/no/such/folder");
    CHECK(largest_difference(planned.energies, plain.energies) < 1e-12);
    CHECK(largest_difference(planned.forces, plain.forces) < 1e-12);
}

TEST_CASE("active sets of MLIP-3 and MLIP-2") {
    for (const std::string name : {"small.almtp", "small.als"}) {
        CAPTURE(name);
        const ModelFile file = read_potential_file(model_path(name), PLANS);
        REQUIRE(file.active_set.has_value());
        const ActiveSetArrays& set = *file.active_set;
        CHECK(set.energy_weight == 1.0);
        CHECK(set.force_weight == 0.25);
        CHECK(set.stress_weight == 0.125);
        CHECK(set.site_energy_weight == 0.0);
        CHECK(set.weight_scaling == 2);
        const std::size_t n = 5;  // parameters
        REQUIRE(set.inverse.size() == n * n);
        // Row r of the matrix has r + 1 ones; times the inverse it is the unit vector r.
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j)
                CHECK(set.inverse[n * i + j] == (i == j ? 1.0 : i == j + 1 ? -1.0 : 0.0));
        same(file.arrays, read_potential_file(model_path("small.mtp"), PLANS).arrays, 0.0);
    }
}

TEST_CASE("spellings, comments, labels and scalings") {
    const std::string text = bytes_of(model_path("small.mtp"));
    const ModelArrays plain = parse(text).file.arrays;
    std::string other = replaced(replaced(replaced(text, "min_dist", "min"), "max_dist", "max_val"),
                                 "radial_basis_size", "size");
    other = "# DATE: 2026-01-01 UNITS: metal\r\n\n# CONTRIBUTOR: N. N.\n" + replaced(other, "0-0", "29-29");
    for (std::size_t at = other.find('\n'); at != std::string::npos; at = other.find('\n', at + 2))
        if (other[at - 1] != '\r') other.insert(at, "\r");
    same(parse(other).file.arrays, plain, 0.0);
    CHECK(parse(replaced(text, "species: Cu", "")).file.species.empty());
    CHECK(parse(replaced(text, "species: Cu", "a species: Cu of copper")).file.species.empty());
    const ModelArrays scaled =
        parse(replaced(replaced(text, "scaling = 1.0", "scaling = 2.0"), "\tradial_coeffs", "scaling = 4\nradial_coeffs"))
            .file.arrays;
    for (std::size_t i = 0; i < plain.radial.radial_coeffs.size(); ++i)
        CHECK(scaled.radial.radial_coeffs[i] == 8.0 * plain.radial.radial_coeffs[i]);
    const ModelArrays repelling = parse(replaced(text, "species: Cu", "zbl: 0.5 1.25 species: Cu")).file.arrays;
    CHECK(repelling.repulsion.zbl_inner == 0.5);
    CHECK(repelling.repulsion.zbl_outer == 1.25);
    CHECK(repelling.repulsion.zbl_charges == Reals{29.0});
}

TEST_CASE("what is no potential of this kind is refused by line") {
    const std::string text = bytes_of(model_path("small.mtp"));
    refuse("# UNITS: real\n" + text, "pot.mtp, line 1: the comment says UNITS: 'real'");
    refuse(replaced(text, "1.1.0", "2.0"), "line 2: version 1.1.0 is expected, found '2.0'");
    refuse(replaced(text, "scaling = 1", "scaling = inf"), "line 4: expected a finite number after 'scaling ='");
    refuse(replaced(text, "scaling = 1.0", "scaling = 0.0"), "line 4: expected a finite number other than 0");
    refuse(replaced(text, "scaling", "magnetic_basis_type"), "magnetic potentials are not supported");
    refuse(replaced(text, "potential_name = MTP", "scaling = 1"), "line 4: 'scaling' occurs here a second time");
    refuse(replaced(text, "version =", "version:"), "line 2: expected '=' after 'version'");
    refuse(replaced(text, "scaling", "something"), "line 4: unknown key 'something'");
    refuse(replaced(text, "species: Cu", "species: Cu Ni"), "line 6: 2 elements are named, but the potential has 1");
    refuse(replaced(text, "species: Cu", "zbl: 2 1 species: Cu"), "line 6: expected 0 <= inner < outer");
    refuse(replaced(text, "species: Cu", "zbl: 1 2"), "line 6: a ZBL repulsion is noted, but no elements");
    refuse(replaced(text, "species: Cu", "zbl: 1 9 species: Cu"), "beyond max_dist = 4.5 A");
    refuse(replaced(text, "RBChebyshev", "Legendre"), "line 7: unknown radial basis 'Legendre'; known are RBChebyshev");
    refuse(replaced(text, "min_dist = 2", "min_dist = -2"), "line 8: expected a finite distance");
    refuse(replaced(text, "min_dist = 2", "min_dist = 4.495\nname = 2"), "unknown key 'name'");
    refuse(replaced(text, "max_dist = 4.5", "max_dist = 99"), "line 9: expected a distance between 0.5 and 30 A");
    refuse(replaced(text, "radial_basis_size = 2", "radial_basis_size = 3"), "line 13: the block 0-0 must have 1 rows of 3");
    refuse(replaced(text, "0-0", "0-1"), "found 1 blocks with 2 different labels");
    refuse(replaced(text, "alpha_index_basic_count = 1", "alpha_index_basic_count = 2"), "but the tables have 1");
    refuse(replaced(text, "{{0, 0, 0, 0}}", "{{0, 0, 0, 65}}"), "line 17: a moment of rank 65 is above the limit");
    refuse(replaced(text, "{{0, 0, 1, 1}}", "{{0, 1, 1, 1}}"), "line 19: product 0 uses a moment that is not computed");
    refuse(replaced(text, "{{0, 0, 1, 1}}", "{{0, 0, 1, 2}}"), "line 19: product 0 adds to a moment outside 1 to 1");
    refuse(replaced(text, "{{0, 0, 1, 1}}", "{{0, 0, 1}}"), "expected a list of rows {i, i, i, i}");
    refuse(replaced(text, "{0, 1}", "{0, 0}"), "line 21: a moment is named twice");
    refuse(replaced(text, "{0, 1}", "{0, 1,}"), "line 21: expected a list of integers");
    refuse(replaced(text, "{0, 1}", "{0, 1234567890}"), "line 21: expected a list of integers");
    refuse(replaced(text, "species_coeffs = {", "species_coeffs = {1.5, "), "line 22: expected 1 numbers, found 2");
    refuse(replaced(text, "species_coeffs = {", "species_coeffs = {1e999, "), "line 22: a number of 'species_coeffs' is too large");
    refuse(replaced(text, "species_coeffs", "other_coeffs"), "unknown key 'other_coeffs'");
    refuse(text.substr(0, text.find("moment_coeffs")), "this potential is untrained, it has no moment_coeffs");
    refuse(text + "\nsomething", "line 24: unknown key 'something'");
    refuse(text + "\n*", "byte");
}

TEST_CASE("tables that would lead astray are refused") {
    const auto refused = [](ContractionTable table, const char* message) {
        CHECK_THROWS_WITH_AS(check_table(table), doctest::Contains(message), TableError);
    };
    const ContractionTable good{{0, 0, 0, 0}, {0, 0, 1, 1, 0, 1, 1, 2}, {0, 2}, 3};
    check_table(good);
    ContractionTable table = good;
    table.products = {0, 0, 1, 2, 0, 0, 1, 1};
    refused(table, "product 0 comes before any that gives moment 1");
    table.products = {0, 0, 1, 1, 0, 1, 1, 2, 0, 0, 1, 1};
    refused(table, "product 2 adds to a moment out of order");
    table = good;
    table.n_moments = 4;
    refused(table, "expected 1 basic moments and at most one more for each of 2 products");
    table = good;
    table.products = {0, 0, 1, 1, 0, 0, 1, 1};
    refused(table, "no product gives moment 2");
    table = good;
    table.basic = {100, 0, 0, 0};
    refused(table, "mu = 100 is above the limit of 99");
    table.basic = {99, 0, 0, 64};
    refused(table, "components, of which 1 are listed");
    table = good;
    table.scalars = {3};
    refused(table, "a scalar is outside the moments 0 to 2");
}

TEST_CASE("tables are told apart by their digests") {
    const ContractionTable table{{0, 0, 0, 0}, {0, 0, 1, 1}, {0, 1}, 2};
    const std::string digest = table_digest(table);
    CHECK(digest == "c336551c01358b08ae5f9610e2550e2c");  // level 4; a name of files: it must not change
    ContractionTable other = table;
    other.products[2] = 2;
    CHECK(table_digest(other) != digest);
    other = table;
    other.scalars = {1, 0};
    CHECK(table_digest(other) != digest);
}

TEST_CASE("a radial basis has the functions that its name says") {
    RadialArrays a;
    a.radial_size = 12;
    a.min_dist = 2.0;
    a.cutoff = 5.0;
    mlip::set_radial_basis("RBShapeev", a);
    // phi_k is orthonormal up to (R - m)^3 / (8 (k + 1)^2) under the weight (r / m)^4 (r - m) (R - r).
    const int n = 4000;
    std::vector<double> integrals(144, 0.0);
    for (int s = 0; s < n; ++s) {
        const double r = 2.0 + 3.0 * (s + 0.5) / n, x = a.slope * r + a.offset;
        double phi[12];
        phi[0] = std::pow(a.envelope_factor * (5.0 - r) / r, 2);
        for (int k = 1; k < 12; ++k)
            phi[k] = (a.recurrence[k] * x + a.recurrence[12 + k]) * phi[k - 1] -
                     (k > 1 ? a.recurrence[24 + k] * phi[k - 2] : 0.0);
        const double weight = std::pow(r / 2.0, 4) * (r - 2.0) * (5.0 - r) * 3.0 / n;
        for (int j = 0; j < 12; ++j)
            for (int k = 0; k < 12; ++k) integrals[12 * j + k] += weight * phi[j] * phi[k];
    }
    for (int j = 0; j < 12; ++j)
        for (int k = 0; k < 12; ++k)
            CHECK(integrals[12 * j + k] == doctest::Approx(j == k ? 27.0 / (8.0 * (k + 1) * (k + 1)) : 0.0).epsilon(1e-4));
}

TEST_CASE("a text potential cut short is refused at every length") {
    const std::string text = bytes_of(model_path("small.mtp"));
    for (std::size_t n = 0; n < text.size(); ++n) {
        CAPTURE(n);
        CHECK_THROWS_AS(parse(text.substr(0, n)), ModelFileError);
    }
    for (const std::string name : {"small.almtp", "small.als"}) {
        const std::string whole = bytes_of(model_path(name));
        const std::size_t structures = whole.find("BEGIN_CFG");
        for (std::size_t n = text.size() + 2; n + 2 < structures; ++n) {
            CAPTURE(n);
            CHECK_THROWS_AS(parse(whole.substr(0, n)), ModelFileError);
        }
        for (std::size_t n = structures; n <= whole.size(); ++n) CHECK(parse(whole.substr(0, n)).file.active_set);
    }
}

TEST_CASE("damaged text potentials never lead into memory that is not theirs") {
    Mutations mutations(11);
    for (const std::string name : {"small.mtp", "small.almtp", "small.als", "level8.mtp"}) {
        const std::string whole = bytes_of(model_path(name));
        int read = 0, refused = 0;
        for (int trial = 0; trial < 2500; ++trial) {
            const std::string text = mutations.text(whole);
            try {
                const CompiledModel model(parse(text).file.arrays);
                evaluate_periodic(model, Crystal(2, 1), kernels());
                ++read;
            } catch (const ModelFileError& error) {
                const std::string message = error.what();
                CHECK(message.find("pot.mtp, ") == 0);
                CHECK(message.size() < 500);  // of a message of the C header
                ++refused;
            }
        }
        CHECK(read > 100);
        CHECK(refused > 100);
    }
}

TEST_CASE("what a file is, its first bytes say") {
    const Scratch scratch;
    const std::string compiled = bytes_of(model_path("level8.maxvolt"));
    CHECK(read_potential_file(scratch.write("model.mtp", compiled), "").species.size() == 2);
    CHECK_THROWS_WITH_AS(read_potential_file(scratch.write("x.mtp", compiled.substr(0, 999)), ""),
                         doctest::Contains("x.mtp: compiled model: another length"), ModelFileError);
    CHECK_THROWS_WITH_AS(read_potential_file(scratch.write("y.mtp", "BEGIN_CFG\n"), ""),
                         doctest::Contains("y.mtp, line 1: this is neither"), ModelFileError);
    CHECK_THROWS_WITH_AS(read_potential_file(scratch.write("z.mtp", ""), ""), doctest::Contains("neither"),
                         ModelFileError);
    CHECK_THROWS_WITH_AS(read_potential_file("/no/such.mtp", ""), doctest::Contains("/no/such.mtp: cannot be opened"),
                         ModelFileError);
    CHECK_THROWS_WITH_AS(read_potential_file(scratch.folder.string(), ""), doctest::Contains("cannot be read"),
                         ModelFileError);
}

TEST_CASE("a damaged plan is refused by name, or is one that kernels can follow") {
    const std::string potential = model_path("level8.mtp");
    const ContractionTable table = parse(bytes_of(potential)).table;
    const std::string name = plan_file_name(table), whole = bytes_of(std::string(PLANS) + "/" + name);
    const Scratch scratch;
    const std::string folder = scratch.folder.string();
    scratch.write(name, whole.substr(0, whole.size() / 2));
    CHECK_THROWS_WITH_AS(read_potential_file(potential, folder), doctest::Contains(name.c_str()), ModelFileError);
    scratch.write(name, bytes_of(std::string(PLANS) + "/c336551c01358b08ae5f9610e2550e2c.plan"));
    CHECK_THROWS_WITH_AS(read_potential_file(potential, folder), doctest::Contains("of another table"), ModelFileError);
    Mutations mutations(13);
    int read = 0, refused = 0;
    for (int trial = 0; trial < 2000; ++trial) {
        scratch.write(name, mutations.binary(whole));
        ++(is_read([&] { return read_potential_file(potential, folder).arrays; }) ? read : refused);
    }
    CHECK(read > 50);
    CHECK(refused > 50);
}

TEST_CASE("the C header reads potentials in any format") {
    maxvolt_model* model = nullptr;
    maxvolt_message message{};
    for (const std::string name : {"level8.mtp", "level8.maxvolt", "small.almtp", "small.als"}) {
        CAPTURE(name);
        REQUIRE(maxvolt_read_potential(model_path(name).c_str(), PLANS, &model, &message) == MAXVOLT_OK);
        CHECK(maxvolt_about_model(model).has_plan == 1);
        CHECK(maxvolt_about_model(model).species != nullptr);
        CHECK(maxvolt_cost_of_table(model).slowdown == 1.0);
        maxvolt_free_model(model);
    }
    REQUIRE(maxvolt_read_potential(model_path("level8.mtp").c_str(), nullptr, &model, &message) == MAXVOLT_OK);
    CHECK(maxvolt_about_model(model).has_plan == 0);
    CHECK(maxvolt_cost_of_table(model).n_products == 14);
    maxvolt_free_model(model);
    CHECK(maxvolt_read_potential("absent.mtp", nullptr, &model, &message) == MAXVOLT_FILE);
    CHECK(std::string(message.text) == "absent.mtp: cannot be opened");
    CHECK(model == nullptr);
    CHECK(maxvolt_read_potential(nullptr, nullptr, &model, &message) == MAXVOLT_INVALID);
    // It is for compiled models alone.
    CHECK(maxvolt_read_model(model_path("level8.mtp").c_str(), &model, &message) == MAXVOLT_FILE);
}
