// The Python module: arrays in and out of the core, with their shapes checked and the GIL released.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "active_set.hpp"
#include "arrays.hpp"
#include "contraction_table.hpp"
#include "displacements.hpp"
#include "force_errors.hpp"
#include "lattice_chains.hpp"
#include "model_file.hpp"
#include "neighbor_search.hpp"
#include "plan_file.hpp"
#include "potential_file.hpp"
#include "slowdown.hpp"

namespace {

// A visitor of each_field: takes the fields of a struct of arrays from keywords.
struct FromKeywords {
    const nb::kwargs& given;
    std::vector<std::string>& names;

    template <class T>
    void operator()(const char* name, T& value) const {
        value = get<T>(name);
    }
    template <class T>
    void operator()(const char* name, std::vector<T>& values, maxvolt::Shape shape) const {
        const auto a = get<Array<T>>(name);
        const std::vector<std::int64_t> found(a.shape_ptr(), a.shape_ptr() + a.ndim());
        bool fits = found.size() == shape.size();
        for (std::size_t d = 0; fits && d < found.size(); ++d)
            fits = shape.begin()[d] == maxvolt::any_length || shape.begin()[d] == found[d];
        if (!fits)
            throw nb::value_error((std::string(name) + " has shape " + maxvolt::shape_text(found) + "; expected " +
                                   maxvolt::shape_text(shape))
                                      .c_str());
        values.assign(a.data(), a.data() + a.size());
    }

  private:
    template <class T>
    T get(const char* name) const {
        names.emplace_back(name);
        if (!given.contains(name)) throw nb::type_error((std::string(name) + " is missing").c_str());
        T out{};
        if (!nb::try_cast(given[name], out))
            throw nb::type_error((std::string(name) + " is of the wrong type").c_str());
        return out;
    }
};

// Python owns what this and the next three return.
template <class Arrays>
Arrays* from_keywords(const nb::kwargs& given) {
    auto out = std::make_unique<Arrays>();
    std::vector<std::string> names;
    Arrays::each_field(*out, FromKeywords{given, names});
    for (const auto& [key, value] : given)
        if (const auto name = nb::cast<std::string>(key); std::find(names.begin(), names.end(), name) == names.end())
            throw nb::type_error(("there is no array or number of the name " + name).c_str());
    return out.release();
}

CompiledModel* compile(const maxvolt::RadialArrays& radial, const maxvolt::RepulsionArrays& repulsion,
                       const maxvolt::MomentArrays& moments, Doubles species_coeffs, Doubles moment_coeffs,
                       const maxvolt::PlanArrays* plan) {
    const auto copied = [](const Doubles& a) { return std::vector<double>(a.data(), a.data() + a.size()); };
    maxvolt::ModelArrays arrays{radial, repulsion, moments, copied(species_coeffs), copied(moment_coeffs), {}};
    if (plan) arrays.plan = *plan;
    return new CompiledModel(std::move(arrays));
}

nb::bytes model_file_of(const CompiledModel& model, std::vector<std::string> species,
                        const maxvolt::ActiveSetArrays* active_set, const maxvolt::ErrorArrays* errors) {
    require(species.empty() || std::int32_t(species.size()) == model.view().n_species, "one symbol for each species");
    maxvolt::ModelFile file{model.arrays(), std::move(species), {}, {}};
    if (active_set) {
        maxvolt::ActiveSet(*active_set, model.n_parameters());  // refuses what no reader would accept
        file.active_set = *active_set;
    }
    if (errors) {
        maxvolt::ForceErrors(*errors, model.n_parameters());
        file.errors = *errors;
    }
    const std::string bytes = maxvolt::model_file_bytes(file);
    return nb::bytes(bytes.data(), bytes.size());
}

// A visitor of each_field: puts the fields of a struct of arrays into a dictionary.
struct ToDictionary {
    nb::dict& to;

