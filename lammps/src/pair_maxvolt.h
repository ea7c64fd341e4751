// pair_style maxvolt
// pair_coeff * * pot.maxvolt Ag Pd
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "maxvolt.h"
#include "pair.h"

namespace LAMMPS_NS {

class PairMaxvolt : public Pair {
  public:
    explicit PairMaxvolt(LAMMPS*);
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

  private:
    void read(const std::string& path);
    void number_elements(int, char**);
    void make_list();
    bool is_in_order() const;
    void order_atoms();
    const double* gather();
    void check(maxvolt_status, const maxvolt_message&, const maxvolt_results&) const;
    void scatter(const maxvolt_results&);
    void add_energies(const maxvolt_results&);
    void add_shares();
    bool wants_shares() const { return vflag_atom || cvflag_atom; }

    maxvolt_model* model_ = nullptr;
    maxvolt_list* neighbors_ = nullptr;
    std::string path_;
    double cutoff_ = 0.0;

    // Atoms of the list: local ones that have this style, then the others that do.
    bool in_order_ = false;  // the atoms of the list are those of LAMMPS, one by one
    int n_local_ = 0;
    std::vector<int> atoms_, number_;
    std::vector<std::int64_t> first_;
    std::vector<std::int32_t> entries_, species_;

    std::vector<double> positions_, forces_, energies_, shares_;  // of atoms of the list
    std::vector<double> total_;  // forces and shares of atoms of LAMMPS, to be sent to their owners (newton off)
};

}  // namespace LAMMPS_NS
