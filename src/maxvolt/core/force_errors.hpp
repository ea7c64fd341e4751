// Expected force errors: what a calibration makes of measures. The calibration itself is made in Python
// (maxvolt.uncertainty); here it is applied.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "model_arrays.hpp"
#include "posterior_factor.hpp"

namespace maxvolt {

class ForceErrors {
  public:
    // Throws std::invalid_argument where the arrays are no calibration for a potential with so many parameters.
    ForceErrors(ErrorArrays arrays, std::int64_t n_parameters);

    bool needs(std::int32_t measure) const;
    // Where a measure is the standard deviation of the site energy.
    const PosteriorFactor* posterior() const { return posterior_ ? &*posterior_ : nullptr; }

    // Measures of one atom; those that are not needed are not looked at.
    struct Measures {
        double grade, deviation, force_length;  // eV and eV/Angstrom
    };

    // Mean error of the force, eV/Angstrom, equations (45) and (45a).
    double expected(const Measures&) const;
    // Whether a measure is larger than all that were held out; the length of the force does not count.
    bool is_beyond(const Measures&) const;

    // What expected errors are multiplied by to bound a share of the errors, for each bin; infinite where there is no
    // bound. By the quantile that covers so many of structures left out; strict: by that of conformal prediction.
    std::vector<double> factors(double coverage, bool strict) const;
    // Which of the bins an expected error belongs to.
    std::size_t bin(double expected) const;

  private:
    void check(std::int64_t n_parameters) const;
    void check_scores() const;
    double level_of(std::size_t bin, double coverage) const;

    ErrorArrays a_;
    std::size_t n_levels_ = 0;
    std::optional<PosteriorFactor> posterior_;
};

}  // namespace maxvolt
