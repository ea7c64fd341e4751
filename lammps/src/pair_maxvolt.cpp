#include "pair_maxvolt.h"

#include <algorithm>
#include <cstring>

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

using namespace LAMMPS_NS;

namespace {

constexpr int force_size = 3, share_size = 9;

// Where xx yy zz xy xz yz yx zx zy stand among 3 a + b.
constexpr int centroid[9] = {0, 4, 8, 1, 2, 5, 3, 6, 7};
// Where xx yy zz xy xz yz stand among xx yy zz yz xz xy.
constexpr int voigt[6] = {0, 1, 2, 5, 4, 3};

}  // namespace

PairMaxvolt::PairMaxvolt(LAMMPS* lmp) : Pair(lmp) {
    single_enable = 0;
    restartinfo = 0;
    one_coeff = 1;
    manybody_flag = 1;
    no_virial_fdotr_compute = 1;
    centroidstressflag = CENTROID_AVAIL;
    comm_reverse_off = force_size + share_size;
}

PairMaxvolt::~PairMaxvolt() {
    maxvolt_free_list(neighbors_);
    maxvolt_free_model(model_);
    if (allocated) {
        memory->destroy(setflag);
        memory->destroy(cutsq);
    }
}

void PairMaxvolt::settings(int narg, char** arg) {
    if (narg > 0) error->all(FLERR, "pair_style maxvolt takes no arguments, found '{}'", arg[0]);
}

void PairMaxvolt::coeff(int narg, char** arg) {
    if (!allocated) {
        allocated = 1;
        const int n = atom->ntypes + 1;
        memory->create(setflag, n, n, "pair:setflag");
        memory->create(cutsq, n, n, "pair:cutsq");
        map = new int[n];
    }
    if (narg != 3 + atom->ntypes)
        error->all(FLERR,
                   "pair_coeff of maxvolt: expected '* * FILE' and an element or NULL for each of the {} atom types",
                   atom->ntypes);
    read(arg[2]);
    number_elements(narg - 3, arg + 3);
}

// On every rank; a message of one is that of all, since all read the same file.
void PairMaxvolt::read(const std::string& path) {
    maxvolt_free_model(model_);
    model_ = nullptr;
    path_ = path;
    maxvolt_message message;
    if (maxvolt_read_model(path.c_str(), &model_, &message) != MAXVOLT_OK)
        error->all(FLERR, "pair_coeff of maxvolt: {}", message.text);
    cutoff_ = maxvolt_about_model(model_).cutoff;
}

void PairMaxvolt::number_elements(int narg, char** arg) {
    map_element2type(narg, arg);  // elements by name; which of them the potential has follows
    const maxvolt_about about = maxvolt_about_model(model_);
    std::vector<int> number(nelements);
    for (int e = 0; e < nelements; ++e) {
        number[e] = -1;
        for (int s = 0; about.species && s < about.n_species; ++s)
            if (std::strcmp(about.species[s], elements[e]) == 0) number[e] = s;
        if (number[e] < 0) {
            std::string known;
            for (int s = 0; about.species && s < about.n_species; ++s) known += std::string(" ") + about.species[s];
            error->all(FLERR, "pair_coeff of maxvolt: {} describes{}, not {}", path_, known, elements[e]);
        }
    }
    for (int t = 1; t <= atom->ntypes; ++t)
        if (map[t] >= 0) map[t] = number[map[t]];
}

void PairMaxvolt::init_style() {
    if (std::strcmp(update->unit_style, "metal") != 0)
        error->all(FLERR, "pair_style maxvolt needs 'units metal' (Angstrom, eV); these are units {}",
                   update->unit_style);
    if (utils::strmatch(update->integrate_style, "^respa"))
        error->all(FLERR, "pair_style maxvolt cannot be split among the levels of run_style respa");
    neighbor->add_request(this, NeighConst::REQ_FULL);
}

