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

// Where xx yy zz xy xz yz yx zx zy stand among 3 a + b.
constexpr int centroid[9] = {0, 4, 8, 1, 2, 5, 3, 6, 7};
// Where xx yy zz xy xz yz stand among xx yy zz yz xz xy.
constexpr int voigt[6] = {0, 1, 2, 5, 4, 3};

}  // namespace

PairMaxvolt::PairMaxvolt(LAMMPS* lmp, const char* name, std::string plans)
    : Pair(lmp), name_(name), plans_(std::move(plans)), atoms_(lmp) {
    single_enable = 0;
    restartinfo = 1;
    one_coeff = 1;
    manybody_flag = 1;
    no_virial_fdotr_compute = 1;
    centroidstressflag = CENTROID_AVAIL;
    // Used with newton off, and for the lengths of forces; comm_style tiled takes the first for the size of its messages.
    comm_reverse = comm_reverse_off = force_size + share_size;
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
    extrapolation_ = std::make_unique<maxvolt_lammps::Extrapolation>(lmp, settings_, names_, cutoff_);
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
    if (settings_.every > 0) settings_.by_errors ? check_errors() : check_grading();
    if (settings_.every > 0 && !atom->tag_enable) fail("frames that extrapolate need atoms with ids (atom_modify id yes)");
    if (extrapolation_) extrapolation_->begin_run();
    neighbor->add_request(this, NeighConst::REQ_FULL);
}

void PairMaxvolt::check_grading() const {
    if (about_.grading == MAXVOLT_NO_GRADES)
        fail("{} has no active set, by which grades are computed; make one with maxvolt select POT TRAIN "
             "--save-active-set pot.almtp, then maxvolt compile pot.almtp -o pot.maxvolt", path_);
    if (about_.grading == MAXVOLT_OTHER_ROWS)
        fail("the active set of {} has rows of forces, stresses, or of energies and atoms at once; grades are "
             "available for one row per configuration or one per atom", path_);
    if (settings_.cut > 0.0 && !settings_.by_errors && about_.grading != MAXVOLT_NEIGHBORHOODS)
        fail("cut needs the grades of atoms; {} grades whole configurations (maxvolt select --mode neighborhood)", path_);
    if (settings_.cut > 0.0 && settings_.cut < cutoff_)
        fail("cut is {:g}; expected at least the cutoff of the potential, {:g}, and better twice as much", settings_.cut, cutoff_);
}

void PairMaxvolt::check_errors() const {
    if (about_.measures == 0)
        fail("{} has no calibration, by which errors are expected; make one with maxvolt calibrate POT --train TRAIN --measure "
             "posterior -o pot.uncertainty, then maxvolt compile POT --uncertainty pot.uncertainty -o pot.maxvolt", path_);
    if (settings_.cut > 0.0 && settings_.cut < cutoff_)
        fail("cut is {:g}; expected at least the cutoff of the potential, {:g}, and better twice as much", settings_.cut, cutoff_);
}

double PairMaxvolt::init_one(int i, int j) {
    if (setflag[i][j] == 0) error->all(FLERR, "All pair coeffs are not set");
    return cutoff_;
}

void PairMaxvolt::compute(int eflag, int vflag) {
    ev_init(eflag, vflag);
    if (neighbor->ago == 0 || !neighbors_) make_list();
    decide_what_to_grade();
    const bool of_atoms = about_.grading == MAXVOLT_NEIGHBORHOODS;
    const bool lengths = errors_now_ && (about_.measures & MAXVOLT_BY_FORCE);
    const bool direct = atoms_.is_in_order() && force->newton_pair && atom->f && energy_unit_ == 1.0 && !lengths;
    maxvolt_results results{};
    if (!direct) forces_.assign(3 * atoms_.size(), 0.0);
    energies_.resize(eflag_atom ? atoms_.n_local() : 0);
    shares_.assign(wants_shares() ? share_size * atoms_.size() : 0, 0.0);
    grades_.resize(grades_now_ && of_atoms ? atoms_.n_local() : 0);
    deviations_.resize(errors_now_ && (about_.measures & MAXVOLT_BY_DEVIATION) ? atoms_.n_local() : 0);
    row_.resize(grades_now_ && !of_atoms ? std::size_t(about_.n_parameters) : 0);
    results.forces = direct ? (atom->nmax > 0 ? atom->f[0] : nullptr) : forces_.data();
    results.energies = eflag_atom ? energies_.data() : nullptr;
    results.shares = wants_shares() ? shares_.data() : nullptr;
    results.grades = grades_.empty() ? nullptr : grades_.data();
    results.deviations = deviations_.empty() ? nullptr : deviations_.data();
    results.row = row_.empty() ? nullptr : row_.data();
    maxvolt_message message;
    const maxvolt_status status = maxvolt_evaluate(model_, neighbors_, atoms_.positions(), &results, &message);
    check(status, message, results);
    if (lengths) find_force_lengths();
    if (energy_unit_ != 1.0) convert_units(results);
    if (!direct) scatter();
    add_energies(results);
    if (wants_shares()) add_shares();
    if (grades_now_) grade();
    if (errors_now_) expect_errors();
}

