#include "evaluation.hpp"

#include <algorithm>
#include <memory>

#include "checks.hpp"
#include "memory.hpp"

namespace maxvolt {

namespace {

constexpr std::int64_t rows_at_once = 64;  // gradients of atoms that are used while they are in a cache; whole blocks

void check(const CompiledModel& model, const AtomicSystem& s, WindowRange range) {
    require(s.max_type < model.view().n_species, "species index out of range");
    require(range.begin >= 0 && range.begin <= range.end && range.end <= s.windows->count(), "windows out of range");
}

// Output of one window, its virials cleared.
EvaluationOutput window_output(const AtomicSystem& s, std::int64_t w, const EvaluationArrays& to) {
    double* parts = to.virials + 6 * s.windows->first_part(w);
    std::fill(parts, to.virials + 6 * s.windows->first_part(w + 1), 0.0);
    const std::int64_t row = 4 * s.windows->first_row(w);
    EvaluationOutput out{to.energies, to.rows + row, parts, (*s.windows)[w].first_structure, {}};
    for (int c = 0; c < 3; ++c)
        if (to.moments[c]) out.moments[c] = to.moments[c] + row;
    return out;
}

// Work on one window, with its output or none.
template <class Work>
std::int64_t with_output(const AtomicSystem& s, std::int64_t w, const EvaluationArrays* to, const Work& work) {
    if (!to) return work(nullptr);
    const EvaluationOutput out = window_output(s, w, *to);
    return work(&out);
}

// Calls work(window number, system, workspace) for each window until one does not return -1, and returns
// what that returned.
template <class Bytes, class Work>
std::int64_t for_windows(const Kernels& k, const Model& m, const AtomicSystem& s, WindowRange range,
                         const Bytes& workspace_bytes, const Work& work) {
    std::unique_ptr<Memory> prepared, workspace;
    std::int64_t prepared_bytes = 0, bytes = 0;
    for (std::int64_t w = range.begin; w < range.end; ++w) {
        const Window window = (*s.windows)[w];
        const std::int64_t needed = k.prepared_bytes(m, window);
        if (!prepared || needed > prepared_bytes) {
            prepared = std::make_unique<Memory>(needed);
            prepared_bytes = needed;
        }
        const System system = k.prepare(m, s.atoms, window, prepared->data);
        const std::int64_t room = workspace_bytes(system);
        if (!workspace || room > bytes) {
            workspace = std::make_unique<Memory>(room);
            bytes = room;
        }
        const std::int64_t bad = work(w, system, workspace->data);
        if (bad >= 0) return bad;
    }
    return -1;
}

}  // namespace

std::int64_t evaluate(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                      bool single, const EvaluationArrays& to) {
    check(model, s, range);
    const Model& m = model.view();
    require(!single || m.single_plan, "single precision needs an evaluation plan");
    const auto bytes = single ? k.single_workspace_bytes : k.workspace_bytes;
    const auto kernel = single ? k.evaluate_single : k.evaluate;
    return for_windows(
        k, m, s, range, [&](const System& system) { return bytes(m, system); },
        [&](std::int64_t w, const System& system, void* memory) {
            return kernel(m, system, 0, system.n_own, memory, window_output(s, w, to));
        });
}

std::int64_t site_gradients(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                            const EvaluationArrays* evaluated, double* gradients) {
    check(model, s, range);
    const Model& m = model.view();
    const std::int64_t width = n_parameters(m);
    std::vector<double*> to;
    return for_windows(
        k, m, s, range, [&](const System& system) { return k.workspace_bytes(m, system); },
        [&](std::int64_t w, const System& system, void* memory) {
            to.clear();
            for (std::int64_t i = 0; i < system.n_own; ++i)
                to.push_back(gradients + system.atoms[system.order[i]] * width);
            return with_output(s, w, evaluated, [&](const EvaluationOutput* out) {
                return k.gradient_rows(m, system, 0, system.n_own, memory, out, {to.data(), {}});
            });
        });
}

std::int64_t site_measures(const CompiledModel& model, const SiteMeasures& measures, const AtomicSystem& s,
                           WindowRange range, const Kernels& k, const EvaluationArrays* evaluated) {
    check(model, s, range);
    const Model& m = model.view();
    const std::int64_t width = n_parameters(m);
    require(!measures.grades || measures.active_set->size() == width, "the active set belongs to another potential");
    require(!measures.deviations || measures.posterior->size() == width, "the posterior belongs to another potential");
    std::vector<double*> to;
    std::vector<double> rows(std::size_t(width * rows_at_once)), of_rows(rows_at_once);
    GradingMemory memory_of_grades;
    return for_windows(
        k, m, s, range, [&](const System& system) { return k.workspace_bytes(m, system); },
        [&](std::int64_t w, const System& system, void* memory) {
            to.clear();
            for (std::int64_t i = 0; i < system.n_own; ++i) to.push_back(rows.data() + i % rows_at_once * width);
            return with_output(s, w, evaluated, [&](const EvaluationOutput* out) {
                std::int64_t begin = 0, bad = -1;
                do {
                    const std::int64_t end = std::min(begin + rows_at_once, system.n_own);
                    bad = k.gradient_rows(m, system, begin, end, memory, out, {to.data(), {}});
                    if (bad >= 0) return bad;
                    const auto scatter = [&](double* values) {
                        for (std::int64_t i = begin; i < end; ++i)
                            values[system.atoms[system.order[i]]] = of_rows[std::size_t(i - begin)];
                    };
                    if (measures.grades) {
                        measures.active_set->grades(k, rows.data(), end - begin, memory_of_grades, of_rows.data());
                        scatter(measures.grades);
                    }
                    if (measures.deviations) {
                        measures.posterior->deviations(k, rows.data(), end - begin, of_rows.data());
                        scatter(measures.deviations);
                    }
                    begin = end;
                } while (begin < system.n_own);
                return bad;
            });
        });
}

std::int64_t structure_gradients(const CompiledModel& model, const AtomicSystem& s, WindowRange range,
                                 const Kernels& k, const EvaluationArrays* evaluated, double* gradients) {
    check(model, s, range);
    const Model& m = model.view();
    const std::int64_t width = n_parameters(m), first = s.windows->first_part(range.begin);
    const std::int64_t scalars_at = width - m.n_scalars;
    const std::int64_t stride = scalars_at + (m.plan ? m.plan->n_invariants : m.n_scalars);
    std::vector<double> parts;
    return for_windows(
        k, m, s, range, [&](const System& system) { return k.workspace_bytes(m, system); },
        [&](std::int64_t w, const System& system, void* memory) {
            const std::int64_t part = s.windows->first_part(w), n = s.windows->first_part(w + 1) - part;
            parts.assign(std::size_t(n * stride), 0.0);
            const StructureRows to{parts.data(), stride, (*s.windows)[w].first_structure};
            const std::int64_t bad = with_output(s, w, evaluated, [&](const EvaluationOutput* out) {
                return k.gradient_rows(m, system, 0, system.n_own, memory, out, {nullptr, to});
            });
            for (std::int64_t p = 0; p < n; ++p)
                expand_row(m, scalars_at, parts.data() + p * stride, gradients + (part - first + p) * width);
            return bad;
        });
}

std::int64_t directional_gradient(const CompiledModel& model, const AtomicSystem& s, WindowRange range,
                                  const Kernels& k, const Direction& d, double* gradient) {
    check(model, s, range);
    const Model& m = model.view();
    return for_windows(
        k, m, s, range, [&](const System& system) { return k.workspace_bytes(m, system); },
        [&](std::int64_t, const System& system, void* memory) {
            return k.directional_gradient(m, system, d, 0, system.n_own, memory, gradient);
        });
}

std::int64_t jacobian(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                      const JacobianOutput& out) {
    check(model, s, range);
    const Model& m = model.view();
    const ScalarGraph graph = model.graph();
    return for_windows(
        k, m, s, range, [&](const System& system) { return k.jacobian_workspace_bytes(m, graph, system); },
        [&](std::int64_t, const System& system, void* memory) {
            return k.jacobian(m, graph, system, 0, system.n_own, memory, out);
        });
}

namespace {

template <class Real, class Bytes, class Kernel>
std::int64_t rows_of_invariants(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                                Bytes bytes, Kernel kernel, const InvariantOutput<Real>& out) {
    check(model, s, range);
    const Model& m = model.view();
    const InvariantGraph graph = model.invariant_graph();
    return for_windows(
        k, m, s, range, [&](const System& system) { return bytes(m, graph, system); },
        [&](std::int64_t, const System& system, void* memory) {
            return kernel(m, graph, system, 0, system.n_own, memory, out);
        });
}

}  // namespace

std::int64_t invariant_rows(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                            const InvariantOutput<double>& out) {
    return rows_of_invariants(model, s, range, k, k.invariant_workspace_bytes, k.invariant_rows, out);
}

std::int64_t invariant_rows(const CompiledModel& model, const AtomicSystem& s, WindowRange range, const Kernels& k,
                            const InvariantOutput<float>& out) {
    return rows_of_invariants(model, s, range, k, k.single_invariant_workspace_bytes, k.single_invariant_rows, out);
}

Evaluated evaluate(const CompiledModel& model, const AtomicSystem& s, const Kernels& k, bool single) {
    const Windows& windows = *s.windows;
    const std::size_t n = std::size_t(s.atoms.n_atoms);
    Evaluated out{std::vector<double>(n), std::vector<double>(3 * n),
                  std::vector<double>(6 * std::size_t(s.atoms.n_structures)), -1};
    const Memory rows(4 * windows.n_rows() * std::int64_t(sizeof(double)));
    std::vector<double> virials(6 * std::size_t(windows.n_parts()));
    auto* const row = static_cast<double*>(rows.data);
    out.coincident = evaluate(model, s, {0, windows.count()}, k, single, {out.energies.data(), row, virials.data(), {}});
    if (out.coincident >= 0) return out;
    windows.fold_forces(row, 0, s.atoms.n_atoms, out.forces.data());
    windows.fold_virials(virials.data(), out.virials.data());
    return out;
}

}  // namespace maxvolt
