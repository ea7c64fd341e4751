// Damaged files through the C header, as a host program would read them; built with sanitizers, it finds what the
// header lets through.
//
//     fuzz_files COUNT [SEED]
//
// Reads COUNT damaged copies of each file of the folder of models, and of a plan, and evaluates energies, forces and
// gradients of those that are accepted. A status that speaks of a fault of the library or of too little memory, and a
// message that is missing or without end, is a finding (exit status 1), and so is whatever a sanitizer reports.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "field_file.hpp"
#include "hosted.hpp"
#include "maxvolt.h"
#include "mutations.hpp"

using namespace maxvolt;
namespace fs = std::filesystem;

namespace {

constexpr double farthest = 5.0;        // neighbours that the host gives, Angstrom
constexpr std::int64_t most_rows = 1 << 20;  // numbers in the gradients of an accepted model

struct Outcomes {
    std::map<std::string, int> counts;
    int findings = 0;
};

bool is_finding(maxvolt_status status, const maxvolt_message& message) {
    const std::size_t length = std::find(std::begin(message.text), std::end(message.text), '\0') - message.text;
    const bool has_message = length > 0 && length < sizeof message.text;
    return status == MAXVOLT_INTERNAL || status == MAXVOLT_MEMORY || (status != MAXVOLT_OK && !has_message);
}

// Expected errors and their bounds.
maxvolt_status expect_errors(const maxvolt_model* model, maxvolt_list* list, const Hosted& host, const maxvolt_about& about,
                             maxvolt_message& message) {
    const std::size_t n = host.types.size(), n_local = host.first.size() - 1;
    std::vector<double> forces(3 * n), grades(n_local), deviations(n_local), lengths(n_local, 1.0), errors(n_local);
    maxvolt_results results{};
    results.forces = forces.data();
    if (about.measures & MAXVOLT_BY_GRADE) results.grades = grades.data();
    if (about.measures & MAXVOLT_BY_DEVIATION) results.deviations = deviations.data();
    maxvolt_status status = maxvolt_evaluate(model, list, host.positions.data(), &results, &message);
    const maxvolt_measured measured{grades.data(), deviations.data(), lengths.data()};
    if (status == MAXVOLT_OK)
        status = maxvolt_expected_errors(model, std::int64_t(n_local), &measured, errors.data(), nullptr, &message);
    if (status == MAXVOLT_OK)
        status = maxvolt_error_bounds(model, 0.9, 0, std::int64_t(n_local), errors.data(), errors.data(), &message);
    return status;
}

// Energies, forces, shares of the virial, grades and gradients of a model that was accepted.
maxvolt_status evaluate(const maxvolt_model* model, const Hosted& host, maxvolt_message& message) {
    const FullList l = host.list();
    const maxvolt_neighbors neighbors{l.n_atoms,         l.n_local, l.first, l.neighbors, host.types.data(),
                                      host.positions.data()};
    maxvolt_list* list = nullptr;
    maxvolt_status status = maxvolt_make_list(&neighbors, &list, &message);
    if (status == MAXVOLT_OK) {
        std::vector<double> forces(3 * std::size_t(l.n_atoms)), shares(9 * std::size_t(l.n_atoms));
        maxvolt_results results{};
        results.forces = forces.data();
        results.shares = shares.data();
        status = maxvolt_evaluate(model, list, host.positions.data(), &results, &message);
        const maxvolt_about about = maxvolt_about_model(model);
        std::vector<double> grades(std::size_t(l.n_local)), row(std::size_t(about.n_parameters));
        if (about.grading == MAXVOLT_NEIGHBORHOODS) results.grades = grades.data();
        if (about.grading == MAXVOLT_CONFIGURATIONS) results.row = row.data();
        if (status == MAXVOLT_OK && (results.grades || results.row))
            status = maxvolt_evaluate(model, list, host.positions.data(), &results, &message);
        if (status == MAXVOLT_OK && results.row)
            status = maxvolt_grade(model, row.data(), l.n_local, grades.data(), &message);
        if (status == MAXVOLT_OK && about.measures) status = expect_errors(model, list, host, about, message);
        const std::int64_t n_rows = l.n_local * about.n_parameters;
        if (status == MAXVOLT_OK && n_rows < most_rows) {
            std::vector<double> rows(std::size_t(n_rows), 0.0);
            status = maxvolt_site_gradients(model, list, host.positions.data(), rows.data(), &message);
        }
    }
    maxvolt_free_list(list);
    return status;
}

void try_file(const std::string& path, const char* plans, const Hosted& host, Outcomes& outcomes) {
    maxvolt_model* model = nullptr;
    maxvolt_message message{};
    maxvolt_status status = maxvolt_read_potential(path.c_str(), plans, &model, &message);
    std::string outcome = status == MAXVOLT_OK ? "accepted" : "refused";
    if (status == MAXVOLT_OK) {
        const maxvolt_about about = maxvolt_about_model(model);
        for (std::int32_t s = 0; about.species && s < about.n_species; ++s)
            if (std::strlen(about.species[s]) > 2) outcome = "accepted with another symbol";
        status = evaluate(model, host, message);
        if (status != MAXVOLT_OK) outcome += ", then status " + std::to_string(status);
    }
    if (is_finding(status, message)) {
        ++outcomes.findings;
        std::printf("%s: status %d: %.*s\n", path.c_str(), int(status), int(sizeof message.text), message.text);
        fs::copy_file(path, "finding-" + std::to_string(outcomes.findings), fs::copy_options::overwrite_existing);
    }
    ++outcomes.counts[outcome];
    maxvolt_free_model(model);
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// COUNT damaged copies of one file.
int attack(const fs::path& original, int count, unsigned seed, const fs::path& scratch, const Hosted& host) {
    const std::string whole = file_bytes(original.string()), kind = original.extension().string();
    Mutations mutations(seed);
    Outcomes outcomes;
    for (int trial = 0; trial < count; ++trial) {
        if (kind == ".plan") {
            write(scratch / original.filename(), mutations.binary(whole));
            try_file(std::string(MODELS) + "/level8.mtp", scratch.c_str(), host, outcomes);
        } else {
            const fs::path damaged = scratch / ("damaged" + kind);
            write(damaged, kind == ".maxvolt" ? mutations.binary(whole) : mutations.text(whole));
            try_file(damaged.string(), PLANS, host, outcomes);
        }
    }
    std::printf("%s: %d damaged copies", original.filename().c_str(), count);
    for (const auto& [outcome, times] : outcomes.counts) std::printf("; %s: %d", outcome.c_str(), times);
    std::printf("; findings: %d\n", outcomes.findings);
    std::fflush(stdout);
    return outcomes.findings;
}

}  // namespace

int main(int argc, char** argv) {
    const int count = argc > 1 ? std::atoi(argv[1]) : 0;
    const auto seed = unsigned(argc > 2 ? std::atoi(argv[2]) : 0);
    if (count < 1) {
        std::fprintf(stderr, "fuzz_files COUNT [SEED]: how many damaged copies of each file, a seed\n");
        return 2;
    }
    const Hosted host(Crystal(2, 1), farthest);
    const fs::path scratch = fs::temp_directory_path() / ("maxvolt-fuzz-" + std::to_string(std::random_device{}()));
    fs::create_directory(scratch);
    int findings = 0;
    std::vector<fs::path> originals{std::string(PLANS) + "/" PLAN_OF_LEVEL8};
    for (const auto& entry : fs::directory_iterator(MODELS)) originals.push_back(entry.path());
    std::sort(originals.begin(), originals.end());
    for (const fs::path& original : originals) findings += attack(original, count, seed, scratch, host);
    fs::remove_all(scratch);
    return findings ? 1 : 0;
}
