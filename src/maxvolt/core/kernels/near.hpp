// Which of many points are near one, in single precision: a first choice for the search of neighbours.
#pragma once
#include "../model.hpp"
#include "coarse.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

// Numbers of the points in some runs whose squared distance from one point is below the bound. x, y, z, numbers are
// readable for seven entries behind the last; `to` has room for all entries of the runs and eight more. Returns the
// place behind the last that was written.
inline std::int32_t* near_points(const Points& points, const Run* runs, std::int64_t n_runs, const float* from,
                                 float bound, std::int32_t* to) {
    typedef float unaligned_floats8 __attribute__((vector_size(32), aligned(4)));
    const floats8 ascending8 = {0, 1, 2, 3, 4, 5, 6, 7};
    const auto at = [](const float* p) __attribute__((always_inline)) {
        return floats8(*reinterpret_cast<const unaligned_floats8*>(p));
    };
    for (const Run* run = runs; run != runs + n_runs; ++run)
        for (std::int64_t i = run->begin; i < run->end; i += 8) {
            const floats8 dx = at(points.x + i) - from[0], dy = at(points.y + i) - from[1],
                          dz = at(points.z + i) - from[2];
            floats8 square = dx * dx + dy * dy + dz * dz;
            if (i + 8 > run->end) square = ascending8 < float(run->end - i) ? square : bound + floats8{};
            to = append_below(square, bound, points.numbers + i, to);
        }
    return to;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
