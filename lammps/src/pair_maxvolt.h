// pair_style maxvolt select 2 break 10
// pair_coeff * * pot.maxvolt Ag Pd
//
// The grades of atoms: fix ID all pair N maxvolt grade 1; that of the configuration: compute ID all pair maxvolt. Likewise
// "error", expected force errors in eV/Angstrom, and "bound", what they stay below at the coverage of the settings.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "listed_atoms.h"
#include "maxvolt.h"
#include "measures.h"
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
    void find_force_lengths();
    std::vector<std::string> read_words(FILE*);
    template <class... Values>
    void notice(const char* format, const Values&... values) const;
    template <class... Values>
    [[noreturn]] void fail(const char* format, const Values&... values) const;
    void make_list();
    void convert_units(maxvolt_results&);
    void send_to_owners();
    void scatter();
    void add_energies(const maxvolt_results&);
    void add_shares();
    bool wants_shares() const { return vflag_atom || cvflag_atom; }

    std::string name_, plans_;
    std::vector<std::string> style_words_, coeff_words_;  // of the input, for restart files
    maxvolt_lammps::Settings settings_;
    maxvolt_lammps::Measures measures_;

    maxvolt_model* model_ = nullptr;
    maxvolt_list* neighbors_ = nullptr;
    std::string path_;
    maxvolt_about about_{};
    std::vector<std::string> names_;  // of the species as pair_coeff gives them, where the file does not
    double cutoff_ = 0.0;
    double energy_unit_ = 1.0;        // eV in the units of LAMMPS

    maxvolt_lammps::ListedAtoms atoms_;
    std::vector<double> forces_, energies_, shares_;  // of atoms of the list
    std::vector<double> lengths_;  // of the forces on the local ones, eV/Angstrom
    double summed_[2] = {};        // largest grade and expected error on one rank only, as compute pair sums
    std::vector<double> total_;  // forces and shares of atoms of LAMMPS, to be sent to their owners
};

}  // namespace LAMMPS_NS
