// How fast the largest grade changes, and which steps have to be graded so that it cannot pass a threshold unseen.
//
// While it changes by no more in a step than twice the fastest change seen, it is below break at all steps that are
// not graded: those steps follow a grade from which break is farther away than that (docs/formulation, equation (40b)).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace maxvolt_lammps {

class Growth {
  public:
    void note(std::int64_t step, double grade) {
        if (last_step_ >= 0 && step > last_step_) {
            rate_ = std::max(rate_, std::fabs(grade - grade_) / double(step - last_step_));
            ++n_changes_;
        }
        last_step_ = step;
        grade_ = grade;
    }

    void forget_last() { last_step_ = -1; }

    bool is_due(std::int64_t step, int every, double stop) const {
        const std::int64_t after = step % every;
        if (after == 0) return true;
        if (!std::isfinite(stop)) return false;
        if (n_changes_ < every) return true;                          // to begin with, to see changes at all
        if (after == 1 && step / every % pairs == 0) return true;     // now and then two in a row, likewise
        return last_step_ < 0 || grade_ + caution * rate_ * every >= stop;
    }

  private:
    static constexpr int pairs = 20;
    static constexpr double caution = 2.0;
    std::int64_t last_step_ = -1, n_changes_ = 0;
    double grade_ = 0.0, rate_ = 0.0;
};

}  // namespace maxvolt_lammps
