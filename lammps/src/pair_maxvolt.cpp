#include "pair_maxvolt.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "platform.h"
#include "update.h"

using namespace LAMMPS_NS;

namespace {

constexpr int force_size = 3, share_size = 9;
constexpr std::size_t total_size = force_size + share_size;

// Where xx yy zz xy xz yz yx zx zy stand among 3 a + b.
constexpr int centroid[9] = {0, 4, 8, 1, 2, 5, 3, 6, 7};
// Where xx yy zz xy xz yz stand among xx yy zz yz xz xy.
constexpr int voigt[6] = {0, 1, 2, 5, 4, 3};

}  // namespace

PairMaxvolt::PairMaxvolt(LAMMPS* lmp, const char* name, std::string plans)
    : Pair(lmp), name_(name), plans_(std::move(plans)), measures_(lmp), atoms_(lmp) {
    single_enable = 0;
    restartinfo = 1;
    one_coeff = 1;
    manybody_flag = 1;
    no_virial_fdotr_compute = 1;
    centroidstressflag = CENTROID_AVAIL;
    // Used with newton off, and for the lengths of forces; comm_style tiled takes the first for the size of its messages.
    comm_reverse = comm_reverse_off = total_size;
    nextra = 2;
    pvector = summed_;
}

PairMaxvolt::~PairMaxvolt() {
    maxvolt_free_list(neighbors_);
    maxvolt_free_model(model_);
    if (allocated) {
        memory->destroy(setflag);
        memory->destroy(cutsq);
    }
}

template <class... Values>
void PairMaxvolt::notice(const char* format, const Values&... values) const {
    if (comm->me == 0) utils::logmesg(lmp, "pair_style {}: {}\n", name_, fmt::format(fmt::runtime(format), values...));
}

// On all ranks, with the same message.
template <class... Values>
void PairMaxvolt::fail(const char* format, const Values&... values) const {
    error->all(FLERR, "pair_style {}: {}", name_, fmt::format(fmt::runtime(format), values...));
}

void PairMaxvolt::settings(int narg, char** arg) {
    style_words_.assign(arg, arg + narg);
    apply_settings();
}

void PairMaxvolt::apply_settings() {
    try {
        settings_ = name_ == "mlip" ? maxvolt_lammps::read_mlip_settings(style_words_)
                                    : maxvolt_lammps::read_settings(style_words_);
    } catch (const maxvolt_lammps::SettingsError& problem) {
        fail("{}", problem.what());
    }
    for (const std::string& text : settings_.notices) notice("{}", text);
}

void PairMaxvolt::coeff(int narg, char** arg) {
    if (settings_.by_type && narg != 2) fail("pair_coeff: expected '* *' and nothing more");
    if (!settings_.by_type && narg != 3 + atom->ntypes)
        fail("pair_coeff: expected '* *', a file, and an element or NULL for each of the {} atom types", atom->ntypes);
    coeff_words_.assign(arg + 2, arg + narg);
    apply_coefficients();
}

void PairMaxvolt::apply_coefficients() {
    if (!allocated) allocate();
    path_ = settings_.by_type ? settings_.potential : coeff_words_[0];
    maxvolt_free_model(model_);
    model_ = nullptr;  // should the next line fail
    model_ = read_model(path_);
    about_ = maxvolt_about_model(model_);
    cutoff_ = about_.cutoff;
    names_.assign(about_.species, about_.species + (about_.species ? about_.n_species : 0));
    say_what_it_costs();
    if (!settings_.same_as.empty()) check_same(settings_.same_as);
    if (settings_.by_type)
        number_types();
    else
        number_elements();
    measures_.take(settings_, model_, path_, names_);
}

void PairMaxvolt::allocate() {
    allocated = 1;
    const int n = atom->ntypes + 1;
    memory->create(setflag, n, n, "pair:setflag");
    memory->create(cutsq, n, n, "pair:cutsq");
    map = new int[n];
}

