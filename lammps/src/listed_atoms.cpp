#include "listed_atoms.h"

#include "atom.h"
#include "neigh_list.h"

using namespace LAMMPS_NS;

namespace maxvolt_lammps {

void ListedAtoms::take(const NeighList& list, const int* map) {
    order_atoms(list, map);
    first_.assign(1, 0);
    entries_.clear();
    for (int k = 0; k < n_local_; ++k) {
        const int i = atoms_[k], n = list.numneigh[i];
        const int* of_atom = list.firstneigh[i];
        for (int e = 0; e < n; ++e) {
            const int j = of_atom[e] & NEIGHMASK;
            if (number_[j] >= 0) entries_.push_back(number_[j]);
        }
        first_.push_back(std::int64_t(entries_.size()));
    }
}

maxvolt_neighbors ListedAtoms::neighbors() {
    maxvolt_neighbors found{};
    found.n_atoms = std::int64_t(atoms_.size());
    found.n_local = n_local_;
    found.first = first_.data();
    found.neighbors = entries_.data();
    found.species = species_.data();
    found.positions = positions();
    return found;
}

bool ListedAtoms::find_order(const NeighList& list, const int* map) const {
    if (list.inum != atom->nlocal) return false;
    for (int k = 0; k < list.inum; ++k)
        if (list.ilist[k] != k) return false;
    for (int i = 0; i < atom->nlocal + atom->nghost; ++i)
        if (map[atom->type[i]] < 0) return false;
    return true;
}

void ListedAtoms::order_atoms(const NeighList& list, const int* map) {
    const int n = atom->nlocal + atom->nghost;
    in_order_ = find_order(list, map);
    atoms_.clear();
    number_.assign(n, -1);
    const auto add = [&](int i) {
        if (number_[i] >= 0 || map[atom->type[i]] < 0) return;
        number_[i] = int(atoms_.size());
        atoms_.push_back(i);
    };
    for (int k = 0; k < list.inum; ++k) add(list.ilist[k]);
    n_local_ = int(atoms_.size());
    for (int i = 0; i < n; ++i) add(i);
    species_.clear();
    for (const int i : atoms_) species_.push_back(map[atom->type[i]]);
}

const double* ListedAtoms::positions() {
    if (in_order_ && !atoms_.empty()) return atom->x[0];
    positions_.resize(3 * atoms_.size());
    for (std::size_t k = 0; k < atoms_.size(); ++k)
        for (int c = 0; c < 3; ++c) positions_[3 * k + c] = atom->x[atoms_[k]][c];
    return positions_.data();
}

std::string ListedAtoms::named(const std::string& text, std::int64_t k) const {
    const std::string number = fmt::format("atom {}", k);
    const std::size_t at = text.find(number);
    if (k < 0 || at == std::string::npos) return text;
    const int i = atoms_[std::size_t(k)];
    const double* x = atom->x[i];
    const std::string name = atom->tag_enable ? fmt::format("atom with id {}", atom->tag[i])
                                              : fmt::format("atom at {:.6g} {:.6g} {:.6g}", x[0], x[1], x[2]);
    return std::string(text).replace(at, number.size(), name);
}

double ListedAtoms::memory_usage() const {
    const std::size_t integers = entries_.capacity() + species_.capacity() + atoms_.capacity() + number_.capacity();
    return double(8 * (positions_.capacity() + first_.capacity()) + 4 * integers);
}

}  // namespace maxvolt_lammps
