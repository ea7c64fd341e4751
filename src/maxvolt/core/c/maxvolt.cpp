#include "maxvolt.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "evaluation.hpp"
#include "force_errors.hpp"
#include "instruction_sets.hpp"
#include "memory.hpp"
#include "model_file.hpp"
#include "potential_file.hpp"
#include "slowdown.hpp"

using namespace maxvolt;

struct maxvolt_model {
    explicit maxvolt_model(ModelFile file) : species(std::move(file.species)), compiled(std::move(file.arrays)) {
        for (const std::string& symbol : species) names.push_back(symbol.c_str());
        if (file.active_set) active_set.emplace(*file.active_set, compiled.n_parameters());
        if (file.errors) errors.emplace(std::move(*file.errors), compiled.n_parameters());
        if ((measures() & MAXVOLT_BY_GRADE) && grading() != MAXVOLT_NEIGHBORHOODS)
            throw std::invalid_argument("expected errors by grades need an active set with a row for each atom");
    }
    maxvolt_grading grading() const {
        if (!active_set) return MAXVOLT_NO_GRADES;
        if (active_set->rows() == ActiveSet::Rows::others) return MAXVOLT_OTHER_ROWS;
        return active_set->rows() == ActiveSet::Rows::neighborhoods ? MAXVOLT_NEIGHBORHOODS : MAXVOLT_CONFIGURATIONS;
    }
    std::int32_t measures() const {
        if (!errors) return 0;
        return (errors->needs(ErrorArrays::grade) ? MAXVOLT_BY_GRADE : 0) |
               (errors->needs(ErrorArrays::deviation) ? MAXVOLT_BY_DEVIATION : 0) |
               (errors->needs(ErrorArrays::force_length) ? MAXVOLT_BY_FORCE : 0);
    }
    std::vector<std::string> species;
    std::vector<const char*> names;
    CompiledModel compiled;
    std::optional<ActiveSet> active_set;
    std::optional<ForceErrors> errors;
};

struct maxvolt_list {
    explicit maxvolt_list(const maxvolt_neighbors& n)
        : n_local(n.n_local),
          types(n.species, n.species + n.n_atoms),
          windows({n.n_atoms, n.n_local, n.first, n.neighbors}, types.data(), n.positions, window_atoms),
          rows(4 * windows.windows().n_rows() * std::int64_t(sizeof(double))),
          parts(6 * std::size_t(windows.windows().n_parts())),
          energies(std::size_t(n.n_atoms)),
          forces(3 * std::size_t(n.n_atoms)) {}

    static constexpr std::int64_t window_atoms = 256;  // few for the cache, many to have few ghosts around
    std::int64_t n_local;
    std::vector<std::int32_t> types;
    NeighborWindows windows;
    Memory rows;
    std::vector<double> parts, energies, forces;
    std::unique_ptr<Memory> moments[3];  // made when shares of the virial are first asked for
};