// On every rank; a message of one is that of all, since all read the same file.
maxvolt_model* PairMaxvolt::read_model(const std::string& path) const {
    maxvolt_model* model = nullptr;
    maxvolt_message message;
    if (maxvolt_read_potential(path.c_str(), plans_.c_str(), &model, &message) != MAXVOLT_OK) fail("{}", message.text);
    return model;
}

void PairMaxvolt::say_what_it_costs() const {
    const maxvolt_table_cost cost = maxvolt_cost_of_table(model_);
    if (about_.has_plan || cost.slowdown < 1.1) return;
    notice("{}: no evaluation plan is known for its table of {} products, which is evaluated as it stands and takes about "
           "{:.1f} times longer; write a compiled model: maxvolt compile {} -o pot.maxvolt", path_, cost.n_products,
           cost.slowdown, path_);
}

// MLIP-2 names a potential and an active set, which holds a potential as well.
void PairMaxvolt::check_same(const std::string& path) const {
    maxvolt_model* other = read_model(path);
    const bool is_same = maxvolt_same_potential(model_, other) == 1;
    maxvolt_free_model(other);
    if (!is_same) fail("{} is another potential than the one in {}; make the active set of this potential", path, path_);
}

// Atom types are those of the potential, as in MLIP.
void PairMaxvolt::number_types() {
    if (atom->ntypes > about_.n_species)
        fail("{} describes {} types of atoms, these are {}", path_, about_.n_species, atom->ntypes);
    for (int t = 1; t <= atom->ntypes; ++t) {
        map[t] = t - 1;
        for (int other = 1; other <= atom->ntypes; ++other) setflag[t][other] = 1;
    }
}

// Atom types are elements; those of the potential are found by name.
void PairMaxvolt::number_elements() {
    std::vector<char*> words;
    for (std::size_t k = 1; k < coeff_words_.size(); ++k) words.push_back(coeff_words_[k].data());
    map_element2type(int(words.size()), words.data());
    if (names_.empty()) {
        if (nelements != about_.n_species)
            fail("{} describes {} species without their names; name as many elements, in its order, not {}", path_,
                 about_.n_species, nelements);
        names_.assign(elements, elements + nelements);
        notice("{} does not name its species: they are taken to be {}", path_, utils::join_words(names_, ", "));
        return;
    }
    std::vector<int> number(static_cast<std::size_t>(nelements));
    for (int e = 0; e < nelements; ++e) {
        const auto found = std::find(names_.begin(), names_.end(), elements[e]);
        if (found == names_.end()) fail("{} describes {}, not {}", path_, utils::join_words(names_, ", "), elements[e]);
        number[std::size_t(e)] = int(found - names_.begin());
    }
    for (int t = 1; t <= atom->ntypes; ++t)
        if (map[t] >= 0) map[t] = number[std::size_t(map[t])];
}

void PairMaxvolt::init_style() {
    const std::string units = update->unit_style;
    if (units != "metal" && units != "real")
        fail("it needs 'units metal' or 'units real' (Angstrom); these are units {}", units);
    energy_unit_ = units == "metal" ? 1.0 : utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
    if (utils::strmatch(update->integrate_style, "^respa")) fail("it cannot be split among the levels of run_style respa");
    for (int k = 1; atom->molecular != Atom::ATOMIC && k < 4; ++k)
        if (force->special_lj[k] == 0.0 && force->special_coul[k] == 0.0 && comm->me == 0)
            error->warning(FLERR, "pair_style {}: special_bonds leaves bonded atoms out of the lists of neighbours; a moment "
                                  "tensor potential needs them all: special_bonds lj/coul 1e-50 1e-50 1e-50", name_);
    measures_.begin_run();
    neighbor->add_request(this, NeighConst::REQ_FULL);
}

double PairMaxvolt::init_one(int i, int j) {
    if (setflag[i][j] == 0) error->all(FLERR, "All pair coeffs are not set");
    return cutoff_;
}

