// Radial functions and their derivatives as series in the polynomials of the radial basis.
#pragma once
#include <cstdint>
#include <vector>

#include "model.hpp"

namespace maxvolt {

// With p_k = (a_k x + b_k) p_k-1 - c_k p_k-2 and p_0 = 1, the derivative of p_k by x is a sum over j < k of
// D_kj p_j, so that f_mu' needs no derivative of any p_k.
class RadialSeries {
  public:
    RadialSeries() = default;

    // Needs the recurrence, slope and radial coefficients of the model.
    explicit RadialSeries(const Model& m) {
        const std::int32_t n = m.radial_size, species = m.n_species;
        const std::vector<double> derivative = derivatives(m);
        stride_ = (species + 7) / 8 * 8;
        series_.resize(std::size_t(species) * species * n * m.n_mu * 2);
        by_type_.resize(std::size_t(species) * n * m.n_mu * 2 * stride_);
        for (std::int32_t pair = 0; pair < species * species; ++pair)
            for (std::int32_t mu = 0; mu < m.n_mu; ++mu) {
                const double* c = m.radial_coeffs + (std::int64_t(pair) * m.n_mu + mu) * n;
                for (std::int32_t k = 0; k < n; ++k) {
                    double slope = 0.0;
                    for (std::int32_t q = k + 1; q < n; ++q) slope += m.slope * c[q] * derivative[q * n + k];
                    const std::int64_t entry = 2 * (std::int64_t(k) * m.n_mu + mu);
                    const double values[2] = {c[k], slope};
                    for (int v = 0; v < 2; ++v) {
                        series_[std::int64_t(pair) * n * m.n_mu * 2 + entry + v] = values[v];
                        by_type_[(std::int64_t(pair / species) * n * m.n_mu * 2 + entry + v) * stride_ +
                                 pair % species] = values[v];
                    }
                }
            }
        chebyshev_ = n < 2 || (m.recurrence[1] == 1.0 && m.recurrence[n + 1] == 0.0);
        for (std::int32_t k = 2; k < n; ++k)
            chebyshev_ &= m.recurrence[k] == 2.0 && m.recurrence[n + k] == 0.0 &&
                          m.recurrence[2 * n + k] == 1.0;
    }

    void add_to(Model& m) const {
        m.series = series_.data();
        m.series_by_type = by_type_.data();
        m.type_stride = stride_;
        m.chebyshev = chebyshev_;
    }

  private:
    // D[k][j], by the product rule and x p_j = (p_j+1 - b_j+1 p_j + c_j+1 p_j-1) / a_j+1.
    static std::vector<double> derivatives(const Model& m) {
        const std::int32_t n = m.radial_size;
        const double *a = m.recurrence, *b = a + n, *c = b + n;
        std::vector<double> d(std::size_t(n) * n, 0.0);
        for (std::int32_t k = 1; k < n; ++k) {
            double* row = d.data() + std::int64_t(k) * n;
            row[k - 1] += a[k];
            for (std::int32_t j = 0; j < k - 1; ++j) {
                const double before = d[(k - 1) * n + j], share = a[k] * before / a[j + 1];
                row[j + 1] += share;
                row[j] += b[k] * before - share * b[j + 1];
                if (j > 0) row[j - 1] += share * c[j + 1];
                if (k > 1) row[j] -= c[k] * d[(k - 2) * n + j];
            }
        }
        return d;
    }

    std::vector<double> series_, by_type_;
    std::int32_t stride_ = 0;
    bool chebyshev_ = false;
};

}  // namespace maxvolt
