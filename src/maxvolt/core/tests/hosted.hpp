// Atoms as a host program has them: local ones, and ghosts that stand for atoms of others.
#pragma once
#include "systems.hpp"

namespace maxvolt {

// A crystal with all its images within the cutoff as ghosts, and full lists of the local atoms.
struct Hosted {
    Hosted(const Crystal& crystal, double cutoff) : positions(crystal.positions), types(crystal.types) {
        const std::int64_t n = crystal.size();
        for (std::int32_t i = 0; i < n; ++i) owner.push_back(i);
        const int reach = 1 + int(cutoff / std::cbrt(crystal.cell[0] * crystal.cell[4] * crystal.cell[8]));
        for (int a = -reach; a <= reach; ++a)
            for (int b = -reach; b <= reach; ++b)
                for (int c = -reach; c <= reach; ++c) {
                    if (!a && !b && !c) continue;
                    for (std::int32_t i = 0; i < n; ++i) {
                        for (int x = 0; x < 3; ++x)
                            positions.push_back(crystal.positions[3 * std::size_t(i) + x] + a * crystal.cell[x] +
                                                b * crystal.cell[3 + x] + c * crystal.cell[6 + x]);
                        types.push_back(crystal.types[i]);
                        owner.push_back(i);
                    }
                }
        for (std::int64_t i = 0; i < n; ++i) {
            for (std::int32_t j = 0; j < std::int32_t(types.size()); ++j)
                if (j != i && distance(i, j) < cutoff) neighbors.push_back(j);
            first.push_back(std::int64_t(neighbors.size()));
        }
    }
    double distance(std::int64_t i, std::int64_t j) const {
        double square = 0.0;
        for (int c = 0; c < 3; ++c) square += std::pow(positions[3 * j + c] - positions[3 * i + c], 2);
        return std::sqrt(square);
    }
    FullList list() const {
        return {std::int64_t(types.size()), std::int64_t(first.size()) - 1, first.data(), neighbors.data()};
    }
    Evaluated evaluate(const CompiledModel& model, std::int64_t window_atoms = 256) const {
        const double no_cell[9] = {};
        const NeighborWindows windows(list(), types.data(), positions.data(), window_atoms);
        const AtomicSystem system(positions.data(), std::int64_t(types.size()), no_cell, 1, types.data(), windows);
        return maxvolt::evaluate(model, system, kernels());
    }

    std::vector<double> positions;
    std::vector<std::int32_t> types, owner, neighbors;
    std::vector<std::int64_t> first{0};
};

}  // namespace maxvolt