namespace {

class Refusal : public std::runtime_error {
  public:
    Refusal(maxvolt_status status, const std::string& text) : std::runtime_error(text), status(status) {}
    maxvolt_status status;
};

maxvolt_status say(maxvolt_message* message, maxvolt_status status, const char* text) {
    if (message) {
        std::strncpy(message->text, text, sizeof message->text - 1);
        message->text[sizeof message->text - 1] = '\0';
    }
    return status;
}

// Does the work; whatever it throws becomes a status and a message.
template <class Work>
maxvolt_status guarded(maxvolt_message* message, const Work& work) {
    try {
        work();
        return say(message, MAXVOLT_OK, "");
    } catch (const Refusal& error) {
        return say(message, error.status, error.what());
    } catch (const ModelFileError& error) {
        return say(message, MAXVOLT_FILE, error.what());
    } catch (const std::invalid_argument& error) {
        return say(message, MAXVOLT_INVALID, error.what());
    } catch (const std::bad_alloc&) {
        return say(message, MAXVOLT_MEMORY, "there is not enough memory");
    } catch (const std::exception& error) {
        return say(message, MAXVOLT_INTERNAL, error.what());
    } catch (...) {
        return say(message, MAXVOLT_INTERNAL, "an error that is not known");
    }
}

void need(bool given, const char* what) {
    if (!given) throw std::invalid_argument(std::string(what) + " is missing");
}

// Makes a model of what `read` finds in a file.
template <class Read>
maxvolt_status load(const char* path, maxvolt_model** model, maxvolt_message* message, const Read& read) {
    return guarded(message, [&] {
        need(path && model, "the path of a model, or where to put it,");
        *model = nullptr;
        ModelFile file = read();
        try {
            *model = new maxvolt_model(std::move(file));
        } catch (const std::invalid_argument& error) {
            throw ModelFileError(std::string(path) + ": " + error.what());
        }
    });
}

constexpr double no_cell[9] = {};
constexpr char meaningless[] = ": the predictions of the potential are meaningless for these positions";

AtomicSystem system_of(const maxvolt_list& list, const double* positions) {
    return {positions, std::int64_t(list.types.size()), no_cell, 1, list.types.data(), list.windows};
}

const Kernels& best() {
    static const Kernels& kernels = find_kernels("");
    return kernels;
}

EvaluationArrays arrays_of(maxvolt_list& list, bool with_moments) {
    EvaluationArrays to{list.energies.data(), static_cast<double*>(list.rows.data), list.parts.data(), {}};
    for (int c = 0; with_moments && c < 3; ++c) {
        auto& memory = list.moments[c];
        if (!memory) memory = std::make_unique<Memory>(4 * list.windows.windows().n_rows() * std::int64_t(sizeof(double)));
        to.moments[c] = static_cast<double*>(memory->data);
    }
    return to;
}

void check_distinct(std::int64_t atom, maxvolt_results* results) {
    if (atom < 0) return;
    if (results) results->atom = atom;
    throw Refusal(MAXVOLT_COINCIDENT, "atom " + std::to_string(atom) + " coincides with another atom");
}

// Adds up what all windows found; shares of the virial, too, where they are asked for.
void collect(maxvolt_list& list, const EvaluationArrays& from, maxvolt_results& results) {
    const Windows& windows = list.windows.windows();
    const std::int64_t n = std::int64_t(list.types.size());
    windows.fold_virials(from.virials, results.virial);
    for (std::int64_t i = 0; i < list.n_local; ++i) {
        results.energy += from.energies[i];
        if (results.energies) results.energies[i] = from.energies[i];
    }
    windows.fold_forces(from.rows, 0, n, list.forces.data());
    for (std::size_t k = 0; k < list.forces.size(); ++k) results.forces[k] += list.forces[k];
    for (int a = 0; results.shares && a < 3; ++a) {
        windows.fold_forces(from.moments[a], 0, n, list.forces.data());
        for (std::int64_t i = 0; i < n; ++i)
            for (int b = 0; b < 3; ++b) results.shares[9 * i + 3 * a + b] += list.forces[3 * std::size_t(i) + b];
    }
}

// The virial holds every component of every force, so that it tells whether one is not finite.
void check_finite(const maxvolt_list& list, maxvolt_results& results) {
    double sum = results.energy;
    for (const double v : results.virial) sum += v;
    for (const double* measure : {results.grades, results.deviations})
        for (std::int64_t i = 0; measure && i < list.n_local; ++i) sum += measure[i];
    if (std::isfinite(sum)) return;
    const char* what = "a force";
    for (std::int64_t i = 0; i < list.n_local && results.atom < 0; ++i) {
        const bool energy_is = std::isfinite(list.energies[std::size_t(i)]);
        const bool grade_is = !results.grades || std::isfinite(results.grades[i]);
        if (energy_is && grade_is && (!results.deviations || std::isfinite(results.deviations[i]))) continue;
        results.atom = i;
        what = !energy_is ? "the energy" : grade_is ? "the standard deviation of the energy" : "the grade";
    }
    const std::string of_atom = results.atom < 0 ? "" : " of atom " + std::to_string(results.atom);
    throw Refusal(MAXVOLT_NOT_FINITE, what + of_atom + " is not finite" + meaningless);
}

void need_grading(const maxvolt_model& model, maxvolt_grading grading, const char* what) {
    if (model.grading() != grading) throw std::invalid_argument(std::string(what) + " by this active set, or without one");
}

const ForceErrors& calibration_of(const maxvolt_model& model) {
    if (!model.errors) throw std::invalid_argument("forces have no expected errors without a calibration");
    return *model.errors;
}

// Energies, forces and what else is asked for; gives an atom that coincides with another, or -1. Shares of the
// virial are not made in the same pass as grades.
std::int64_t compute(const maxvolt_model& model, maxvolt_list& list, const double* positions, maxvolt_results& results,
                     const EvaluationArrays& to) {
    const AtomicSystem system = system_of(list, positions);
    const WindowRange all{0, list.windows.windows().count()};
    const EvaluationArrays* left = &to;
    const bool of_atoms = results.grades || results.deviations;
    if (results.shares || !(of_atoms || results.row)) {
        const std::int64_t bad = evaluate(model.compiled, system, all, best(), false, to);
        if (bad >= 0) return bad;
        left = nullptr;
    }
    if (of_atoms) {
        SiteMeasures measures;
        if (results.grades) measures = {&*model.active_set, results.grades};
        if (results.deviations) {
            measures.posterior = model.errors->posterior();
            measures.deviations = results.deviations;
        }
        const std::int64_t bad = site_measures(model.compiled, measures, system, all, best(), left);
        if (bad >= 0) return bad;
    }
    if (!results.row) return -1;
    if (of_atoms) left = nullptr;
    const std::int64_t n = model.compiled.n_parameters(), n_parts = list.windows.windows().n_parts();
    std::vector<double> parts(static_cast<std::size_t>(n * n_parts));
    const std::int64_t bad = structure_gradients(model.compiled, system, all, best(), left, parts.data());
    std::fill_n(results.row, n, 0.0);
    for (std::int64_t p = 0; p < n_parts; ++p)
        for (std::int64_t k = 0; k < n; ++k) results.row[k] += parts[std::size_t(p * n + k)];
    return bad;
}

}  // namespace

