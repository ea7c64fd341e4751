#include "posterior_factor.hpp"

#include <algorithm>

namespace maxvolt {

PosteriorFactor::PosteriorFactor(const std::vector<double>& factor, std::int64_t n, std::int64_t n_columns)
    : n_(n),
      n_columns_(n_columns),
      panels_(std::size_t((n_columns + panel_width - 1) / panel_width * panel_width * n), 0.0),
      first_(std::size_t((n_columns + panel_width - 1) / panel_width), std::int32_t(n)) {
    for (std::int64_t k = n - 1; k >= 0; --k)
        for (std::int64_t j = 0; j < n_columns; ++j) {
            const double value = factor[std::size_t(k * n_columns + j)];
            panels_[std::size_t(j / panel_width * panel_width * n + k * panel_width + j % panel_width)] = value;
            if (value != 0.0) first_[std::size_t(j / panel_width)] = std::int32_t(k);
        }
    // Kernels only go forward in the rows of a panel.
    for (std::size_t p = first_.size(); p-- > 1;) first_[p - 1] = std::min(first_[p - 1], first_[p]);
}

void PosteriorFactor::deviations(const Kernels& kernels, const double* rows, std::int64_t count,
                                 double* deviations) const {
    std::vector<std::int32_t> used(std::size_t(tile_group * n_));
    kernels.product_lengths(panels_.data(), first_.data(), n_, n_columns_, rows, count, used.data(), deviations);
}

}  // namespace maxvolt