void PairMaxvolt::compute(int eflag, int vflag) {
    ev_init(eflag, vflag);
    if (neighbor->ago == 0 || !neighbors_) make_list();
    measures_.decide();
    const bool lengths = measures_.wants_lengths(), sends = lengths || !force->newton_pair;
    const bool direct = atoms_.is_in_order() && !sends && atom->f && energy_unit_ == 1.0;
    maxvolt_results results{};
    if (!direct) forces_.assign(3 * atoms_.size(), 0.0);
    energies_.resize(eflag_atom ? atoms_.n_local() : 0);
    shares_.assign(wants_shares() ? share_size * atoms_.size() : 0, 0.0);
    results.forces = direct ? (atom->nmax > 0 ? atom->f[0] : nullptr) : forces_.data();
    results.energies = eflag_atom ? energies_.data() : nullptr;
    results.shares = wants_shares() ? shares_.data() : nullptr;
    measures_.request(atoms_.n_local(), results);
    maxvolt_message message;
    const maxvolt_status status = maxvolt_evaluate(model_, neighbors_, atoms_.positions(), &results, &message);
    if (status != MAXVOLT_OK)
        error->one(FLERR, "pair_style {}: {} (step {})", name_, atoms_.named(message.text, results.atom), update->ntimestep);
    total_.clear();
    if (sends) send_to_owners();
    if (lengths) find_force_lengths();
    if (energy_unit_ != 1.0) convert_units(results);
    if (!direct) scatter();
    add_energies(results);
    if (wants_shares()) add_shares();
    measures_.judge(atoms_, lengths_);
    summed_[0] = comm->me == 0 ? measures_.grade() : 0.0;
    summed_[1] = comm->me == 0 ? measures_.error_of_force() : 0.0;
}

// Lengths of the forces of this style on the local atoms, what atoms of other ranks do to them among it; the forces are
// still in eV/Angstrom.
void PairMaxvolt::find_force_lengths() {
    lengths_.resize(std::size_t(atoms_.n_local()));
    for (std::size_t k = 0; k < lengths_.size(); ++k) {
        const double* f = total_.data() + total_size * std::size_t(atoms_[k]);
        lengths_[k] = std::sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
    }
}

void PairMaxvolt::finish() { measures_.finish(); }

// The neighbours of LAMMPS, for the atoms that have this style.
void PairMaxvolt::make_list() {
    atoms_.take(*list, map);
    maxvolt_free_list(neighbors_);
    neighbors_ = nullptr;
    const maxvolt_neighbors found = atoms_.neighbors();
    maxvolt_message message;
    if (maxvolt_make_list(&found, &neighbors_, &message) != MAXVOLT_OK)
        error->one(FLERR, "pair_style {}: {}", name_, message.text);
}

// From eV to the units of LAMMPS.
void PairMaxvolt::convert_units(maxvolt_results& results) {
    for (std::vector<double>* values : {&forces_, &energies_, &shares_, &total_})
        for (double& value : *values) value *= energy_unit_;
    results.energy *= energy_unit_;
    for (double& value : results.virial) value *= energy_unit_;
}

// Forces and shares of each atom of LAMMPS in total_, those on ghosts added at their owners.
void PairMaxvolt::send_to_owners() {
    total_.assign(total_size * std::size_t(atom->nlocal + atom->nghost), 0.0);
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
        double* to = total_.data() + total_size * std::size_t(atoms_[k]);
        for (int c = 0; c < force_size; ++c) to[c] = forces_[force_size * k + c];
        for (int c = 0; c < share_size && !shares_.empty(); ++c) to[force_size + c] = shares_[share_size * k + c];
    }
    comm->reverse_comm(this);
}

