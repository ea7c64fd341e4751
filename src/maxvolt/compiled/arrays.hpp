// What the functions of the Python module share: arrays of NumPy, checked systems and outputs.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <optional>

#include "checks.hpp"
#include "evaluation.hpp"
#include "instruction_sets.hpp"
#include "memory.hpp"
#include "unlocked.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using maxvolt::CompiledModel;
using maxvolt::EvaluationArrays;
using maxvolt::find_kernels;
using maxvolt::FoundNeighbors;
using maxvolt::Memory;
using maxvolt::NeighborWindows;
using maxvolt::require;
using maxvolt::Unlocked;
using maxvolt::WindowRange;
template <class T, class... Shape>
using Array = nb::ndarray<const T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
template <class T, class... Shape>
using OutputOf = nb::ndarray<T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
template <class... Shape>
using Output = OutputOf<double, Shape...>;
using Doubles = Array<double, nb::ndim<1>>;
using Integers = Array<std::int32_t, nb::ndim<1>>;
using Vectors = Array<double, nb::shape<-1, 3>>;

// Keeps the arrays of a system alive, and the binding the list.
struct System {
    System(Vectors given_positions, Array<double, nb::shape<-1, 3, 3>> given_cells, Integers given_types,
           const NeighborWindows& list)
        : positions(given_positions), cells(given_cells), types(given_types),
          system(positions.data(), checked_size(positions, types), cells.data(), std::int64_t(cells.shape(0)),
                 types.data(), list) {}

    static std::int64_t checked_size(const Vectors& positions, const Integers& types) {
        require(types.size() == positions.shape(0), "types needs one entry per atom");
        return std::int64_t(positions.shape(0));
    }

    Vectors positions;
    Array<double, nb::shape<-1, 3, 3>> cells;
    Integers types;
    maxvolt::AtomicSystem system;
};

EvaluationArrays checked(const System& s, const Output<nb::ndim<1>>& energies, const Output<nb::shape<-1, 4>>& rows,
                         const Output<nb::shape<-1, 6>>& virials) {
    const maxvolt::Windows& windows = *s.system.windows;
    require(std::int64_t(energies.size()) == s.system.atoms.n_atoms, "site energies of wrong size");
    require(std::int64_t(rows.shape(0)) == windows.n_rows(), "rows of forces of wrong size");
    require(reinterpret_cast<std::uintptr_t>(rows.data()) % 32 == 0, "rows of forces must be aligned");
    require(std::int64_t(virials.shape(0)) == windows.n_parts(), "virials of wrong size");
    return {energies.data(), rows.data(), virials.data(), {}};
}

using MaybeEnergies = std::optional<Output<nb::ndim<1>>>;
using MaybeRows = std::optional<Output<nb::shape<-1, 4>>>;
using MaybeVirials = std::optional<Output<nb::shape<-1, 6>>>;

std::optional<EvaluationArrays> checked(const System& s, const MaybeEnergies& energies, const MaybeRows& rows,
                                        const MaybeVirials& virials) {
    require(energies.has_value() == rows.has_value() && rows.has_value() == virials.has_value(),
            "give energies, rows and virials, or none of them");
    if (!energies) return std::nullopt;
    return checked(s, *energies, *rows, *virials);
}

}  // namespace