int maxvolt_interface(void) { return MAXVOLT_INTERFACE; }

maxvolt_status maxvolt_read_model(const char* path, maxvolt_model** model, maxvolt_message* message) {
    return load(path, model, message, [&] { return read_model_file(path); });
}

maxvolt_status maxvolt_read_potential(const char* path, const char* plans, maxvolt_model** model,
                                      maxvolt_message* message) {
    return load(path, model, message, [&] { return read_potential_file(path, plans ? plans : ""); });
}

void maxvolt_free_model(maxvolt_model* model) { delete model; }

maxvolt_about maxvolt_about_model(const maxvolt_model* model) {
    const CompiledModel& m = model->compiled;
    return {m.view().cutoff, m.view().n_species, m.has_plan(), m.n_parameters(), model->grading(),
            model->measures(), model->names.empty() ? nullptr : model->names.data()};
}

int maxvolt_same_potential(const maxvolt_model* one, const maxvolt_model* other) {
    const ModelArrays &a = one->compiled.arrays(), &b = other->compiled.arrays();
    return a.radial == b.radial && a.repulsion == b.repulsion && a.moments == b.moments &&
           a.species_coeffs == b.species_coeffs && a.moment_coeffs == b.moment_coeffs;
}

maxvolt_table_cost maxvolt_cost_of_table(const maxvolt_model* model) {
    const auto n = std::int64_t(model->compiled.arrays().moments.left.size());
    return {n, model->compiled.has_plan() ? 1.0 : slowdown_without_plan(n)};
}

const char* maxvolt_instruction_set(void) { return best().name; }

maxvolt_status maxvolt_make_list(const maxvolt_neighbors* neighbors, maxvolt_list** list, maxvolt_message* message) {
    return guarded(message, [&] {
        need(neighbors && list, "the neighbours, or where to put the list,");
        *list = nullptr;
        need(neighbors->n_atoms >= 0 && neighbors->first, "the number of atoms or the first neighbour of each");
        need(neighbors->n_atoms == 0 || (neighbors->species && neighbors->positions), "species or positions");
        *list = new maxvolt_list(*neighbors);
    });
}

void maxvolt_free_list(maxvolt_list* list) { delete list; }