// Forces to the atoms of LAMMPS. With newton off nobody else brings those on ghosts to their owners.
void PairMaxvolt::scatter() {
    if (force->newton_pair) {
        for (std::size_t k = 0; k < atoms_.size(); ++k)
            for (int c = 0; c < 3; ++c) atom->f[atoms_[k]][c] += forces_[3 * k + c];
        return;
    }
    for (int i = 0; i < atom->nlocal; ++i)
        for (int c = 0; c < 3; ++c) atom->f[i][c] += total_[total_size * std::size_t(i) + c];
    for (std::size_t k = 0; k < atoms_.size() && !shares_.empty(); ++k) {
        const bool local = atoms_[k] < atom->nlocal;  // ghosts have given theirs away
        for (int c = 0; c < share_size; ++c)
            shares_[share_size * k + c] = local ? total_[total_size * std::size_t(atoms_[k]) + force_size + c] : 0.0;
    }
}

void PairMaxvolt::add_energies(const maxvolt_results& results) {
    if (eflag_global) eng_vdwl += results.energy;
    for (int k = 0; eflag_atom && k < atoms_.n_local(); ++k) eatom[atoms_[k]] += energies_[k];
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
    std::copy_n(total_.data() + total_size * std::size_t(first), total_size * std::size_t(n), buffer);
    return int(total_size) * n;
}

void PairMaxvolt::unpack_reverse_comm(int n, int* to, double* buffer) {
    for (int k = 0; k < n; ++k)
        for (std::size_t c = 0; c < total_size; ++c)
            total_[total_size * std::size_t(to[k]) + c] += buffer[total_size * std::size_t(k) + c];
}

double PairMaxvolt::memory_usage() {
    const std::size_t reals =
        forces_.capacity() + energies_.capacity() + shares_.capacity() + total_.capacity() + lengths_.capacity();
    return Pair::memory_usage() + atoms_.memory_usage() + measures_.memory_usage() + 8.0 * double(reals);
}

void* PairMaxvolt::extract(const char* name, int& dimension) {
    dimension = 0;
    return std::strcmp(name, "cut") == 0 ? &cutoff_ : measures_.extract(name);
}

void* PairMaxvolt::extract_peratom(const char* name, int& columns) {
    columns = 0;
    return measures_.extract_peratom(name);
}

namespace {

void write_words(FILE* file, const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += word + '\n';
    const auto size = int(text.size());
    std::fwrite(&size, sizeof size, 1, file);
    std::fwrite(text.data(), 1, text.size(), file);
}

}  // namespace

void PairMaxvolt::write_restart_settings(FILE* file) { write_words(file, style_words_); }

void PairMaxvolt::write_restart(FILE* file) {
    write_restart_settings(file);
    write_words(file, coeff_words_);
}

// What the first rank reads, on all ranks.
std::vector<std::string> PairMaxvolt::read_words(FILE* file) {
    int size = 0;
    if (comm->me == 0) utils::sfread(FLERR, &size, sizeof size, 1, file, nullptr, error);
    MPI_Bcast(&size, 1, MPI_INT, 0, world);
    std::string text(std::size_t(std::max(size, 0)), '\0');
    if (comm->me == 0) utils::sfread(FLERR, text.data(), 1, text.size(), file, nullptr, error);
    MPI_Bcast(text.data(), int(text.size()), MPI_CHAR, 0, world);
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        words.push_back(text.substr(at, end - at));
        at = end == std::string::npos ? text.size() : end + 1;
    }
    return words;
}

void PairMaxvolt::read_restart_settings(FILE* file) {
    style_words_ = read_words(file);
    apply_settings();
}

// The potential stays in its own file, which may be somewhere else by now: then pair_coeff is needed again.
void PairMaxvolt::read_restart(FILE* file) {
    read_restart_settings(file);
    coeff_words_ = read_words(file);
    const std::string path = settings_.by_type ? settings_.potential : coeff_words_.empty() ? "" : coeff_words_[0];
    int is_there = comm->me == 0 && platform::file_is_readable(path);
    MPI_Bcast(&is_there, 1, MPI_INT, 0, world);
    if (is_there)
        apply_coefficients();
    else
        notice("{} of the restart file is not here; pair_coeff must name the potential", path);
}
