// The inverse of an active set, prepared for grades that are mostly computed in single precision.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "memory.hpp"
#include "model.hpp"

namespace maxvolt {

// Memory to grade in, of one thread. What it keeps from one call to the next does not change results.
struct GradingMemory {
    std::vector<std::int32_t> used;
    std::unique_ptr<Memory> single;
};

class PreparedInverse {
  public:
    // inverse: [n][n]. Null where single precision would tell nothing,
    // because many directions make the inverse large.
    static std::unique_ptr<const PreparedInverse> of(const std::vector<double>& inverse, std::int64_t n);

    // As ActiveSet::grades; panels: those of ActiveSet.
    void grades(const Kernels&, const double* panels, const double* rows, std::int64_t count, GradingMemory& memory,
                double* grades) const;

  private:
    explicit PreparedInverse(std::int64_t n) : n_(n) {}
    void take(const std::vector<double>& inverse, const std::vector<std::vector<double>>& directions);

    std::int64_t n_, n_left_out_ = 0;
    double left_out_error_ = 0.0;
    std::vector<float> panels_, errors_, of_left_out_;
    std::vector<double> scales_, left_out_, columns_;
};

}  // namespace maxvolt