double PairMaxvolt::init_one(int i, int j) {
    if (setflag[i][j] == 0) error->all(FLERR, "All pair coeffs are not set");
    return cutoff_;
}

void PairMaxvolt::compute(int eflag, int vflag) {
    ev_init(eflag, vflag);
    if (neighbor->ago == 0 || !neighbors_) make_list();
    const bool direct = in_order_ && force->newton_pair && atom->f;
    maxvolt_results results{};
    if (!direct) forces_.assign(3 * atoms_.size(), 0.0);
    energies_.resize(eflag_atom ? n_local_ : 0);
    shares_.assign(wants_shares() ? share_size * atoms_.size() : 0, 0.0);
    results.forces = direct ? (atom->nmax > 0 ? atom->f[0] : nullptr) : forces_.data();
    results.energies = eflag_atom ? energies_.data() : nullptr;
    results.shares = wants_shares() ? shares_.data() : nullptr;
    double none[3] = {};
    if (!results.forces) results.forces = none;
    maxvolt_message message;
    const maxvolt_status status = maxvolt_evaluate(model_, neighbors_, gather(), &results, &message);
    check(status, message, results);
    if (!direct) scatter(results);
    add_energies(results);
    if (wants_shares()) add_shares();
}

// The neighbours of LAMMPS, for the atoms that have this style.
void PairMaxvolt::make_list() {
    order_atoms();
    first_.assign(1, 0);
    entries_.clear();
    for (int k = 0; k < n_local_; ++k) {
        const int i = atoms_[k], n = list->numneigh[i];
        const int* of_atom = list->firstneigh[i];
        for (int e = 0; e < n; ++e) {
            const int j = of_atom[e] & NEIGHMASK;
            if (number_[j] >= 0) entries_.push_back(number_[j]);
        }
        first_.push_back(std::int64_t(entries_.size()));
    }
    maxvolt_free_list(neighbors_);
    neighbors_ = nullptr;
    maxvolt_neighbors found{};
    found.n_atoms = std::int64_t(atoms_.size());
    found.n_local = n_local_;
    found.first = first_.data();
    found.neighbors = entries_.data();
    found.species = species_.data();
    found.positions = gather();
    maxvolt_message message;
    if (maxvolt_make_list(&found, &neighbors_, &message) != MAXVOLT_OK)
        error->one(FLERR, "pair_style maxvolt: {}", message.text);
}

bool PairMaxvolt::is_in_order() const {
    if (list->inum != atom->nlocal) return false;
    for (int k = 0; k < list->inum; ++k)
        if (list->ilist[k] != k) return false;
    for (int i = 0; i < atom->nlocal + atom->nghost; ++i)
        if (map[atom->type[i]] < 0) return false;
    return true;
}

void PairMaxvolt::order_atoms() {
    const int n = atom->nlocal + atom->nghost;
    in_order_ = is_in_order();
    atoms_.clear();
    number_.assign(n, -1);
    const auto add = [&](int i) {
        if (number_[i] >= 0 || map[atom->type[i]] < 0) return;
        number_[i] = int(atoms_.size());
        atoms_.push_back(i);
    };
    for (int k = 0; k < list->inum; ++k) add(list->ilist[k]);
    n_local_ = int(atoms_.size());
    for (int i = 0; i < n; ++i) add(i);
    species_.clear();
    for (const int i : atoms_) species_.push_back(map[atom->type[i]]);
}

// Positions of the atoms of the list, where they are now.
const double* PairMaxvolt::gather() {
    if (in_order_ && !atoms_.empty()) return atom->x[0];
    positions_.resize(3 * atoms_.size());
    for (std::size_t k = 0; k < atoms_.size(); ++k)
        for (int c = 0; c < 3; ++c) positions_[3 * k + c] = atom->x[atoms_[k]][c];
    return positions_.data();
}

