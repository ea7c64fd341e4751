// The Python module: owns memory, checks arguments, chooses the instruction set, releases the GIL.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "bound_plan.hpp"
#include "dependencies.hpp"
#include "model.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using maxvolt::Kernels;
template <class T, class... Shape>
using Array = nb::ndarray<const T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
template <class... Shape>
using Output = nb::ndarray<double, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
using Doubles = Array<double, nb::ndim<1>>;
using Integers = Array<std::int32_t, nb::ndim<1>>;

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

void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

struct Memory {
    explicit Memory(std::int64_t bytes)
        : data(std::aligned_alloc(64, std::size_t((bytes + 63) / 64 * 64 + 64))) {
        if (!data) throw std::bad_alloc();
    }
    ~Memory() { std::free(data); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    void* data;
};

// Atoms with their neighbours; keeps the arrays alive.
class System {
  public:
    System(Array<double, nb::shape<-1, 3>> positions, Array<double, nb::shape<-1, 3, 3>> cells,
           Integers structures, Integers types, Array<std::int64_t, nb::ndim<1>> first,
           Integers neighbors, Array<std::int32_t, nb::shape<-1, 3>> shifts)
        : positions_(positions), cells_(cells), structures_(structures), types_(types), first_(first),
          neighbors_(neighbors), shifts_(shifts) {
        const auto n = std::int64_t(positions.shape(0)), pairs = std::int64_t(neighbors.size());
        require(std::int64_t(structures.size()) == n && std::int64_t(types.size()) == n,
                "structures and types need one entry an atom");
        require(std::int64_t(first.size()) == n + 1, "first needs n_atoms + 1 entries");
        require(std::int64_t(shifts.shape(0)) == pairs, "shifts needs one row a pair");
        require(first.data()[0] == 0 && first.data()[n] == pairs, "first must span all pairs");
        view.max_neighbors = 0;
        for (std::int64_t i = 0; i < n; ++i) {
            const std::int64_t count = first.data()[i + 1] - first.data()[i];
            require(count >= 0, "first must not decrease");
            view.max_neighbors = std::max(view.max_neighbors, count);
            require(structures.data()[i] >= 0 && structures.data()[i] < std::int64_t(cells.shape(0)),
                    "structure index out of range");
            max_type = std::max(max_type, types.data()[i]);
            require(types.data()[i] >= 0, "negative species index");
        }
        bool inside = true;
        for (std::int64_t p = 0; p < pairs; ++p)
            inside &= neighbors.data()[p] >= 0 && neighbors.data()[p] < n;
        require(inside, "neighbour index out of range");
        view.n_atoms = n;
        view.n_structures = std::int64_t(cells.shape(0));
        view.positions = positions.data();
        view.cells = cells.data();
        view.structures = structures.data();
        view.types = types.data();
        view.first = first.data();
        view.neighbors = neighbors.data();
        view.shifts = shifts.data();
    }

    maxvolt::System view{};
    std::int32_t max_type = -1;

  private:
    Array<double, nb::shape<-1, 3>> positions_;
    Array<double, nb::shape<-1, 3, 3>> cells_;
    Integers structures_, types_;
    Array<std::int64_t, nb::ndim<1>> first_;
    Integers neighbors_;
    Array<std::int32_t, nb::shape<-1, 3>> shifts_;
};

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
        m.species_coeffs = species_.data();
        m.moment_coeffs = moment_.data();
        m.monomial_counts = counts_.data();
        m.moment_offsets = offsets_.data();
        m.run_targets = targets_.data();
        m.run_first = run_first_.data();
        m.products = products_.data();
        m.scalars = scalars_.data();
        if (!plan.is_none()) plan_ = bind_plan(nb::cast<nb::dict>(plan), m);
        m.plan = plan_ ? plan_->view() : nullptr;
    }

    void check(const System& s, std::int64_t begin, std::int64_t end) const {
        require(s.max_type < view.n_species, "species index out of range");
        require(begin >= 0 && begin <= end && end <= s.view.n_atoms, "atom range out of range");
    }

    const maxvolt::Dependencies& graph() {
        if (!graph_) graph_ = std::make_unique<maxvolt::Dependencies>(view);
        return *graph_;
    }

    maxvolt::Model view{};

  private:
    std::vector<double> recurrence_, charges_, radial_, species_, moment_;
    std::vector<std::int32_t> counts_, offsets_, targets_;
    std::vector<std::int64_t> run_first_;
    std::vector<std::int32_t> scalars_, traces_;
    std::vector<maxvolt::Product> products_;
    std::unique_ptr<maxvolt::Dependencies> graph_;
    std::unique_ptr<maxvolt::BoundPlan> plan_;
};