maxvolt_status maxvolt_evaluate(const maxvolt_model* model, maxvolt_list* list, const double* positions,
                                maxvolt_results* results, maxvolt_message* message) {
    return guarded(message, [&] {
        need(model && list && results && (results->forces || list->types.empty()), "a model, a list, or where forces go,");
        results->energy = 0.0;
        results->atom = -1;
        std::memset(results->virial, 0, sizeof results->virial);
        if (results->grades) need_grading(*model, MAXVOLT_NEIGHBORHOODS, "atoms have no grades");
        if (results->deviations && !(model->measures() & MAXVOLT_BY_DEVIATION))
            throw std::invalid_argument("atoms have no standard deviations without a calibration by the posterior");
        if (results->row) need_grading(*model, MAXVOLT_CONFIGURATIONS, "configurations have no grades");
        const EvaluationArrays to = arrays_of(*list, results->shares != nullptr);
        check_distinct(compute(*model, *list, positions, *results, to), results);
        collect(*list, to, *results);
        check_finite(*list, *results);
    });
}

maxvolt_status maxvolt_grade(const maxvolt_model* model, const double* row, int64_t n_atoms, double* grade,
                             maxvolt_message* message) {
    return guarded(message, [&] {
        need(model && row && grade && n_atoms > 0, "a model, a row, where the grade goes, or the number of atoms");
        need_grading(*model, MAXVOLT_CONFIGURATIONS, "configurations have no grades");
        const ActiveSet& active_set = *model->active_set;
        std::vector<double> weighted(row, row + active_set.size());
        for (double& value : weighted) value *= active_set.energy_factor(n_atoms);
        active_set.grades(best(), weighted.data(), 1, grade);
        if (!std::isfinite(*grade))
            throw Refusal(MAXVOLT_NOT_FINITE, std::string("the grade is not finite") + meaningless);
    });
}

maxvolt_status maxvolt_expected_errors(const maxvolt_model* model, int64_t n, const maxvolt_measured* measured,
                                       double* errors, int32_t* beyond, maxvolt_message* message) {
    return guarded(message, [&] {
        need(model && measured && n >= 0 && (errors || n == 0), "a model, measures, or where errors go,");
        const ForceErrors& calibration = calibration_of(*model);
        const std::int32_t needed = model->measures();
        need(n == 0 || ((measured->grades || !(needed & MAXVOLT_BY_GRADE)) &&
                        (measured->deviations || !(needed & MAXVOLT_BY_DEVIATION)) &&
                        (measured->force_lengths || !(needed & MAXVOLT_BY_FORCE))),
             "a measure of the calibration");
        const auto of = [](const double* values, std::int64_t i) { return values ? values[i] : 0.0; };
        for (std::int64_t i = 0; i < n; ++i) {
            const ForceErrors::Measures m{of(measured->grades, i), of(measured->deviations, i),
                                          of(measured->force_lengths, i)};
            errors[i] = calibration.expected(m);
            if (beyond) beyond[i] = calibration.is_beyond(m);
            if (!std::isfinite(errors[i]))
                throw Refusal(MAXVOLT_NOT_FINITE,
                              "the expected error of atom " + std::to_string(i) + " is not finite" + meaningless);
        }
    });
}

maxvolt_status maxvolt_error_bounds(const maxvolt_model* model, double coverage, int32_t strict, int64_t n,
                                    const double* errors, double* bounds, maxvolt_message* message) {
    return guarded(message, [&] {
        need(model && n >= 0 && ((errors && bounds) || n == 0), "a model, errors, or where bounds go,");
        const ForceErrors& calibration = calibration_of(*model);
        const std::vector<double> factors = calibration.factors(coverage, strict != 0);
        for (std::int64_t i = 0; i < n; ++i) {
            const double factor = factors[calibration.bin(errors[i])];
            bounds[i] = std::isinf(factor) ? factor : errors[i] * factor;  // no bound, also where no error is expected
        }
    });
}

maxvolt_status maxvolt_site_gradients(const maxvolt_model* model, maxvolt_list* list, const double* positions,
                                      double* rows, maxvolt_message* message) {
    return guarded(message, [&] {
        need(model && list && rows, "a model, a list, or where rows go,");
        const WindowRange all{0, list->windows.windows().count()};
        check_distinct(site_gradients(model->compiled, system_of(*list, positions), all, best(), nullptr, rows), nullptr);
    });
}
