// How far atoms have moved since a neighbour list was built.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace maxvolt {

// The two largest of |u_i - mean(u)|, u_i = new_i - old_i F; infinite where a position is not finite.
// new, old: [n][3]; F: [3][3], rows of `old` times it.
inline std::pair<double, double> largest_displacements(const double* now, const double* old, std::int64_t n,
                                                       const double* f) {
    const bool same_cell = f[0] == 1.0 && f[4] == 1.0 && f[8] == 1.0 && f[1] == 0.0 && f[2] == 0.0 &&
                           f[3] == 0.0 && f[5] == 0.0 && f[6] == 0.0 && f[7] == 0.0;
    const auto moved = [&](std::int64_t i, double (&u)[3]) {
        const double *x = now + 3 * i, *y = old + 3 * i;
        for (int c = 0; c < 3; ++c)
            u[c] = x[c] - (same_cell ? y[c] : y[0] * f[c] + y[1] * f[3 + c] + y[2] * f[6 + c]);
    };
    double mean[3] = {0.0, 0.0, 0.0}, u[3];
    for (std::int64_t i = 0; i < n; ++i) {
        moved(i, u);
        for (int c = 0; c < 3; ++c) mean[c] += u[c];
    }
    if (!std::isfinite(mean[0] + mean[1] + mean[2])) {
        constexpr double infinite = std::numeric_limits<double>::infinity();
        return {infinite, infinite};
    }
    for (double& m : mean) m /= double(n);
    double first = 0.0, second = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
        moved(i, u);
        double square = 0.0;
        for (int c = 0; c < 3; ++c) square += (u[c] - mean[c]) * (u[c] - mean[c]);
        if (square > second) {
            second = square > first ? first : square;
            first = square > first ? square : first;
        }
    }
    return {std::sqrt(first), std::sqrt(second)};
}

}  // namespace maxvolt