    template <class T>
    void operator()(const char* name, const T& value) const {
        to[name] = value;
    }
    template <class T>
    void operator()(const char* name, const std::vector<T>& values, maxvolt::Shape) const {
        to[name] = values;
    }
};

// A potential as a host program without Python reads it: model, species, active set.
nb::tuple read_potential(const std::string& path, const std::string& plans) {
    maxvolt::ModelFile file;
    std::unique_ptr<CompiledModel> model;
    {
        const Unlocked unlocked;
        file = maxvolt::read_potential_file(path, plans);
        model = std::make_unique<CompiledModel>(std::move(file.arrays));
    }
    nb::object active_set = nb::none();
    if (file.active_set) {
        nb::dict fields;
        maxvolt::ActiveSetArrays::each_field(*file.active_set, ToDictionary{fields});
        active_set = fields;
    }
    return nb::make_tuple(nb::cast(model.release(), nb::rv_policy::take_ownership), file.species, active_set);
}

// Name and contents of the file that keeps the plan of a table.
std::pair<std::string, nb::bytes> plan_file(Array<std::int32_t, nb::shape<-1, 4>> basic,
                                            Array<std::int32_t, nb::shape<-1, 4>> products, Integers scalars,
                                            std::int32_t n_moments, const maxvolt::PlanArrays& plan) {
    const auto copied = [](const auto& a) { return maxvolt::Integers32(a.data(), a.data() + a.size()); };
    const maxvolt::ContractionTable table{copied(basic), copied(products), copied(scalars), n_moments};
    maxvolt::check_table(table);
    const std::string bytes = maxvolt::plan_file_bytes(table, plan);
    return {maxvolt::plan_file_name(table), nb::bytes(bytes.data(), bytes.size())};
}

NeighborWindows* periodic_windows(Array<std::int32_t, nb::shape<-1, 2>> pairs,
                                                  Array<std::int32_t, nb::shape<-1, 3>> shifts, Vectors inside,
                                                  Array<std::int32_t, nb::shape<-1, 3>> images, Integers structures,
                                                  Integers labels, std::int64_t window_atoms) {
    const auto n_atoms = std::int64_t(inside.shape(0)), n_pairs = std::int64_t(pairs.shape(0));
    require(std::int64_t(shifts.shape(0)) == n_pairs, "shifts needs one row per pair");
    require(std::int64_t(structures.size()) == n_atoms && std::int64_t(labels.size()) == n_atoms &&
                std::int64_t(images.shape(0)) == n_atoms,
            "images, structures and labels need one entry per atom");
    const maxvolt::PairList list{n_atoms, n_pairs, pairs.data(), shifts.data(), images.data()};
    const Unlocked unlocked;
    return new NeighborWindows(list, structures.data(), labels.data(), inside.data(), window_atoms);
}

NeighborWindows* ghost_windows(Array<std::int64_t, nb::ndim<1>> first, Integers neighbors,
                                               Vectors positions, Integers labels, std::int64_t window_atoms) {
    const auto n_atoms = std::int64_t(positions.shape(0)), n_local = std::int64_t(first.size()) - 1;
    require(n_local >= 0 && std::int64_t(labels.size()) == n_atoms, "labels needs one entry per atom");
    require(first.data()[n_local] == std::int64_t(neighbors.size()), "neighbors of another length than first says");
    const maxvolt::FullList list{n_atoms, n_local, first.data(), neighbors.data()};
    const Unlocked unlocked;
    return new NeighborWindows(list, labels.data(), positions.data(), window_atoms);
}

std::int64_t evaluate(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, bool single, Output<nb::ndim<1>> energies,
                      Output<nb::shape<-1, 4>> rows, Output<nb::shape<-1, 6>> virials) {
    const EvaluationArrays to = checked(s, energies, rows, virials);
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    return maxvolt::evaluate(model, s.system, WindowRange{begin, end}, k, single, to);
}

// As `evaluate`, with the first moments of the forces on each row along x, y and z besides.
std::int64_t evaluate_moments(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                              const std::string& kernels, Output<nb::ndim<1>> energies,
                              Output<nb::shape<-1, 4>> rows, Output<nb::shape<-1, 6>> virials,
                              Output<nb::shape<-1, 4>> x, Output<nb::shape<-1, 4>> y, Output<nb::shape<-1, 4>> z) {
    EvaluationArrays to = checked(s, energies, rows, virials);
    const Output<nb::shape<-1, 4>> moments[3] = {x, y, z};
    for (int c = 0; c < 3; ++c) to.moments[c] = checked(s, energies, moments[c], virials).rows;
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    return maxvolt::evaluate(model, s.system, WindowRange{begin, end}, k, false, to);
}

void fold_forces(const System& s, std::int64_t begin, std::int64_t end, Array<double, nb::shape<-1, 4>> rows,
                 Output<nb::shape<-1, 3>> forces) {
    const std::int64_t n = s.system.atoms.n_atoms;
    require(begin >= 0 && begin <= end && end <= n, "atoms out of range");
    require(std::int64_t(rows.shape(0)) == s.system.windows->n_rows(), "rows of forces of wrong size");
    require(std::int64_t(forces.shape(0)) == n, "forces of wrong size");
    const Unlocked unlocked;
    s.system.windows->fold_forces(rows.data(), begin, end, forces.data());
}

void fold_virials(const System& s, Array<double, nb::shape<-1, 6>> parts, Output<nb::shape<-1, 6>> virials) {
    require(std::int64_t(parts.shape(0)) == s.system.windows->n_parts(), "parts of virials of wrong size");
    require(std::int64_t(virials.shape(0)) == s.system.atoms.n_structures, "virials of wrong size");
    s.system.windows->fold_virials(parts.data(), virials.data());
}

// Uninitialised rows for the forces of `evaluate`, aligned as the kernels want them.
nb::ndarray<double, nb::numpy, nb::ndim<2>> empty_rows(std::int64_t n) {
    require(n >= 0, "negative number of rows");
    auto memory = std::make_unique<Memory>(n * 4 * std::int64_t(sizeof(double)));
    auto* data = static_cast<double*>(memory->data);
    nb::capsule owner(memory.get(), [](void* p) noexcept { delete static_cast<Memory*>(p); });
    memory.release();
    return nb::ndarray<double, nb::numpy, nb::ndim<2>>(data, {std::size_t(n), 4}, owner);
}

// The numbers of a vector as an array of so many columns, without a copy.
template <class T>
nb::ndarray<T, nb::numpy> array_of(std::vector<T>&& values, std::size_t columns) {
    auto kept = std::make_unique<std::vector<T>>(std::move(values));
    T* data = kept->data();
    const std::size_t rows = kept->size() / columns;
    nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    kept.release();
    return nb::ndarray<T, nb::numpy>(data, {rows, columns}, owner);
}

// Neighbours in all structures but some, and the numbers of those.
nb::tuple search_neighbors(Array<std::int64_t, nb::ndim<1>> offsets, Vectors positions,
                           Array<double, nb::shape<-1, 3, 3>> cells, Array<bool, nb::shape<-1, 3>> periodic,
                           double cutoff, double most_in_vain) {
    const auto n = std::int64_t(cells.shape(0)), n_atoms = std::int64_t(positions.shape(0));
    require(std::int64_t(offsets.size()) == n + 1 && std::int64_t(periodic.shape(0)) == n,
            "offsets and periodic of another number of structures than cells");
    for (std::int64_t s = 0; s < n; ++s)
        require(offsets.data()[s] <= offsets.data()[s + 1], "offsets must not decrease");
    require(offsets.data()[0] == 0 && offsets.data()[n] == n_atoms && n_atoms <= INT32_MAX, "offsets out of range");
    auto found = std::make_unique<FoundNeighbors>();
    {
        const Unlocked unlocked;
        *found = maxvolt::search_neighbors({n, offsets.data(), positions.data(), cells.data(), periodic.data()}, cutoff,
                                           most_in_vain, find_kernels());
    }
    std::vector<std::int64_t> left_out = found->left_out;
    return nb::make_tuple(nb::cast(found.release(), nb::rv_policy::take_ownership), std::move(left_out));
}

nb::tuple pairs_of(const FoundNeighbors& found) {
    maxvolt::FoundPairs pairs;
    {
        const Unlocked unlocked;
        pairs = maxvolt::pairs_of(found.list);
    }
    return nb::make_tuple(array_of(std::move(pairs.pairs), 2), array_of(std::move(pairs.shifts), 3));
}

// What the search of other processes has found, and its arrays for them: images as atom and translation.
FoundNeighbors* found_of(Array<std::int32_t, nb::shape<-1, 4>> images, Array<std::int64_t, nb::ndim<1>> first,
                         Integers neighbors, Integers structures, Vectors inside) {
    require(first.size() >= 1 && first.size() == structures.size() + 1 && structures.size() == inside.shape(0),
            "first, structures and inside need one entry per atom");
    auto found = std::make_unique<FoundNeighbors>();
    for (std::size_t q = 0; q < images.shape(0); ++q) {
        const std::int32_t* image = images.data() + 4 * q;
        found->list.images.push_back({image[0], {image[1], image[2], image[3]}});
    }
    found->list.first.assign(first.data(), first.data() + first.size());
    found->list.neighbors.assign(neighbors.data(), neighbors.data() + neighbors.size());
    found->structures.assign(structures.data(), structures.data() + structures.size());
    found->inside.assign(inside.data(), inside.data() + inside.size());
    maxvolt::check_found(*found);
    return found.release();
}

nb::tuple arrays_of(const FoundNeighbors& found) {
    std::vector<std::int32_t> images;
    for (const maxvolt::Image& image : found.list.images)
        images.insert(images.end(), {image.atom, image.translation[0], image.translation[1], image.translation[2]});
    const auto flat = []<class T>(std::vector<T> values) { return nb::cast(array_of(std::move(values), 1)).attr("ravel")(); };
    return nb::make_tuple(array_of(std::move(images), 4), flat(found.list.first), flat(found.list.neighbors),
                          flat(found.structures), array_of(std::vector<double>(found.inside), 3));
}

NeighborWindows* found_windows(const FoundNeighbors& found, Integers labels, std::int64_t window_atoms) {
    require(std::int64_t(labels.size()) == found.list.n_atoms(), "labels needs one entry per atom");
    const Unlocked unlocked;
    return new NeighborWindows(found, labels.data(), window_atoms);
}

std::pair<double, double> largest_displacements(Vectors now, Vectors old,
                                                Array<double, nb::shape<3, 3>> deformation) {
    const auto n = std::int64_t(now.shape(0));
    require(std::int64_t(old.shape(0)) == n && n > 0, "positions of another number of atoms");
    const Unlocked unlocked;
    return maxvolt::largest_displacements(now.data(), old.data(), n, deformation.data());
}

std::int64_t site_gradients(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                            const std::string& kernels, Output<nb::ndim<2>> gradients, MaybeEnergies energies,
                            MaybeRows rows, MaybeVirials virials) {
    const auto evaluated = checked(s, energies, rows, virials);
    require(std::int64_t(gradients.shape(0)) == s.system.atoms.n_atoms &&
                std::int64_t(gradients.shape(1)) == model.n_parameters(),
            "site gradients of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    return maxvolt::site_gradients(model, s.system, WindowRange{begin, end}, k, evaluated ? &*evaluated : nullptr,
                                   gradients.data());
}

// Grades of the atoms in windows [begin, end), in neighbourhood mode.
std::int64_t site_grades(const CompiledModel& model, const maxvolt::ActiveSet& active_set, const System& s,
                         std::int64_t begin, std::int64_t end, const std::string& kernels,
                         Output<nb::ndim<1>> grades, MaybeEnergies energies, MaybeRows rows, MaybeVirials virials) {
    const auto evaluated = checked(s, energies, rows, virials);
    require(std::int64_t(grades.size()) == s.system.atoms.n_atoms, "grades of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    return maxvolt::site_measures(model, {&active_set, grades.data()}, s.system, WindowRange{begin, end}, k,
                                  evaluated ? &*evaluated : nullptr);
}

// Grades of rows; all in double precision, or most of it in single precision.
void row_grades(const maxvolt::ActiveSet& active_set, Array<double, nb::ndim<2>> rows, const std::string& kernels,
                bool single, Output<nb::ndim<1>> grades) {
    require(std::int64_t(rows.shape(1)) == active_set.size() && rows.shape(0) == grades.size(),
            "rows or grades of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    const auto count = std::int64_t(rows.shape(0));
    if (single)
        active_set.grades(k, rows.data(), count, grades.data());
    else
        active_set.double_grades(k, rows.data(), count, grades.data());
}

// Standard deviations of what has these gradients.
void row_deviations(const maxvolt::ForceErrors& errors, Array<double, nb::ndim<2>> rows, const std::string& kernels,
                    Output<nb::ndim<1>> deviations) {
    require(errors.posterior(), "these expected errors are made without a posterior");
    require(std::int64_t(rows.shape(1)) == errors.posterior()->size() && rows.shape(0) == deviations.size(),
            "rows or deviations of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    errors.posterior()->deviations(k, rows.data(), std::int64_t(rows.shape(0)), deviations.data());
}

// Gradients of the energies of the parts of structures that lie in windows [begin, end).
std::int64_t structure_gradients(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                                 const std::string& kernels, Output<nb::ndim<2>> gradients, MaybeEnergies energies,
                                 MaybeRows rows, MaybeVirials virials) {
    const auto evaluated = checked(s, energies, rows, virials);
    const maxvolt::Windows& windows = *s.system.windows;
    require(begin >= 0 && begin <= end && end <= windows.count(), "windows out of range");
    require(std::int64_t(gradients.shape(0)) == windows.first_part(end) - windows.first_part(begin) &&
                std::int64_t(gradients.shape(1)) == model.n_parameters(),
            "gradients of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const Unlocked unlocked;
    return maxvolt::structure_gradients(model, s.system, WindowRange{begin, end}, k,
                                        evaluated ? &*evaluated : nullptr, gradients.data());
}

std::int64_t directional_gradient(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                                  const std::string& kernels, Doubles weights,
                                  Array<double, nb::shape<-1, 3>> displacements,
                                  Array<double, nb::shape<-1, 3, 3>> strains, Output<nb::ndim<1>> gradient) {
    const maxvolt::Atoms& atoms = s.system.atoms;
    require(std::int64_t(weights.size()) == atoms.n_structures &&
                std::int64_t(strains.shape(0)) == atoms.n_structures &&
                std::int64_t(displacements.shape(0)) == atoms.n_atoms &&
                std::int64_t(gradient.size()) == model.n_parameters(),
            "direction or gradient of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const maxvolt::Direction d{weights.data(), displacements.data(), strains.data()};
    const Unlocked unlocked;
    return maxvolt::directional_gradient(model, s.system, WindowRange{begin, end}, k, d, gradient.data());
}

std::int64_t jacobian(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, Output<nb::ndim<2>> energies, Output<nb::ndim<3>> forces,
                      Output<nb::ndim<3>> virials, bool radial, bool linear, bool single) {
    const maxvolt::Atoms& atoms = s.system.atoms;
    const std::int64_t width = maxvolt::n_columns(model.view(), radial, linear);
    require(std::int64_t(energies.shape(0)) == atoms.n_structures && std::int64_t(energies.shape(1)) == width &&
                std::int64_t(forces.shape(0)) == atoms.n_atoms && forces.shape(1) == 3 &&
                std::int64_t(forces.shape(2)) == width && std::int64_t(virials.shape(0)) == atoms.n_structures &&
                virials.shape(1) == 6 && std::int64_t(virials.shape(2)) == width,
            "Jacobian of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const maxvolt::JacobianOutput out{energies.data(), forces.data(), virials.data(), radial, linear, single};
    const Unlocked unlocked;
    return maxvolt::jacobian(model, s.system, WindowRange{begin, end}, k, out);
}

// In double precision, or forces in single.
template <class Real>
std::int64_t invariant_rows(const CompiledModel& model, const System& s, std::int64_t begin, std::int64_t end,
                            const std::string& kernels, Output<nb::ndim<2>> energies,
                            OutputOf<Real, nb::ndim<3>> forces, Output<nb::ndim<3>> virials,
                            Array<bool, nb::ndim<1>> has_virial) {
    const maxvolt::Atoms& atoms = s.system.atoms;
    require(model.has_plan(), "rows of invariants need an evaluation plan");
    const std::int64_t width = std::int64_t(energies.shape(1)),
                       least = model.view().plan->n_invariants + model.view().n_species;
    require(width >= least && width % 16 == 0 && std::int64_t(energies.shape(0)) == atoms.n_structures &&
                std::int64_t(forces.shape(0)) == atoms.n_atoms && forces.shape(1) == 3 &&
                std::int64_t(forces.shape(2)) == width && std::int64_t(virials.shape(0)) == atoms.n_structures &&
                virials.shape(1) == 6 && std::int64_t(virials.shape(2)) == width &&
                std::int64_t(has_virial.shape(0)) == atoms.n_structures,
            "rows of invariants of wrong size");
    const maxvolt::Kernels& k = find_kernels(kernels);
    const maxvolt::InvariantOutput<Real> out{energies.data(), forces.data(), virials.data(), has_virial.data(), width};
    const Unlocked unlocked;
    return maxvolt::invariant_rows(model, s.system, WindowRange{begin, end}, k, out);
}

template <class Arrays>
void define_arrays(nb::module_& module, const char* name) {
    nb::class_<Arrays>(module, name).def(nb::new_(&from_keywords<Arrays>));
}

void define_classes(nb::module_& module) {
    define_arrays<maxvolt::RadialArrays>(module, "RadialArrays");
    define_arrays<maxvolt::RepulsionArrays>(module, "RepulsionArrays");
    define_arrays<maxvolt::MomentArrays>(module, "MomentArrays");
    define_arrays<maxvolt::PlanArrays>(module, "PlanArrays");
    define_arrays<maxvolt::ActiveSetArrays>(module, "ActiveSetArrays");
    nb::class_<maxvolt::ActiveSet>(module, "ActiveSet")
        .def(nb::init<const maxvolt::ActiveSetArrays&, std::int64_t>(), "arrays"_a, "n_parameters"_a)
        .def_prop_ro("has_single", &maxvolt::ActiveSet::has_single)
        .def("grades", &row_grades, "rows"_a, "kernels"_a, "single"_a, "grades"_a.noconvert());
    define_arrays<maxvolt::ErrorArrays>(module, "ErrorArrays");
    nb::class_<maxvolt::ForceErrors>(module, "ForceErrors")
        .def(nb::init<const maxvolt::ErrorArrays&, std::int64_t>(), "arrays"_a, "n_parameters"_a)
        .def(
            "expected",
            [](const maxvolt::ForceErrors& errors, double grade, double deviation, double force_length) {
                return errors.expected({grade, deviation, force_length});
            },
            "grade"_a, "deviation"_a, "force_length"_a)
        .def(
            "is_beyond",
            [](const maxvolt::ForceErrors& errors, double grade, double deviation) {
                return errors.is_beyond({grade, deviation, 0.0});
            },
            "grade"_a, "deviation"_a)
        .def("bin", &maxvolt::ForceErrors::bin, "expected"_a)
        .def("factors", &maxvolt::ForceErrors::factors, "coverage"_a, "strict"_a)
        .def("deviations", &row_deviations, "rows"_a, "kernels"_a, "deviations"_a.noconvert());
    nb::class_<FoundNeighbors>(module, "FoundNeighbors")
        .def(nb::new_(&found_of), "images"_a, "first"_a, "neighbors"_a, "structures"_a, "inside"_a)
        .def("arrays", &arrays_of)
        .def("pairs", &pairs_of);
    nb::class_<NeighborWindows>(module, "NeighborWindows")
        .def(nb::new_(&periodic_windows), "pairs"_a, "shifts"_a, "inside"_a, "images"_a, "structures"_a, "labels"_a,
             "window_atoms"_a)
        .def_static("of_ghosts", &ghost_windows, "first"_a, "neighbors"_a, "positions"_a, "labels"_a,
                    "window_atoms"_a)
        .def_static("of_search", &found_windows, "found"_a, "labels"_a, "window_atoms"_a)
        .def_prop_ro("n_windows", [](const NeighborWindows& n) { return n.windows().count(); })
        .def_prop_ro("n_rows", [](const NeighborWindows& n) { return n.windows().n_rows(); })
        .def_prop_ro("n_parts", [](const NeighborWindows& n) { return n.windows().n_parts(); })
        .def("structures", [](const NeighborWindows& n, std::int64_t window) {
            require(window >= 0 && window < n.windows().count(), "windows out of range");
            const maxvolt::Window w = n.windows()[window];
            return std::pair(w.first_structure, w.first_structure + w.n_structures);
        });
    nb::class_<System>(module, "System")
        .def(nb::init<Vectors, Array<double, nb::shape<-1, 3, 3>>, Integers, const NeighborWindows&>(),
             "positions"_a, "cells"_a, "types"_a, "windows"_a, nb::keep_alive<1, 5>());
    nb::class_<CompiledModel>(module, "Core")
        .def(nb::new_(&compile), "radial"_a, "repulsion"_a, "moments"_a, "species_coeffs"_a, "moment_coeffs"_a,
             "plan"_a.none() = nb::none())
        .def_prop_ro("has_plan", &CompiledModel::has_plan)
        .def_prop_ro("n_parameters", &CompiledModel::n_parameters)
        .def(
            "n_columns",
            [](const CompiledModel& m, bool radial, bool linear) { return maxvolt::n_columns(m.view(), radial, linear); },
            "radial"_a, "linear"_a)
        .def("file_bytes", &model_file_of, "species"_a, "active_set"_a.none() = nb::none(),
             "errors"_a.none() = nb::none());
}

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "Compiled kernels of moment tensor potentials.";
    bind_lattice_chains(module);
    nb::set_leak_warnings(false);  // an interrupted program ends without cleaning up
    module.def("kernel_names", [] {
        std::vector<std::string> names;
        for (const maxvolt::Kernels* k : maxvolt::available_kernels()) names.emplace_back(k->name);
        return names;
    });
    define_classes(module);
    module.def("read_potential", &read_potential, "path"_a, "plans"_a = "");
    module.def("plan_file", &plan_file, "basic"_a, "products"_a, "scalars"_a, "n_moments"_a, "plan"_a);
    module.def("slowdown_without_plan", &maxvolt::slowdown_without_plan, "n_products"_a);
    // Outputs are written to as they are: a converted copy of one would be thrown away.
    module.def("evaluate", &evaluate, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a, "single"_a,
               "energies"_a.noconvert(), "rows"_a.noconvert(), "virials"_a.noconvert());
    module.def("evaluate_moments", &evaluate_moments, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "rows"_a.noconvert(), "virials"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert(), "z"_a.noconvert());
    module.def("empty_rows", &empty_rows, "n"_a);
    module.def("fold_forces", &fold_forces, "system"_a, "begin"_a, "end"_a, "rows"_a.noconvert(),
               "forces"_a.noconvert());
    module.def("fold_virials", &fold_virials, "system"_a, "parts"_a.noconvert(), "virials"_a.noconvert());
    module.def("largest_displacements", &largest_displacements, "now"_a, "old"_a, "deformation"_a);
    module.def("search_neighbors", &search_neighbors, "offsets"_a, "positions"_a, "cells"_a, "periodic"_a, "cutoff"_a,
               "most_in_vain"_a);
    module.def("site_gradients", &site_gradients, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "gradients"_a.noconvert(), "energies"_a.noconvert() = nb::none(), "rows"_a.noconvert() = nb::none(),
               "virials"_a.noconvert() = nb::none());
    module.def("site_grades", &site_grades, "model"_a, "active_set"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "grades"_a.noconvert(), "energies"_a.noconvert() = nb::none(), "rows"_a.noconvert() = nb::none(),
               "virials"_a.noconvert() = nb::none());
    module.def("structure_gradients", &structure_gradients, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "gradients"_a.noconvert(), "energies"_a.noconvert() = nb::none(), "rows"_a.noconvert() = nb::none(),
               "virials"_a.noconvert() = nb::none());
    module.def("directional_gradient", &directional_gradient, "model"_a, "system"_a, "begin"_a, "end"_a,
               "kernels"_a, "energy_weights"_a, "displacements"_a, "strains"_a, "gradient"_a.noconvert());
    module.def("invariant_rows", &invariant_rows<double>, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert(), "has_virial"_a.noconvert());
    module.def("invariant_rows", &invariant_rows<float>, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert(), "has_virial"_a.noconvert());
    module.def("jacobian", &jacobian, "model"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert(), "radial"_a = true,
               "linear"_a = true, "single"_a = false);
}
