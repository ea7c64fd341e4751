// The atoms of LAMMPS that a pair style sees, with their neighbours: local ones first, then ghosts.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "maxvolt.h"
#include "pointers.h"

namespace LAMMPS_NS {
class NeighList;
}

namespace maxvolt_lammps {

class ListedAtoms : protected LAMMPS_NS::Pointers {
  public:
    explicit ListedAtoms(LAMMPS_NS::LAMMPS* lmp) : Pointers(lmp) {}

    // Atoms and neighbours of a full list, but for the types that map gives no species (-1).
    void take(const LAMMPS_NS::NeighList& list, const int* map);

    // For maxvolt_make_list; the arrays are these.
    maxvolt_neighbors neighbors();

    // Where the atoms are now, [size][3].
    const double* positions();

    std::size_t size() const { return atoms_.size(); }
    int n_local() const { return n_local_; }
    // The number that LAMMPS gives atom k.
    int operator[](std::size_t k) const { return atoms_[k]; }
    int species(std::size_t k) const { return species_[k]; }
    // Whether the atoms are those of LAMMPS, one by one.
    bool is_in_order() const { return in_order_; }
    // A text that speaks of atom k by that number, with what LAMMPS calls it instead.
    std::string named(const std::string& text, std::int64_t k) const;
    double memory_usage() const;

  private:
    bool find_order(const LAMMPS_NS::NeighList& list, const int* map) const;
    void order_atoms(const LAMMPS_NS::NeighList& list, const int* map);

    bool in_order_ = false;
    int n_local_ = 0;
    std::vector<int> atoms_, number_;  // number_: of the atoms of LAMMPS here, or -1
    std::vector<std::int64_t> first_;
    std::vector<std::int32_t> entries_, species_;
    std::vector<double> positions_;
};

}  // namespace maxvolt_lammps
