#include "active_set.hpp"

#include <cmath>
#include <string>

#include "checks.hpp"

namespace maxvolt {

namespace {

ActiveSet::Rows rows_of(const ActiveSetArrays& a) {
    for (const double weight : {a.energy_weight, a.force_weight, a.stress_weight, a.site_energy_weight})
        require(std::isfinite(weight) && weight >= 0.0, "active set: a weight is negative or not finite");
    require(a.weight_scaling >= 0 && a.weight_scaling <= 2, "active set: weight_scaling is none of 0, 1 and 2");
    const bool of_derivatives = a.force_weight > 0.0 || a.stress_weight > 0.0;
    const bool of_energies = a.energy_weight > 0.0, of_sites = a.site_energy_weight > 0.0;
    require(of_derivatives || of_energies || of_sites, "active set: all weights are zero");
    if (of_derivatives || (of_energies && of_sites)) return ActiveSet::Rows::others;
    return of_sites ? ActiveSet::Rows::neighborhoods : ActiveSet::Rows::configurations;
}

}  // namespace

ActiveSet::ActiveSet(const ActiveSetArrays& arrays, std::int64_t n_parameters)
    : rows_(rows_of(arrays)),
      size_(n_parameters),
      energy_weight_(arrays.energy_weight),
      weight_scaling_(arrays.weight_scaling) {
    const std::int64_t n = n_parameters;
    SizeCheck{"active set: "}.same("inverse", arrays.inverse, n * n, "pair of parameters");
    for (const double value : arrays.inverse) require(std::isfinite(value), "active set: a number is not finite");
    panels_.assign(std::size_t((n + panel_width - 1) / panel_width * panel_width * n), 0.0);
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t j = 0; j < n; ++j)
            panels_[std::size_t(j / panel_width * panel_width * n + k * panel_width + j % panel_width)] =
                arrays.inverse[std::size_t(k * n + j)];
    if (rows_ == Rows::neighborhoods) single_ = PreparedInverse::of(arrays.inverse, n);
}

double ActiveSet::energy_factor(std::int64_t n_atoms) const {
    return energy_weight_ / std::pow(double(n_atoms), 0.5 * weight_scaling_);
}

void ActiveSet::grades(const Kernels& kernels, const double* rows, std::int64_t count, GradingMemory& memory,
                       double* grades) const {
    memory.used.resize(static_cast<std::size_t>(size_));
    if (single_)
        single_->grades(kernels, panels_.data(), rows, count, memory, grades);
    else
        kernels.largest_coordinates(panels_.data(), size_, rows, count, memory.used.data(), grades);
}

void ActiveSet::grades(const Kernels& kernels, const double* rows, std::int64_t count, double* grades) const {
    GradingMemory memory;
    this->grades(kernels, rows, count, memory, grades);
}

void ActiveSet::double_grades(const Kernels& kernels, const double* rows, std::int64_t count, double* grades) const {
    std::vector<std::int32_t> used(static_cast<std::size_t>(size_));
    kernels.largest_coordinates(panels_.data(), size_, rows, count, used.data(), grades);
}

}  // namespace maxvolt
