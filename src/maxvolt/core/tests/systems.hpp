// Models and atoms to test with.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "evaluation.hpp"
#include "instruction_sets.hpp"
#include "model_file.hpp"

namespace maxvolt {

// Two species, level 8, and one species, level 14; with and without their plans (make_models.py).
inline std::unique_ptr<CompiledModel> load(const std::string& name, bool planned = true) {
    ModelFile file = read_model_file(std::string(MODELS) + "/" + name + ".maxvolt");
    if (!planned) file.arrays.plan.reset();
    return std::make_unique<CompiledModel>(std::move(file.arrays));
}

// Those that the environment names, one of each instruction set in turn; else the best.
inline const Kernels& kernels() {
    const char* name = std::getenv("MAXVOLT_KERNELS");
    return find_kernels(name ? name : "");
}

inline const std::vector<std::string> all_models{"level8", "level14"};

// A crystal of n x n x n cells, sheared and shaken.
struct Crystal {
    explicit Crystal(int n, std::int32_t n_species, unsigned seed = 1) {
        std::mt19937 random(seed);
        std::uniform_real_distribution<double> shift(-0.15, 0.15);
        const double a = 3.1;
        cell = {n * a, 0.0, 0.0, 0.3, n * a, 0.0, -0.2, 0.4, n * a};
        for (int i = 0; i < n * n * n; ++i) {
            const double f[3] = {(i % n + 0.1) / n, (i / n % n + 0.1) / n, (i / n / n + 0.1) / n};
            for (int c = 0; c < 3; ++c)
                positions.push_back(f[0] * cell[c] + f[1] * cell[3 + c] + f[2] * cell[6 + c] + shift(random));
            types.push_back(std::int32_t(random() % std::uint32_t(n_species)));
        }
    }
    std::int64_t size() const { return std::int64_t(types.size()); }

    std::vector<double> cell, positions;
    std::vector<std::int32_t> types;
};

// All pairs within a distance, each once, by trying every image.
struct Pairs {
    Pairs(const Crystal& crystal, double cutoff) : images(3 * std::size_t(crystal.size()), 0) {
        const int reach = 1 + int(cutoff / std::cbrt(crystal.cell[0] * crystal.cell[4] * crystal.cell[8]));
        for (std::int32_t i = 0; i < crystal.size(); ++i)
            for (std::int32_t j = i; j < crystal.size(); ++j)
                for (int a = -reach; a <= reach; ++a)
                    for (int b = -reach; b <= reach; ++b)
                        for (int c = -reach; c <= reach; ++c) add(crystal, cutoff, i, j, {a, b, c});
    }
    PairList list() const {
        return {std::int64_t(images.size() / 3), std::int64_t(pairs.size() / 2), pairs.data(), shifts.data(),
                images.data()};
    }

    std::vector<std::int32_t> pairs, shifts, images;

  private:
    void add(const Crystal& crystal, double cutoff, std::int32_t i, std::int32_t j, std::array<int, 3> s) {
        if (i == j && (s[0] < 0 || (s[0] == 0 && (s[1] < 0 || (s[1] == 0 && s[2] <= 0))))) return;
        double square = 0.0;
        for (int c = 0; c < 3; ++c) {
            const double d = crystal.positions[3 * std::size_t(j) + c] - crystal.positions[3 * std::size_t(i) + c] +
                             s[0] * crystal.cell[c] + s[1] * crystal.cell[3 + c] + s[2] * crystal.cell[6 + c];
            square += d * d;
        }
        if (square >= cutoff * cutoff) return;
        pairs.insert(pairs.end(), {i, j});
        shifts.insert(shifts.end(), s.begin(), s.end());
    }
};

inline Evaluated evaluate_periodic(const CompiledModel& model, const Crystal& crystal, const Kernels& kernels,
                                   bool single = false, std::int64_t window_atoms = 256) {
    const Pairs pairs(crystal, std::fmin(model.view().cutoff, 6.0));  // whatever a damaged file says
    const std::vector<std::int32_t> structures(crystal.types.size(), 0);
    const NeighborWindows windows(pairs.list(), structures.data(), crystal.types.data(), crystal.positions.data(),
                                  window_atoms);
    const AtomicSystem system(crystal.positions.data(), crystal.size(), crystal.cell.data(), 1, crystal.types.data(),
                              windows);
    return evaluate(model, system, kernels, single);
}

// Whether what `read` gives is a model, which is then evaluated; false where it is refused.
template <class Read>
bool is_read(const Read& read) {
    try {
        const CompiledModel model(read());
        evaluate_periodic(model, Crystal(2, 1), kernels());
        return true;
    } catch (const ModelFileError&) {
        return false;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

inline double total(const std::vector<double>& values) {
    double sum = 0.0;
    for (const double v : values) sum += v;
    return sum;
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    double largest = a.size() == b.size() ? 0.0 : INFINITY;
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) largest = std::fmax(largest, std::fabs(a[i] - b[i]));
    return largest;
}

}  // namespace maxvolt