std::int64_t evaluate(const Core& core, const System& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, Output<nb::ndim<1>> energies,
                      Output<nb::shape<-1, 3>> forces, Output<nb::shape<-1, 6>> virials) {
    core.check(s, begin, end);
    require(std::int64_t(energies.size()) == s.view.n_atoms, "site energies of wrong size");
    require(std::int64_t(forces.shape(0)) == s.view.n_atoms, "forces of wrong size");
    require(std::int64_t(virials.shape(0)) == s.view.n_structures, "virials of wrong size");
    const Kernels* k = find_kernels(kernels);
    const maxvolt::EvaluationOutput out{energies.data(), forces.data(), virials.data()};
    nb::gil_scoped_release release;
    Memory memory(k->workspace_bytes(core.view, s.view));
    return k->evaluate(core.view, s.view, begin, end, memory.data, out);
}

std::int64_t site_gradients(const Core& core, const System& s, std::int64_t begin, std::int64_t end,
                            const std::string& kernels, Output<nb::ndim<2>> rows) {
    core.check(s, begin, end);
    const std::int64_t width = n_parameters(core.view);
    require(std::int64_t(rows.shape(0)) == end - begin && std::int64_t(rows.shape(1)) == width,
            "site gradients of wrong size");
    const Kernels* k = find_kernels(kernels);
    nb::gil_scoped_release release;
    Memory memory(k->workspace_bytes(core.view, s.view));
    return k->site_gradients(core.view, s.view, begin, end, memory.data, rows.data() - begin * width);
}

std::int64_t directional_gradient(const Core& core, const System& s, std::int64_t begin,
                                  std::int64_t end, const std::string& kernels, Doubles weights,
                                  Array<double, nb::shape<-1, 3>> displacements,
                                  Array<double, nb::shape<-1, 3, 3>> strains,
                                  Output<nb::ndim<1>> gradient) {
    core.check(s, begin, end);
    require(std::int64_t(weights.size()) == s.view.n_structures &&
                std::int64_t(strains.shape(0)) == s.view.n_structures &&
                std::int64_t(displacements.shape(0)) == s.view.n_atoms &&
                std::int64_t(gradient.size()) == n_parameters(core.view),
            "direction or gradient of wrong size");
    const Kernels* k = find_kernels(kernels);
    const maxvolt::Direction d{weights.data(), displacements.data(), strains.data()};
    nb::gil_scoped_release release;
    Memory memory(k->workspace_bytes(core.view, s.view));
    return k->directional_gradient(core.view, s.view, d, begin, end, memory.data, gradient.data());
}

std::int64_t jacobian(Core& core, const System& s, std::int64_t begin, std::int64_t end,
                      const std::string& kernels, Output<nb::ndim<2>> energies,
                      Output<nb::ndim<3>> forces, Output<nb::ndim<3>> virials) {
    core.check(s, begin, end);
    const std::int64_t width = n_parameters(core.view);
    require(std::int64_t(energies.shape(0)) == s.view.n_structures &&
                std::int64_t(energies.shape(1)) == width &&
                std::int64_t(forces.shape(0)) == s.view.n_atoms && forces.shape(1) == 3 &&
                std::int64_t(forces.shape(2)) == width &&
                std::int64_t(virials.shape(0)) == s.view.n_structures && virials.shape(1) == 6 &&
                std::int64_t(virials.shape(2)) == width,
            "Jacobian of wrong size");
    const Kernels* k = find_kernels(kernels);
    const maxvolt::Dependencies& graph = core.graph();  // built under the GIL, once
    const maxvolt::JacobianOutput out{energies.data(), forces.data(), virials.data()};
    nb::gil_scoped_release release;
    Memory memory(k->jacobian_workspace_bytes(core.view, graph.view(), s.view));
    return k->jacobian(core.view, graph.view(), s.view, begin, end, memory.data, out);
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
    nb::class_<System>(module, "System")
        .def(nb::init<Array<double, nb::shape<-1, 3>>, Array<double, nb::shape<-1, 3, 3>>, Integers,
                      Integers, Array<std::int64_t, nb::ndim<1>>, Integers,
                      Array<std::int32_t, nb::shape<-1, 3>>>(),
             "positions"_a, "cells"_a, "structures"_a, "types"_a, "first"_a, "neighbors"_a, "shifts"_a)
        .def_prop_ro("n_atoms", [](const System& s) { return s.view.n_atoms; })
        .def_prop_ro("n_structures", [](const System& s) { return s.view.n_structures; });
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
        .def_prop_ro("n_parameters", [](const Core& c) { return n_parameters(c.view); });
    // Outputs are written to as they are: a converted copy of one would be thrown away.
    module.def("evaluate", &evaluate, "core"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert());
    module.def("site_gradients", &site_gradients, "core"_a, "system"_a, "begin"_a, "end"_a,
               "kernels"_a, "rows"_a.noconvert());
    module.def("directional_gradient", &directional_gradient, "core"_a, "system"_a, "begin"_a,
               "end"_a, "kernels"_a, "energy_weights"_a, "displacements"_a, "strains"_a,
               "gradient"_a.noconvert());
    module.def("jacobian", &jacobian, "core"_a, "system"_a, "begin"_a, "end"_a, "kernels"_a,
               "energies"_a.noconvert(), "forces"_a.noconvert(), "virials"_a.noconvert());
}
