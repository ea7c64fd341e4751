// The Python module: owns memory, checks arguments, chooses the instruction set, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bound_plan.hpp"
#include "dependencies.hpp"
#include "displacements.hpp"
#include "model.hpp"
#include "series.hpp"
#include "systems.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using maxvolt::Array;
using maxvolt::AtomicSystem;
using maxvolt::Integers;
using maxvolt::Kernels;
using maxvolt::Memory;
using maxvolt::NeighborWindows;
using maxvolt::require;
using maxvolt::Vectors;
template <class... Shape>
using Output = nb::ndarray<double, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
using Doubles = Array<double, nb::ndim<1>>;

std::vector<const Kernels*> available_kernels() {
    std::vector<const Kernels*> out;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        out.push_back(&maxvolt::kernels_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out.push_back(&maxvolt::kernels_avx2);
#endif
    out.push_back(&maxvolt::kernels_baseline);
    return out;
}

const Kernels* find_kernels(const std::string& name) {
    for (const Kernels* k : available_kernels())
        if (name.empty() || name == k->name) return k;
    throw std::invalid_argument("instruction set '" + name + "' is not available on this processor");
}

template <class T>
std::vector<T> copy(const Array<T, nb::ndim<1>>& a) {
    return std::vector<T>(a.data(), a.data() + a.size());
}

// The arrays of HarmonicLayout by name, `form` and `constant`.
std::unique_ptr<maxvolt::BoundPlan> bind_plan(const nb::dict& given, const maxvolt::Model& m) {
    const auto integers = [&](const char* name) {
        const auto a = nb::cast<nb::ndarray<const std::int32_t, nb::numpy, nb::device::cpu, nb::c_contig>>(given[name]);
        return maxvolt::Integers32(a.data(), a.data() + a.size());
    };
    const auto reals = [&](const char* name) { return copy(nb::cast<Doubles>(given[name])); };
    const auto number = [&](const char* name) { return nb::cast<std::int32_t>(given[name]); };
    return std::make_unique<maxvolt::BoundPlan>(
        maxvolt::PlanArrays{
            number("n_components"), number("n_slots"), integers("harmonic_rows"), integers("harmonic_columns"),
            integers("moment_rows"), integers("moment_columns"), integers("couplings"), integers("real_products"),
            integers("complex_products"), integers("blocks"), integers("block_ranks"), integers("pairs"),
            integers("targets"), integers("rows"), integers("columns"), integers("invariants"),
            integers("expansion_first"), integers("expansion_columns"), reals("harmonic_values"),
            reals("moment_values"), reals("block_values"), reals("form"), reals("expansion_values")},
        m.n_independent, m.n_scalars, number("constant"));
}

class Core {
  public:
    Core(std::int32_t n_species, std::int32_t n_mu, std::int32_t radial_size, int envelope, bool clamp,
         double min_dist, double cutoff, double envelope_factor, double slope, double offset,
         Doubles recurrence, bool exponential_repulsion, std::vector<double> zbl, Doubles zbl_charges,
         Doubles radial_coeffs, Doubles species_coeffs, Doubles moment_coeffs, Integers monomial_counts,
         Integers moment_offsets, std::int32_t max_degree, std::int32_t n_independent, std::int32_t n_basic,
         std::int32_t n_moments, Integers traces,
         Integers run_targets, Array<std::int64_t, nb::ndim<1>> run_first, Integers left, Integers right,
         Doubles factors, Integers scalars, const nb::object& plan)
        : recurrence_(copy(recurrence)), charges_(copy(zbl_charges)), radial_(copy(radial_coeffs)),
          species_(copy(species_coeffs)), moment_(copy(moment_coeffs)), counts_(copy(monomial_counts)),
          offsets_(copy(moment_offsets)), targets_(copy(run_targets)), run_first_(copy(run_first)),
          scalars_(copy(scalars)), traces_(copy(traces)) {
        require(std::int64_t(radial_.size()) == std::int64_t(n_species) * n_species * n_mu * radial_size,
                "radial coefficients of wrong size");
        require(std::int32_t(species_.size()) == n_species && charges_.size() == species_.size(),
                "species coefficients of wrong size");
        require(moment_.size() == scalars_.size(), "moment coefficients of wrong size");
        require(std::int32_t(counts_.size()) == n_mu && offsets_.size() == counts_.size() && n_mu > 0,
                "moment layout of wrong size");
        require(run_first_.size() == targets_.size() + 1, "runs of wrong size");
        require(left.size() == right.size() && left.size() == factors.size() &&
                    std::int64_t(left.size()) == run_first_.back(),
                "products of wrong size");
        require(radial_size > 0 && std::int32_t(recurrence_.size()) == 3 * radial_size,
                "recurrence of wrong size");
        require(envelope >= 0 && envelope <= 2, "unknown envelope");
        require(zbl.size() == 4, "zbl needs inner, outer, coulomb constant and bohr radius");
        const int full = (max_degree + 1) * (max_degree + 1);
        for (int mu = 0; mu < n_mu; ++mu) {
            require(counts_[mu] > 0 && counts_[mu] <= full && (mu == 0 || counts_[mu] <= counts_[mu - 1]),
                    "monomial counts out of range");
            require(offsets_[mu] >= 0 && offsets_[mu] + counts_[mu] <= n_independent, "moments out of range");
        }
        require(counts_[0] == full, "monomial counts must reach the highest degree");
        require(n_independent <= n_basic && std::int64_t(traces_.size()) == 3 * (n_basic - n_independent),
                "traces of wrong size");
        for (std::size_t t = 0; t < traces_.size(); ++t)
            require(traces_[t] >= 0 && traces_[t] < n_independent + std::int32_t(t / 3),
                    "a trace uses a moment before it is computed");
        products_.reserve(left.size());
        // One run for every moment that is not basic, in order, so that none is left undefined.
        require(std::int64_t(targets_.size()) == std::int64_t(n_moments) - n_basic && run_first_[0] == 0,
                "runs must give every moment that is not basic, from the first product on");
        for (std::size_t run = 0; run < targets_.size(); ++run)
            require(targets_[run] == n_basic + std::int32_t(run) && run_first_[run] <= run_first_[run + 1],
                    "runs must give the moments in order");
        for (std::size_t run = 0; run < targets_.size(); ++run) {
            for (std::int64_t p = run_first_[run]; p < run_first_[run + 1]; ++p) {
                const std::int32_t l = left.data()[p], r = right.data()[p];
                require(l >= 0 && r >= 0 && l < targets_[run] && r < targets_[run],
                        "a product uses a moment before it is computed");
                products_.push_back({l, r, factors.data()[p]});
            }
        }
        for (std::int32_t k : scalars_) require(k >= 0 && k < n_moments, "scalar out of range");
        auto& m = view;
        m.n_species = n_species;
        m.n_mu = n_mu;
        m.radial_size = radial_size;
        m.max_degree = max_degree;
        m.n_independent = n_independent;
        m.n_basic = n_basic;
        m.traces = traces_.data();
        m.n_moments = n_moments;
        m.n_scalars = std::int32_t(scalars_.size());
        m.n_runs = std::int32_t(targets_.size());
        m.envelope = static_cast<maxvolt::Envelope>(envelope);
        m.clamp = clamp;
        m.slope = slope;
        m.offset = offset;
        m.min_dist = min_dist;
        m.cutoff = cutoff;
        m.envelope_factor = envelope_factor;
        m.exponential_repulsion = exponential_repulsion;
        m.zbl_inner = zbl[0];
        m.zbl_outer = zbl[1];
        m.zbl_coulomb = zbl[2];
        m.zbl_bohr = zbl[3];
        m.recurrence = recurrence_.data();
        m.zbl_charges = charges_.data();
        m.radial_coeffs = radial_.data();
        series_ = maxvolt::RadialSeries(m);
        series_.add_to(m);
        m.species_coeffs = species_.data();
        m.moment_coeffs = moment_.data();
        for (std::int32_t count : counts_) {
            degrees_.push_back(std::int32_t(std::lround(std::sqrt(double(count)))) - 1);
            require((degrees_.back() + 1) * (degrees_.back() + 1) == count, "monomial counts must be squares");
        }
        m.monomial_counts = counts_.data();
        m.degrees = degrees_.data();
        m.moment_offsets = offsets_.data();
        m.run_targets = targets_.data();
        m.run_first = run_first_.data();
        m.products = products_.data();
        m.scalars = scalars_.data();
        if (!plan.is_none()) plan_ = bind_plan(nb::cast<nb::dict>(plan), m);
        m.plan = plan_ ? plan_->view() : nullptr;
        m.single_plan = plan_ ? plan_->single_view() : nullptr;
    }

    void check(const AtomicSystem& s, std::int64_t begin, std::int64_t end) const {
        require(s.max_type < view.n_species, "species index out of range");
        require(begin >= 0 && begin <= end && end <= s.windows->count(), "windows out of range");
    }

    const maxvolt::Dependencies& graph() {
        if (!graph_) graph_ = std::make_unique<maxvolt::Dependencies>(view);
        return *graph_;
    }

    maxvolt::Model view{};

  private:
    std::vector<double> recurrence_, charges_, radial_, species_, moment_;
    std::vector<std::int32_t> counts_, degrees_, offsets_, targets_;
    std::vector<std::int64_t> run_first_;
    std::vector<std::int32_t> scalars_, traces_;
    std::vector<maxvolt::Product> products_;
    maxvolt::RadialSeries series_;
    std::unique_ptr<maxvolt::Dependencies> graph_;
    std::unique_ptr<maxvolt::BoundPlan> plan_;
};

void check_outputs(const AtomicSystem& s, const Output<nb::ndim<1>>& energies,
                   const Output<nb::shape<-1, 4>>& rows, const Output<nb::shape<-1, 6>>& virials) {
    require(std::int64_t(energies.size()) == s.atoms.n_atoms, "site energies of wrong size");
    require(std::int64_t(rows.shape(0)) == s.windows->n_rows(), "rows of forces of wrong size");
    require(reinterpret_cast<std::uintptr_t>(rows.data()) % 32 == 0, "rows of forces must be aligned");
    require(std::int64_t(virials.shape(0)) == s.windows->n_parts(), "virials of wrong size");
}

// Output of one window, its virials cleared.
maxvolt::EvaluationOutput window_output(const AtomicSystem& s, std::int64_t w, double* energies, double* rows,
                                        double* virials) {
    double* parts = virials + 6 * s.windows->first_part(w);
    std::fill(parts, virials + 6 * s.windows->first_part(w + 1), 0.0);
    return {energies, rows + 4 * s.windows->first_row(w), parts, (*s.windows)[w].first_structure, {}};
}

std::int64_t evaluate(const Core& core, const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, bool single, Output<nb::ndim<1>> energies,
                      Output<nb::shape<-1, 4>> rows, Output<nb::shape<-1, 6>> virials) {
    core.check(s, begin, end);
    require(!single || core.view.single_plan, "single precision needs an evaluation plan");
    check_outputs(s, energies, rows, virials);
    const Kernels* k = find_kernels(kernels);
    double *energy = energies.data(), *row = rows.data(), *virial = virials.data();
    const auto bytes = single ? k->single_workspace_bytes : k->workspace_bytes;
    const auto kernel = single ? k->evaluate_single : k->evaluate;
    const maxvolt::Unlocked unlocked;
    return for_windows(
        *k, core.view, s, begin, end,
        [&](const maxvolt::System& system) { return bytes(core.view, system); },
        [&](std::int64_t w, const maxvolt::System& system, void* memory) {
            return kernel(core.view, system, 0, system.n_own, memory,
                          window_output(s, w, energy, row, virial));
        });
}

// As `evaluate`, with the first moments of the forces on each row along x, y and z besides.
std::int64_t evaluate_moments(const Core& core, const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                              const std::string& kernels, Output<nb::ndim<1>> energies,
                              Output<nb::shape<-1, 4>> rows, Output<nb::shape<-1, 6>> virials,
                              Output<nb::shape<-1, 4>> x, Output<nb::shape<-1, 4>> y,
                              Output<nb::shape<-1, 4>> z) {
    core.check(s, begin, end);
    for (const auto& moments : {x, y, z}) check_outputs(s, energies, moments, virials);
    check_outputs(s, energies, rows, virials);
    const Kernels* k = find_kernels(kernels);
    double *energy = energies.data(), *row = rows.data(), *virial = virials.data();
    double* const moments[3] = {x.data(), y.data(), z.data()};
    const maxvolt::Unlocked unlocked;
    return for_windows(
        *k, core.view, s, begin, end,
        [&](const maxvolt::System& system) { return k->workspace_bytes(core.view, system); },
        [&](std::int64_t w, const maxvolt::System& system, void* memory) {
            maxvolt::EvaluationOutput out = window_output(s, w, energy, row, virial);
            for (int c = 0; c < 3; ++c) out.moments[c] = moments[c] + 4 * s.windows->first_row(w);
            return k->evaluate_moments(core.view, system, 0, system.n_own, memory, out);
        });
}

void fold_forces(const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                 Array<double, nb::shape<-1, 4>> rows, Output<nb::shape<-1, 3>> forces) {
    require(begin >= 0 && begin <= end && end <= s.atoms.n_atoms, "atoms out of range");
    require(std::int64_t(rows.shape(0)) == s.windows->n_rows(), "rows of forces of wrong size");
    require(std::int64_t(forces.shape(0)) == s.atoms.n_atoms, "forces of wrong size");
    const maxvolt::Unlocked unlocked;
    s.windows->fold_forces(rows.data(), begin, end, forces.data());
}

void fold_virials(const AtomicSystem& s, Array<double, nb::shape<-1, 6>> parts,
                  Output<nb::shape<-1, 6>> virials) {
    require(std::int64_t(parts.shape(0)) == s.windows->n_parts(), "parts of virials of wrong size");
    require(std::int64_t(virials.shape(0)) == s.atoms.n_structures, "virials of wrong size");
    s.windows->fold_virials(parts.data(), virials.data());
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

std::pair<double, double> largest_displacements(Vectors now, Vectors old,
                                                Array<double, nb::shape<3, 3>> deformation) {
    const auto n = std::int64_t(now.shape(0));
    require(std::int64_t(old.shape(0)) == n && n > 0, "positions of another number of atoms");
    const maxvolt::Unlocked unlocked;
    return maxvolt::largest_displacements(now.data(), old.data(), n, deformation.data());
}

// Where energies and forces go that are computed along with gradients; nowhere where they are not asked for.
struct Evaluated {
    std::optional<Output<nb::ndim<1>>> energies;
    std::optional<Output<nb::shape<-1, 4>>> rows;
    std::optional<Output<nb::shape<-1, 6>>> virials;

    void check(const AtomicSystem& s) const {
        require(energies.has_value() == rows.has_value() && rows.has_value() == virials.has_value(),
                "give energies, rows and virials, or none of them");
        if (energies) check_outputs(s, *energies, *rows, *virials);
    }

    // Work on one window, with its output or none.
    template <class Work>
    std::int64_t window(const AtomicSystem& s, std::int64_t w, const Work& work) const {
        if (!energies) return work(nullptr);
        const maxvolt::EvaluationOutput out = window_output(s, w, energies->data(), rows->data(), virials->data());
        return work(&out);
    }
};

std::int64_t site_gradients(const Core& core, const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                            const std::string& kernels, Output<nb::ndim<2>> gradients,
                            std::optional<Output<nb::ndim<1>>> energies,
                            std::optional<Output<nb::shape<-1, 4>>> rows,
                            std::optional<Output<nb::shape<-1, 6>>> virials) {
    core.check(s, begin, end);
    const Evaluated evaluated{energies, rows, virials};
    evaluated.check(s);
    const std::int64_t width = n_parameters(core.view);
    require(std::int64_t(gradients.shape(0)) == s.atoms.n_atoms && std::int64_t(gradients.shape(1)) == width,
            "site gradients of wrong size");
    const Kernels* k = find_kernels(kernels);
    double* first = gradients.data();
    const maxvolt::Unlocked unlocked;
    std::vector<double*> to;
    return for_windows(
        *k, core.view, s, begin, end,
        [&](const maxvolt::System& system) { return k->workspace_bytes(core.view, system); },
        [&](std::int64_t w, const maxvolt::System& system, void* memory) {
            to.clear();
            for (std::int64_t i = 0; i < system.n_own; ++i)
                to.push_back(first + system.atoms[system.order[i]] * width);
            return evaluated.window(s, w, [&](const maxvolt::EvaluationOutput* out) {
                return k->gradient_rows(core.view, system, 0, system.n_own, memory, out, {to.data(), {}});
            });
        });
}

// Gradients of the energies of the parts of structures that lie in windows [begin, end).
std::int64_t structure_gradients(const Core& core, const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                                 const std::string& kernels, Output<nb::ndim<2>> gradients,
                                 std::optional<Output<nb::ndim<1>>> energies,
                                 std::optional<Output<nb::shape<-1, 4>>> rows,
                                 std::optional<Output<nb::shape<-1, 6>>> virials) {
    core.check(s, begin, end);
    const Evaluated evaluated{energies, rows, virials};
    evaluated.check(s);
    const maxvolt::Model& m = core.view;
    const std::int64_t width = n_parameters(m), first = s.windows->first_part(begin);
    require(std::int64_t(gradients.shape(0)) == s.windows->first_part(end) - first &&
                std::int64_t(gradients.shape(1)) == width,
            "gradients of wrong size");
    const Kernels* k = find_kernels(kernels);
    double* sums = gradients.data();
    const maxvolt::Unlocked unlocked;
    const std::int64_t scalars_at = width - m.n_scalars;
    const std::int64_t stride = scalars_at + (m.plan ? m.plan->n_invariants : m.n_scalars);
    std::vector<double> parts;
    return for_windows(
        *k, m, s, begin, end,
        [&](const maxvolt::System& system) { return k->workspace_bytes(m, system); },
        [&](std::int64_t w, const maxvolt::System& system, void* memory) {
            const std::int64_t part = s.windows->first_part(w), n = s.windows->first_part(w + 1) - part;
            parts.assign(std::size_t(n * stride), 0.0);
            const maxvolt::StructureRows to{parts.data(), stride, (*s.windows)[w].first_structure};
            const std::int64_t bad = evaluated.window(s, w, [&](const maxvolt::EvaluationOutput* out) {
                return k->gradient_rows(m, system, 0, system.n_own, memory, out, {nullptr, to});
            });
            for (std::int64_t p = 0; p < n; ++p)
                maxvolt::expand_row(m, scalars_at, parts.data() + p * stride, sums + (part - first + p) * width);
            return bad;
        });
}

std::int64_t directional_gradient(const Core& core, const AtomicSystem& s, std::int64_t begin,
                                  std::int64_t end, const std::string& kernels, Doubles weights,
                                  Array<double, nb::shape<-1, 3>> displacements,
                                  Array<double, nb::shape<-1, 3, 3>> strains,
                                  Output<nb::ndim<1>> gradient) {
    core.check(s, begin, end);
    require(std::int64_t(weights.size()) == s.atoms.n_structures &&
                std::int64_t(strains.shape(0)) == s.atoms.n_structures &&
                std::int64_t(displacements.shape(0)) == s.atoms.n_atoms &&
                std::int64_t(gradient.size()) == n_parameters(core.view),
            "direction or gradient of wrong size");
    const Kernels* k = find_kernels(kernels);
    const maxvolt::Direction d{weights.data(), displacements.data(), strains.data()};
    const maxvolt::Unlocked unlocked;
    return for_windows(
        *k, core.view, s, begin, end,
        [&](const maxvolt::System& system) { return k->workspace_bytes(core.view, system); },
        [&](std::int64_t, const maxvolt::System& system, void* memory) {
            return k->directional_gradient(core.view, system, d, 0, system.n_own, memory, gradient.data());
        });
}

std::int64_t jacobian(Core& core, const AtomicSystem& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, Output<nb::ndim<2>> energies,
                      Output<nb::ndim<3>> forces, Output<nb::ndim<3>> virials, bool radial, bool linear) {
    core.check(s, begin, end);
    const std::int64_t width = maxvolt::n_columns(core.view, radial, linear);
    require(std::int64_t(energies.shape(0)) == s.atoms.n_structures &&
                std::int64_t(energies.shape(1)) == width &&
                std::int64_t(forces.shape(0)) == s.atoms.n_atoms && forces.shape(1) == 3 &&
                std::int64_t(forces.shape(2)) == width &&
                std::int64_t(virials.shape(0)) == s.atoms.n_structures && virials.shape(1) == 6 &&
                std::int64_t(virials.shape(2)) == width,
            "Jacobian of wrong size");
    const Kernels* k = find_kernels(kernels);
    const maxvolt::Dependencies& graph = core.graph();  // built under the GIL, once
    const maxvolt::JacobianOutput out{energies.data(), forces.data(), virials.data(), radial, linear};
    const maxvolt::Unlocked unlocked;
    return for_windows(
        *k, core.view, s, begin, end,
        [&](const maxvolt::System& system) {
            return k->jacobian_workspace_bytes(core.view, graph.view(), system);
        },
        [&](std::int64_t, const maxvolt::System& system, void* memory) {
            return k->jacobian(core.view, graph.view(), system, 0, system.n_own, memory, out);
        });
}

}  // namespace

NB_MODULE(_core, module) {
    module.doc() = "Compiled kernels of moment tensor potentials.";
    nb::set_leak_warnings(false);  // an interrupted program ends without cleaning up
    module.def("kernel_names", [] {
        std::vector<std::string> names;
        for (const Kernels* k : available_kernels()) names.emplace_back(k->name);
        return names;
    });
    nb::class_<NeighborWindows>(module, "NeighborWindows")
        .def(nb::init<Array<std::int32_t, nb::shape<-1, 2>>, Array<std::int32_t, nb::shape<-1, 3>>,
                      Vectors, Array<std::int32_t, nb::shape<-1, 3>>, Integers, Integers,
                      std::int64_t>(),
             "pairs"_a, "shifts"_a, "inside"_a, "images"_a, "structures"_a, "labels"_a, "window_atoms"_a)
        .def_prop_ro("n_windows", [](const NeighborWindows& n) { return n.windows->count(); })
        .def_prop_ro("n_rows", [](const NeighborWindows& n) { return n.windows->n_rows(); })
        .def_prop_ro("n_parts", [](const NeighborWindows& n) { return n.windows->n_parts(); })
        .def("structures", [](const NeighborWindows& n, std::int64_t window) {
            require(window >= 0 && window < n.windows->count(), "windows out of range");
            const maxvolt::Window w = (*n.windows)[window];
            return std::pair(w.first_structure, w.first_structure + w.n_structures);
        });
    nb::class_<AtomicSystem>(module, "System")
        .def(nb::init<Vectors, Array<double, nb::shape<-1, 3, 3>>, Integers,
                      const NeighborWindows&>(),
             "positions"_a, "cells"_a, "types"_a, "windows"_a, nb::keep_alive<1, 5>());
    nb::class_<Core>(module, "Core")
        .def(nb::init<std::int32_t, std::int32_t, std::int32_t, int, bool, double, double, double,
                      double, double, Doubles, bool, std::vector<double>, Doubles, Doubles, Doubles,
                      Doubles, Integers, Integers, std::int32_t, std::int32_t, std::int32_t,
                      std::int32_t, Integers, Integers,
                      Array<std::int64_t, nb::ndim<1>>, Integers, Integers, Doubles, Integers, const nb::object&>(),
             nb::kw_only(), "n_species"_a, "n_mu"_a, "radial_size"_a, "envelope"_a, "clamp"_a,
             "min_dist"_a, "cutoff"_a, "envelope_factor"_a, "slope"_a, "offset"_a, "recurrence"_a,
             "exponential_repulsion"_a, "zbl"_a, "zbl_charges"_a, "radial_coeffs"_a, "species_coeffs"_a,
             "moment_coeffs"_a, "monomial_counts"_a, "moment_offsets"_a, "max_degree"_a, "n_independent"_a,
             "n_basic"_a, "n_moments"_a, "traces"_a, "run_targets"_a, "run_first"_a, "left"_a, "right"_a, "factors"_a,
             "scalars"_a, "plan"_a.none())
        .def_prop_ro("has_plan", [](const Core& c) { return c.view.plan != nullptr; })
        .def_prop_ro("n_parameters", [](const Core& c) { return n_parameters(c.view); })
        .def(
            "n_columns",
            [](const Core& c, bool radial, bool linear) { return maxvolt::n_columns(c.view, radial, linear); },
            "radial"_a, "linear"_a);
    // Outputs are written to as they are: a converted copy of one would be thrown away.
    module.def("evaluate", &evaluate, "core"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "single"_a, "energies"_a.noconvert(), "rows"_a.noconvert(), "virials"_a.noconvert());
    module.def("evaluate_moments", &evaluate_moments, "core"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "rows"_a.noconvert(), "virials"_a.noconvert(), "x"_a.noconvert(),
               "y"_a.noconvert(), "z"_a.noconvert());
    module.def("empty_rows", &empty_rows, "n"_a);
    module.def("fold_forces", &fold_forces, "system"_a, "begin"_a, "end"_a, "rows"_a.noconvert(),
               "forces"_a.noconvert());
    module.def("fold_virials", &fold_virials, "system"_a, "parts"_a.noconvert(), "virials"_a.noconvert());
    module.def("largest_displacements", &largest_displacements, "now"_a, "old"_a, "deformation"_a);
    module.def("site_gradients", &site_gradients, "core"_a, "system"_a, "begin"_a, "end"_a,
               "kernels"_a, "gradients"_a.noconvert(), "energies"_a.noconvert() = nb::none(), "rows"_a.noconvert() = nb::none(),
               "virials"_a.noconvert() = nb::none());
    module.def("structure_gradients", &structure_gradients, "core"_a, "system"_a, "begin"_a, "end"_a,
               "kernels"_a, "gradients"_a.noconvert(), "energies"_a.noconvert() = nb::none(), "rows"_a.noconvert() = nb::none(),
               "virials"_a.noconvert() = nb::none());
    module.def("directional_gradient", &directional_gradient, "core"_a, "system"_a, "begin"_a,
               "end"_a, "kernels"_a, "energy_weights"_a, "displacements"_a, "strains"_a,
               "gradient"_a.noconvert());
    module.def("jacobian", &jacobian, "core"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert(), "radial"_a = true,
               "linear"_a = true);
}
