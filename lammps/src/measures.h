// What a step says about its uncertainty: grades, expected force errors, and what the thresholds make of them.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "extrapolation.h"
#include "listed_atoms.h"
#include "maxvolt.h"
#include "pointers.h"
#include "settings.h"

namespace maxvolt_lammps {

class Measures : protected LAMMPS_NS::Pointers {
  public:
    explicit Measures(LAMMPS_NS::LAMMPS* lmp) : Pointers(lmp) {}

    // A potential, which stays the caller's, with the symbols of its species; path: its file, for messages.
    void take(const Settings& settings, const maxvolt_model* model, const std::string& path,
              const std::vector<std::string>& symbols);

    // Refuses what this potential cannot do.
    void begin_run();

    // What the step computes: what fix pair and the thresholds ask for; errors may be made of grades.
    void decide();

    // Whether the step needs the lengths of the forces.
    bool wants_lengths() const { return errors_now_ && (about_.measures & MAXVOLT_BY_FORCE); }

    // Says where an evaluation writes what the step needs.
    void request(int n_local, maxvolt_results& results);

    // Applies the thresholds. lengths: of the forces on the local atoms, eV/Angstrom, where they are wanted. On all ranks.
    void judge(const ListedAtoms& atoms, const std::vector<double>& lengths);

    // The largest grade and the largest expected error, when they were computed last.
    double grade() const { return grade_; }
    double error_of_force() const { return error_; }

    // What fix pair asks for by name; null where it is nothing of these.
    void* extract(const char* name);
    void* extract_peratom(const char* name) const;

    // Says how often the run extrapolated. On all ranks.
    void finish();
    double memory_usage() const;

  private:
    void check_grading() const;
    void check_errors() const;
    void check_cut() const;
    bool grades_atoms() const { return about_.grading == MAXVOLT_NEIGHBORHOODS; }
    void judge_grades(const ListedAtoms& atoms);
    void judge_errors(const ListedAtoms& atoms, const std::vector<double>& lengths);
    double grade_of_configuration(int n_local) const;
    double largest(const std::vector<double>& of_atoms) const;
    void give_to_lammps(const ListedAtoms& atoms, const std::vector<double>& of_atoms, std::vector<double>& of_lammps) const;
    double apply_thresholds(const ListedAtoms& atoms, const std::vector<double>& of_atoms, double of_configuration);
    [[noreturn]] void fail(const std::string& message) const;

    Settings settings_;
    const maxvolt_model* model_ = nullptr;
    maxvolt_about about_{};
    std::string path_;
    std::unique_ptr<Extrapolation> extrapolation_;

    int grade_flag_ = 0, error_flag_ = 0, bound_flag_ = 0;  // fix pair asks for them at this step
    bool grades_now_ = false, errors_now_ = false;          // what this step computes
    double grade_ = 0.0, error_ = 0.0;                      // the largest
    std::vector<double> grades_, deviations_, errors_;      // of local atoms; eV, eV/Angstrom
    std::vector<double> row_;                               // of the energy by the parameters
    std::vector<double> grades_of_lammps_, errors_of_lammps_, bounds_of_lammps_;  // of its atoms, for fix pair
};

}  // namespace maxvolt_lammps