void PairMaxvolt::check(maxvolt_status status, const maxvolt_message& message, const maxvolt_results& results) const {
    if (status == MAXVOLT_OK) return;
    if (results.atom >= 0)
        error->one(FLERR, "pair_style maxvolt: {} (atom id {}, step {})", message.text,
                   atom->tag[atoms_[std::size_t(results.atom)]], update->ntimestep);
    error->one(FLERR, "pair_style maxvolt: {} (step {})", message.text, update->ntimestep);
}

// Forces to the atoms of LAMMPS. With newton off nobody else brings those on ghosts to their owners.
void PairMaxvolt::scatter(const maxvolt_results&) {
    if (force->newton_pair) {
        for (std::size_t k = 0; k < atoms_.size(); ++k)
            for (int c = 0; c < 3; ++c) atom->f[atoms_[k]][c] += forces_[3 * k + c];
        return;
    }
    const int width = force_size + share_size;
    total_.assign(std::size_t(width) * (atom->nlocal + atom->nghost), 0.0);
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
        double* to = total_.data() + width * std::size_t(atoms_[k]);
        for (int c = 0; c < force_size; ++c) to[c] = forces_[3 * k + c];
        for (int c = 0; c < share_size && !shares_.empty(); ++c) to[force_size + c] = shares_[share_size * k + c];
    }
    comm->reverse_comm(this);
    for (int i = 0; i < atom->nlocal; ++i)
        for (int c = 0; c < 3; ++c) atom->f[i][c] += total_[std::size_t(width) * i + c];
    for (std::size_t k = 0; k < atoms_.size() && !shares_.empty(); ++k) {
        const bool local = atoms_[k] < atom->nlocal;  // ghosts have given theirs away
        for (int c = 0; c < share_size; ++c)
            shares_[share_size * k + c] = local ? total_[width * std::size_t(atoms_[k]) + force_size + c] : 0.0;
    }
}

void PairMaxvolt::add_energies(const maxvolt_results& results) {
    if (eflag_global) eng_vdwl += results.energy;
    for (int k = 0; eflag_atom && k < n_local_; ++k) eatom[atoms_[k]] += energies_[k];
    for (int v = 0; vflag_global && v < 6; ++v) virial[v] -= results.virial[voigt[v]];
}

void PairMaxvolt::add_shares() {
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
        const double* share = shares_.data() + share_size * k;
        const int i = atoms_[k];
        for (int c = 0; cvflag_atom && c < 9; ++c) cvatom[i][c] -= share[centroid[c]];
        for (int c = 0; vflag_atom && c < 3; ++c) vatom[i][c] -= share[4 * c];
        if (vflag_atom) {
            vatom[i][3] -= 0.5 * (share[1] + share[3]);
            vatom[i][4] -= 0.5 * (share[2] + share[6]);
            vatom[i][5] -= 0.5 * (share[5] + share[7]);
        }
    }
}

int PairMaxvolt::pack_reverse_comm(int n, int first, double* buffer) {
    const int width = force_size + share_size;
    std::copy_n(total_.data() + std::size_t(width) * first, std::size_t(width) * n, buffer);
    return width * n;
}

void PairMaxvolt::unpack_reverse_comm(int n, int* to, double* buffer) {
    const int width = force_size + share_size;
    for (int k = 0; k < n; ++k)
        for (int c = 0; c < width; ++c) total_[std::size_t(width) * to[k] + c] += buffer[width * k + c];
}

double PairMaxvolt::memory_usage() {
    const std::size_t reals = positions_.capacity() + forces_.capacity() + energies_.capacity() + shares_.capacity() +
                              total_.capacity() + first_.capacity();
    const std::size_t integers = entries_.capacity() + species_.capacity() + atoms_.capacity() + number_.capacity();
    return Pair::memory_usage() + double(8 * reals + 4 * integers);
}

void* PairMaxvolt::extract(const char* name, int& dimension) {
    dimension = 0;
    return std::strcmp(name, "cut") == 0 ? &cutoff_ : nullptr;
}