// By what fix pair and the thresholds ask for; errors may be made of grades.
void PairMaxvolt::decide_what_to_grade() {
    if (grade_flag_) check_grading();
    if (error_flag_ || bound_flag_) check_errors();
    const bool is_due = extrapolation_->is_due(update->ntimestep);
    errors_now_ = error_flag_ || bound_flag_ || (is_due && settings_.by_errors);
    grades_now_ = grade_flag_ || (is_due && !settings_.by_errors) || (errors_now_ && (about_.measures & MAXVOLT_BY_GRADE));
}

// On all ranks.
void PairMaxvolt::grade() {
    const bool of_atoms = about_.grading == MAXVOLT_NEIGHBORHOODS;
    give_to_lammps(grades_, grades_of_lammps_);
    const double whole = of_atoms ? 0.0 : grade_of_configuration();
    if (settings_.by_errors)
        grade_ = of_atoms ? largest(grades_) : whole;
    else
        grade_ = judge(grades_, whole);
    summed_[0] = comm->me == 0 ? grade_ : 0.0;
}

// On all ranks.
void PairMaxvolt::expect_errors() {
    const maxvolt_measured measured{grades_.data(), deviations_.data(), lengths_.data()};
    errors_.resize(std::size_t(atoms_.n_local()));
    std::vector<double> bounds(errors_.size());
    maxvolt_message message;
    maxvolt_status status = maxvolt_expected_errors(model_, atoms_.n_local(), &measured, errors_.data(), nullptr, &message);
    if (status == MAXVOLT_OK)
        status = maxvolt_error_bounds(model_, settings_.coverage, 0, atoms_.n_local(), errors_.data(), bounds.data(), &message);
    if (status != MAXVOLT_OK)
        error->one(FLERR, "pair_style {}: {} (step {})", name_, message.text, update->ntimestep);
    give_to_lammps(errors_, errors_of_lammps_);
    give_to_lammps(bounds, bounds_of_lammps_);
    error_ = settings_.by_errors ? judge(errors_, 0.0) : largest(errors_);
    summed_[1] = comm->me == 0 ? error_ : 0.0;
}

// Lengths of the forces of this style on the local atoms, what atoms of other ranks do to them among it; the forces are
// still in eV/Angstrom.
void PairMaxvolt::find_force_lengths() {
    const int width = send_to_owners();
    lengths_.resize(std::size_t(atoms_.n_local()));
    for (std::size_t k = 0; k < lengths_.size(); ++k) {
        const double* f = total_.data() + std::size_t(width) * atoms_[k];
        lengths_[k] = std::sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]);
    }
}

double PairMaxvolt::largest(const std::vector<double>& of_atoms) const {
    double mine = 0.0, found = 0.0;
    for (const double value : of_atoms) mine = std::max(mine, value);
    MPI_Allreduce(&mine, &found, 1, MPI_DOUBLE, MPI_MAX, world);
    return found;
}

// Zero for atoms that do not have this style.
void PairMaxvolt::give_to_lammps(const std::vector<double>& of_atoms, std::vector<double>& of_lammps) const {
    of_lammps.assign(std::size_t(atom->nmax), 0.0);
    for (std::size_t k = 0; k < of_atoms.size(); ++k) of_lammps[std::size_t(atoms_[k])] = of_atoms[k];
}

// Applies the thresholds to values of the local atoms, or to one of the whole configuration where there are none. On all ranks.
double PairMaxvolt::judge(const std::vector<double>& of_atoms, double of_configuration) {
    maxvolt_lammps::Graded graded;
    graded.of_atoms = settings_.by_errors || about_.grading == MAXVOLT_NEIGHBORHOODS;
    graded.of_configuration = of_configuration;
    graded.asked = settings_.by_errors ? error_flag_ || bound_flag_ : grade_flag_ != 0;
    graded.atoms.reserve(std::size_t(atoms_.n_local()));
    for (int k = 0; k < atoms_.n_local(); ++k) {
        const int i = atoms_[k];
        const double *x = atom->x[i], id = atom->tag_enable ? double(atom->tag[i]) : 0.0;
        graded.atoms.push_back({id, double(atoms_.species(k)), {x[0], x[1], x[2]}, graded.of_atoms ? of_atoms[k] : 0.0, 0.0});
    }
    return extrapolation_->judge(graded);
}

