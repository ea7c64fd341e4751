// The kernels over windows of a system. All take windows [begin, end), so that a caller can share them among
// threads, and return -1 or an atom that coincides with another (forces do not exist there).
//
// They throw std::invalid_argument where windows or species are out of range, and trust the sizes of what
// they write to, which are told beside each.
#pragma once
#include <cstdint>
#include <vector>

#include "active_set.hpp"
#include "atomic_system.hpp"
#include "compiled_model.hpp"
#include "posterior_factor.hpp"

namespace maxvolt {

struct WindowRange {
    std::int64_t begin, end;
};

// What the evaluation of windows writes; fold_forces and fold_virials sum it up.
struct EvaluationArrays {
    double* energies;  // [n_atoms]; of local atoms where there are ghosts
    double* rows;      // [n_rows][4], aligned to 32 bytes
    double* virials;   // [n_parts][6]
    double* moments[3] = {};  // of `evaluate` in double precision: [n_rows][4] each, aligned to 32 bytes
};

std::int64_t evaluate(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&, bool single,
                      const EvaluationArrays&);

// Gradients of the site energies by all parameters, [n_atoms][n_parameters]; energies and the rest in the same
// pass where there is somewhere to write them.
std::int64_t site_gradients(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                            const EvaluationArrays*, double* gradients);

// What is made of the gradients of site energies: extrapolation grades in neighbourhood mode, and standard deviations by a
// posterior, [n_atoms] each. Null where one is not wanted.
struct SiteMeasures {
    const ActiveSet* active_set = nullptr;
    double* grades = nullptr;
    const PosteriorFactor* posterior = nullptr;
    double* deviations = nullptr;
};

// Measures of the atoms; energies and the rest in the same pass where there is somewhere to write them. What is not finite
// in a measure is so because a gradient is not.
std::int64_t site_measures(const CompiledModel&, const SiteMeasures&, const AtomicSystem&, WindowRange, const Kernels&,
                           const EvaluationArrays*);

// Gradients of the energies of the parts of structures that lie in these windows,
// [first_part(end) - first_part(begin)][n_parameters], added to what is there.
std::int64_t structure_gradients(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                                 const EvaluationArrays*, double* gradients);

// gradient: [n_parameters], added to.
std::int64_t directional_gradient(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                                  const Direction&, double* gradient);

std::int64_t jacobian(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                      const JacobianOutput&);

// Rows of the invariants of a plan, added to; columns [invariants][species], `width` of a row. In double precision, or
// forces in single.
std::int64_t invariant_rows(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                            const InvariantOutput<double>&);
std::int64_t invariant_rows(const CompiledModel&, const AtomicSystem&, WindowRange, const Kernels&,
                            const InvariantOutput<float>&);

// Energies of the atoms, forces on all of them and virials, of all windows on one thread.
struct Evaluated {
    std::vector<double> energies;  // [n_atoms]; 0 for ghosts
    std::vector<double> forces;    // [n_atoms][3]; what local atoms do to ghosts is among them
    std::vector<double> virials;   // [n_structures][6], dE/d(strain), eV
    std::int64_t coincident;       // an atom that coincides with another, or -1
};

Evaluated evaluate(const CompiledModel&, const AtomicSystem&, const Kernels&, bool single = false);

}  // namespace maxvolt
