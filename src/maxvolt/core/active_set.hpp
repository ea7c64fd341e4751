// An active set ready to grade: which rows it has, and the inverse of its matrix.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "model.hpp"
#include "model_arrays.hpp"
#include "single_inverse.hpp"

namespace maxvolt {

class ActiveSet {
  public:
    // What has a row: all atoms together, each atom, or something else (forces, stresses, both of the former),
    // for which grades are not computed here.
    enum class Rows { configurations, neighborhoods, others };

    // Throws std::invalid_argument where the arrays are no active set of a potential with so many parameters.
    ActiveSet(const ActiveSetArrays& arrays, std::int64_t n_parameters);

    Rows rows() const { return rows_; }
    std::int64_t size() const { return size_; }

    // What the gradient of the energy of a configuration is multiplied by, equation (36).
    double energy_factor(std::int64_t n_atoms) const;

    // The inverse, panel_width columns after the other: [..][n][panel_width], zeros at the end.
    const double* panels() const { return panels_.data(); }

    // The grades of rows, [count][n]; NaN where one is not finite. Of neighbourhoods most of the work is done in single
    // precision, which is checked in double precision: the grades are the same to rounding.
    // memory: empty, or as it was left by a call for rows of the same active set and kernels.
    void grades(const Kernels&, const double* rows, std::int64_t count, GradingMemory& memory, double* grades) const;
    void grades(const Kernels&, const double* rows, std::int64_t count, double* grades) const;

    // All of it in double precision.
    void double_grades(const Kernels&, const double* rows, std::int64_t count, double* grades) const;

    bool has_single() const { return single_ != nullptr; }

  private:
    Rows rows_;
    std::int64_t size_;
    double energy_weight_;
    std::int32_t weight_scaling_;
    std::vector<double> panels_;
    std::shared_ptr<const PreparedInverse> single_;
};

}  // namespace maxvolt
