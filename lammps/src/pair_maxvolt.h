// pair_style maxvolt select 2 break 10
// pair_coeff * * pot.maxvolt Ag Pd
//
// The grades of atoms: fix ID all pair N maxvolt grade 1; that of the configuration: compute ID all pair maxvolt. Likewise
// "error", expected force errors in eV/Angstrom, and "bound", what they stay below at the coverage of the settings.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "extrapolation.h"
#include "listed_atoms.h"
#include "maxvolt.h"
#include "pair.h"
#include "settings.h"

namespace LAMMPS_NS {

class PairMaxvolt : public Pair {
  public:
    // name: maxvolt or mlip, as in the input. plans: the folder of evaluation plans of MLIP's tables.
    PairMaxvolt(LAMMPS*, const char* name, std::string plans);
    ~PairMaxvolt() override;

    void settings(int, char**) override;
    void coeff(int, char**) override;
    void init_style() override;
    double init_one(int, int) override;
    void compute(int, int) override;
    int pack_reverse_comm(int, int, double*) override;
    void unpack_reverse_comm(int, int*, double*) override;
    double memory_usage() override;
    void* extract(const char*, int&) override;
    void* extract_peratom(const char*, int&) override;
    void write_restart(FILE*) override;
    void read_restart(FILE*) override;
    void write_restart_settings(FILE*) override;
    void read_restart_settings(FILE*) override;
    void finish() override;

  private:
    void apply_settings();
    void apply_coefficients();
    void allocate();
    maxvolt_model* read_model(const std::string& path) const;
    void check_same(const std::string& path) const;
    void say_what_it_costs() const;
    void number_types();
    void number_elements();
    void check_grading() const;
    void check_errors() const;
    void decide_what_to_grade();
    void grade();
    double grade_of_configuration();
    void expect_errors();
    void find_force_lengths();
    double largest(const std::vector<double>& of_atoms) const;
    void give_to_lammps(const std::vector<double>& of_atoms, std::vector<double>& of_lammps) const;
    double judge(const std::vector<double>& of_atoms, double of_configuration);
    std::vector<std::string> read_words(FILE*);
    template <class... Values>
    void notice(const char* format, const Values&... values) const;
    template <class... Values>
    [[noreturn]] void fail(const char* format, const Values&... values) const;
    void make_list();
    void check(maxvolt_status, const maxvolt_message&, const maxvolt_results&) const;
    void convert_units(maxvolt_results&);
    int send_to_owners();
    void scatter();
    void add_energies(const maxvolt_results&);
    void add_shares();
    bool wants_shares() const { return vflag_atom || cvflag_atom; }

    std::string name_, plans_;
    std::vector<std::string> style_words_, coeff_words_;  // of the input, for restart files
    maxvolt_lammps::Settings settings_;
    std::unique_ptr<maxvolt_lammps::Extrapolation> extrapolation_;

    maxvolt_model* model_ = nullptr;
    maxvolt_list* neighbors_ = nullptr;
    std::string path_;
    maxvolt_about about_{};
    std::vector<std::string> names_;  // of the species as pair_coeff gives them, where the file does not
    double cutoff_ = 0.0;
    double energy_unit_ = 1.0;        // eV in the units of LAMMPS

    maxvolt_lammps::ListedAtoms atoms_;
    std::vector<double> forces_, energies_, shares_, grades_;  // of atoms of the list
    std::vector<double> deviations_, lengths_, errors_;        // of local ones, eV and eV/Angstrom: for expected errors
    std::vector<double> row_;                                  // of the energy by the parameters
    std::vector<double> grades_of_lammps_, errors_of_lammps_, bounds_of_lammps_;  // of its atoms, for fix pair
    double grade_ = 0.0, error_ = 0.0;  // the largest
    double summed_[2] = {};             // both on one rank only, as compute pair sums
    int grade_flag_ = 0, error_flag_ = 0, bound_flag_ = 0;  // fix pair asks for them at this step
    bool grades_now_ = false, errors_now_ = false;          // what this step computes
    std::vector<double> total_;  // forces and shares of atoms of LAMMPS, to be sent to their owners
};

}  // namespace LAMMPS_NS
