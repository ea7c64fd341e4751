// A factor of the covariance of the parameters, ready to give standard deviations of site energies.
#pragma once
#include <cstdint>
#include <vector>

#include "model.hpp"

namespace maxvolt {

class PosteriorFactor {
  public:
    // factor: [n][n_columns], finite.
    PosteriorFactor(const std::vector<double>& factor, std::int64_t n, std::int64_t n_columns);

    std::int64_t size() const { return n_; }

    // Standard deviations of what has these gradients, rows: [count][n]; equation (44). Not finite where a row is not.
    void deviations(const Kernels&, const double* rows, std::int64_t count, double* deviations) const;

  private:
    std::int64_t n_, n_columns_;
    std::vector<double> panels_;      // as ActiveSet::panels
    std::vector<std::int32_t> first_; // first row of each panel that is not zero: a triangular factor saves half the work
};

}  // namespace maxvolt