double PairMaxvolt::grade_of_configuration() {
    std::vector<double> row(row_.size());
    MPI_Allreduce(row_.data(), row.data(), int(row.size()), MPI_DOUBLE, MPI_SUM, world);
    const bigint own = atoms_.n_local();
    bigint n_atoms = 0;
    MPI_Allreduce(&own, &n_atoms, 1, MPI_LMP_BIGINT, MPI_SUM, world);
    double grade = 0.0;
    maxvolt_message message;
    if (n_atoms > 0 && maxvolt_grade(model_, row.data(), n_atoms, &grade, &message) != MAXVOLT_OK)
        fail("{} (step {})", message.text, update->ntimestep);
    return grade;
}

void PairMaxvolt::finish() {
    if (extrapolation_) extrapolation_->finish();
}

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

void PairMaxvolt::check(maxvolt_status status, const maxvolt_message& message, const maxvolt_results& results) const {
    if (status == MAXVOLT_OK) return;
    if (results.atom >= 0)
        error->one(FLERR, "pair_style {}: {} (atom id {}, step {})", name_, message.text,
                   atom->tag[atoms_[std::size_t(results.atom)]], update->ntimestep);
    error->one(FLERR, "pair_style {}: {} (step {})", name_, message.text, update->ntimestep);
}

// From eV to the units of LAMMPS.
void PairMaxvolt::convert_units(maxvolt_results& results) {
    for (std::vector<double>* values : {&forces_, &energies_, &shares_})
        for (double& value : *values) value *= energy_unit_;
    results.energy *= energy_unit_;
    for (double& value : results.virial) value *= energy_unit_;
}

// Forces and shares of each atom of LAMMPS in total_, those on ghosts added at their owners; returns how many numbers an
// atom has there.
int PairMaxvolt::send_to_owners() {
    const int width = force_size + share_size;
    total_.assign(std::size_t(width) * (atom->nlocal + atom->nghost), 0.0);
    for (std::size_t k = 0; k < atoms_.size(); ++k) {
        double* to = total_.data() + width * std::size_t(atoms_[k]);
        for (int c = 0; c < force_size; ++c) to[c] = forces_[force_size * k + c];
        for (int c = 0; c < share_size && !shares_.empty(); ++c) to[force_size + c] = shares_[share_size * k + c];
    }
    comm->reverse_comm(this);
    return width;
}

// Forces to the atoms of LAMMPS. With newton off nobody else brings those on ghosts to their owners.
void PairMaxvolt::scatter() {
    if (force->newton_pair) {
        for (std::size_t k = 0; k < atoms_.size(); ++k)
            for (int c = 0; c < 3; ++c) atom->f[atoms_[k]][c] += forces_[3 * k + c];
        return;
    }
    const int width = send_to_owners();
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
    const std::size_t reals = forces_.capacity() + energies_.capacity() + shares_.capacity() + total_.capacity() +
                              grades_.capacity() + deviations_.capacity() + lengths_.capacity() + errors_.capacity() +
                              grades_of_lammps_.capacity() + errors_of_lammps_.capacity() + bounds_of_lammps_.capacity();
    return Pair::memory_usage() + atoms_.memory_usage() + 8.0 * double(reals);
}

void* PairMaxvolt::extract(const char* name, int& dimension) {
    dimension = 0;
    if (std::strcmp(name, "cut") == 0) return &cutoff_;
    if (std::strcmp(name, "grade") == 0) return &grade_;
    if (std::strcmp(name, "grade_flag") == 0) return &grade_flag_;
    if (std::strcmp(name, "error") == 0) return &error_;
    if (std::strcmp(name, "error_flag") == 0) return &error_flag_;
    if (std::strcmp(name, "bound_flag") == 0) return &bound_flag_;
    return nullptr;
}

void* PairMaxvolt::extract_peratom(const char* name, int& columns) {
    columns = 0;
    const bool is_error = std::strcmp(name, "error") == 0, is_bound = std::strcmp(name, "bound") == 0;
    if (model_ && (is_error || is_bound)) check_errors();
    if (is_error || is_bound) return is_error ? errors_of_lammps_.data() : bounds_of_lammps_.data();
    if (std::strcmp(name, "grade") != 0) return nullptr;
    if (model_ && about_.grading != MAXVOLT_NEIGHBORHOODS)
        fail("atoms have no grades by the active set of {}, or it has none; fix pair needs one in neighborhood mode "
             "(maxvolt select POT TRAIN --mode neighborhood --save-active-set pot.almtp)", path_);
    return grades_of_lammps_.data();
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
