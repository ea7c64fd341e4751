// How much longer an evaluation takes where a contraction table has no plan.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace maxvolt {

// Measured for the tables of MLIP (benchmarks/plan_speed.py, docs/benchmarks/plan_speed.json): energy and forces of
// bcc molybdenum, levels 8, 12, 16, 20, 24 and 28.
struct MeasuredSlowdown {
    double products, ratio;
};
constexpr MeasuredSlowdown measured_slowdowns[] = {
    {14, 0.96}, {117, 0.93}, {969, 1.2}, {6349, 1.8}, {36170, 4.83}, {180069, 10.19},
};

// About how many times longer an evaluation takes than it would by a plan, for a table of so many products; 1 where a
// plan saves nothing. Between those that were measured, on a straight line of logarithms; beyond them, as the last.
inline double slowdown_without_plan(std::int64_t n_products) {
    const auto* first = std::begin(measured_slowdowns);
    const auto* last = std::end(measured_slowdowns) - 1;
    if (double(n_products) <= first->products) return std::max(1.0, first->ratio);
    if (double(n_products) >= last->products) return last->ratio;
    const auto* above = std::find_if(first, last, [&](const auto& m) { return double(n_products) <= m.products; });
    const auto* below = above - 1;
    const double share = std::log(double(n_products) / below->products) / std::log(above->products / below->products);
    return std::max(1.0, below->ratio * std::pow(above->ratio / below->ratio, share));
}

}  // namespace maxvolt
