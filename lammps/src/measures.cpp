#include "measures.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "atom.h"
#include "error.h"
#include "update.h"

using namespace LAMMPS_NS;

namespace maxvolt_lammps {

void Measures::take(const Settings& settings, const maxvolt_model* model, const std::string& path,
                    const std::vector<std::string>& symbols) {
    settings_ = settings;
    model_ = model;
    about_ = maxvolt_about_model(model);
    path_ = path;
    extrapolation_ = std::make_unique<Extrapolation>(lmp, settings, symbols, about_.cutoff);
}

void Measures::begin_run() {
    if (settings_.every > 0) settings_.by_errors ? check_errors() : check_grading();
    if (settings_.every > 0 && !atom->tag_enable) fail("frames that extrapolate need atoms with ids (atom_modify id yes)");
    if (extrapolation_) extrapolation_->begin_run();
}

void Measures::check_grading() const {
    if (about_.grading == MAXVOLT_NO_GRADES)
        fail(path_ + " has no active set, by which grades are computed; make one with maxvolt select POT TRAIN "
                     "--save-active-set pot.almtp, then maxvolt compile pot.almtp -o pot.maxvolt");
    if (about_.grading == MAXVOLT_OTHER_ROWS)
        fail("the active set of " + path_ + " has rows of forces, stresses, or of energies and atoms at once; grades are "
             "available for one row per configuration or one per atom");
    check_cut();
}

void Measures::check_errors() const {
    if (about_.measures == 0)
        fail(path_ + " has no calibration, by which errors are expected; make one with maxvolt calibrate POT --train TRAIN "
                     "--measure posterior -o pot.uncertainty, then maxvolt compile POT --uncertainty pot.uncertainty -o "
                     "pot.maxvolt");
    check_cut();
}

void Measures::check_cut() const {
    if (settings_.cut > 0.0 && !settings_.by_errors && !grades_atoms())
        fail("cut needs the grades of atoms; " + path_ + " grades whole configurations (maxvolt select --mode neighborhood)");
    if (settings_.cut > 0.0 && settings_.cut < about_.cutoff)
        fail(fmt::format("cut is {:g}; expected at least the cutoff of the potential, {:g}, and better twice as much",
                         settings_.cut, about_.cutoff));
}

void Measures::decide() {
    if (grade_flag_) check_grading();
    if (error_flag_ || bound_flag_) check_errors();
    const bool is_due = extrapolation_->is_due(update->ntimestep);
    errors_now_ = error_flag_ || bound_flag_ || (is_due && settings_.by_errors);
    grades_now_ = grade_flag_ || (is_due && !settings_.by_errors) || (errors_now_ && (about_.measures & MAXVOLT_BY_GRADE));
}

void Measures::request(int n_local, maxvolt_results& results) {
    const auto n = std::size_t(n_local);
    grades_.resize(grades_now_ && grades_atoms() ? n : 0);
    deviations_.resize(errors_now_ && (about_.measures & MAXVOLT_BY_DEVIATION) ? n : 0);
    row_.resize(grades_now_ && !grades_atoms() ? std::size_t(about_.n_parameters) : 0);
    results.grades = grades_.empty() ? nullptr : grades_.data();
    results.deviations = deviations_.empty() ? nullptr : deviations_.data();
    results.row = row_.empty() ? nullptr : row_.data();
}

void Measures::judge(const ListedAtoms& atoms, const std::vector<double>& lengths) {
    if (grades_now_) judge_grades(atoms);
    if (errors_now_) judge_errors(atoms, lengths);
}

void Measures::judge_grades(const ListedAtoms& atoms) {
    give_to_lammps(atoms, grades_, grades_of_lammps_);
    const double whole = grades_atoms() ? 0.0 : grade_of_configuration(atoms.n_local());
    if (settings_.by_errors)
        grade_ = grades_atoms() ? largest(grades_) : whole;
    else
        grade_ = apply_thresholds(atoms, grades_, whole);
}

void Measures::judge_errors(const ListedAtoms& atoms, const std::vector<double>& lengths) {
    const maxvolt_measured measured{grades_.data(), deviations_.data(), lengths.data()};
    errors_.assign(std::size_t(atoms.n_local()), 0.0);
    std::vector<double> bounds(errors_.size());
    maxvolt_message message;
    maxvolt_status status = maxvolt_expected_errors(model_, atoms.n_local(), &measured, errors_.data(), nullptr, &message);
    if (status == MAXVOLT_OK)
        status = maxvolt_error_bounds(model_, settings_.coverage, 0, atoms.n_local(), errors_.data(), bounds.data(), &message);
    if (status != MAXVOLT_OK) {
        const auto at_fault = std::find_if_not(errors_.begin(), errors_.end(), [](double e) { return std::isfinite(e); });
        const std::int64_t k = at_fault == errors_.end() ? -1 : at_fault - errors_.begin();
        error->one(FLERR, "pair_style {}: {} (step {})", settings_.style, atoms.named(message.text, k), update->ntimestep);
    }
    give_to_lammps(atoms, errors_, errors_of_lammps_);
    give_to_lammps(atoms, bounds, bounds_of_lammps_);
    error_ = settings_.by_errors ? apply_thresholds(atoms, errors_, 0.0) : largest(errors_);
}

double Measures::grade_of_configuration(int n_local) const {
    std::vector<double> row(row_.size());
    MPI_Allreduce(row_.data(), row.data(), int(row.size()), MPI_DOUBLE, MPI_SUM, world);
    const bigint own = n_local;
    bigint n_atoms = 0;
    MPI_Allreduce(&own, &n_atoms, 1, MPI_LMP_BIGINT, MPI_SUM, world);
    double grade = 0.0;
    maxvolt_message message;
    if (n_atoms > 0 && maxvolt_grade(model_, row.data(), n_atoms, &grade, &message) != MAXVOLT_OK)
        fail(fmt::format("{} (step {})", message.text, update->ntimestep));
    return grade;
}

double Measures::largest(const std::vector<double>& of_atoms) const {
    double mine = 0.0, found = 0.0;
    for (const double value : of_atoms) mine = std::max(mine, value);
    MPI_Allreduce(&mine, &found, 1, MPI_DOUBLE, MPI_MAX, world);
    return found;
}

// Zero for atoms that do not have this style.
void Measures::give_to_lammps(const ListedAtoms& atoms, const std::vector<double>& of_atoms,
                              std::vector<double>& of_lammps) const {
    of_lammps.assign(std::size_t(atom->nmax), 0.0);
    for (std::size_t k = 0; k < of_atoms.size(); ++k) of_lammps[std::size_t(atoms[k])] = of_atoms[k];
}

// To values of the local atoms, or to one of the whole configuration where there are none. Gives the largest. On all ranks.
double Measures::apply_thresholds(const ListedAtoms& atoms, const std::vector<double>& of_atoms, double of_configuration) {
    Graded graded;
    graded.of_atoms = settings_.by_errors || grades_atoms();
    graded.of_configuration = of_configuration;
    graded.asked = settings_.by_errors ? error_flag_ || bound_flag_ : grade_flag_ != 0;
    graded.atoms.reserve(std::size_t(atoms.n_local()));
    for (int k = 0; k < atoms.n_local(); ++k) {
        const int i = atoms[std::size_t(k)];
        const double *x = atom->x[i], id = atom->tag_enable ? double(atom->tag[i]) : 0.0;
        const double value = graded.of_atoms ? of_atoms[std::size_t(k)] : 0.0;
        graded.atoms.push_back({id, double(atoms.species(std::size_t(k))), {x[0], x[1], x[2]}, value, 0.0});
    }
    return extrapolation_->judge(graded);
}

void* Measures::extract(const char* name) {
    if (std::strcmp(name, "grade") == 0) return &grade_;
    if (std::strcmp(name, "grade_flag") == 0) return &grade_flag_;
    if (std::strcmp(name, "error") == 0) return &error_;
    if (std::strcmp(name, "error_flag") == 0) return &error_flag_;
    if (std::strcmp(name, "bound_flag") == 0) return &bound_flag_;
    return nullptr;
}

void* Measures::extract_peratom(const char* name) const {
    const bool is_error = std::strcmp(name, "error") == 0, is_bound = std::strcmp(name, "bound") == 0;
    if (model_ && (is_error || is_bound)) check_errors();
    const std::vector<double>& values = is_error ? errors_of_lammps_ : is_bound ? bounds_of_lammps_ : grades_of_lammps_;
    if (is_error || is_bound) return const_cast<double*>(values.data());
    if (std::strcmp(name, "grade") != 0) return nullptr;
    if (model_ && !grades_atoms())
        fail("atoms have no grades by the active set of " + path_ + ", or it has none; fix pair needs one in neighborhood "
             "mode (maxvolt select POT TRAIN --mode neighborhood --save-active-set pot.almtp)");
    return const_cast<double*>(values.data());
}

void Measures::finish() {
    if (extrapolation_) extrapolation_->finish();
}

double Measures::memory_usage() const {
    const std::size_t reals = grades_.capacity() + deviations_.capacity() + errors_.capacity() + row_.capacity() +
                              grades_of_lammps_.capacity() + errors_of_lammps_.capacity() + bounds_of_lammps_.capacity();
    return 8.0 * double(reals);
}

// On all ranks, with the same message.
void Measures::fail(const std::string& message) const { error->all(FLERR, "pair_style {}: {}", settings_.style, message); }

}  // namespace maxvolt_lammps
