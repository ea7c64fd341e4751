// A potential ready for the kernels: owns its arrays, which have been checked.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "bound_plan.hpp"
#include "dependencies.hpp"
#include "invariant_dependencies.hpp"
#include "model.hpp"
#include "model_arrays.hpp"
#include "series.hpp"

namespace maxvolt {

class CompiledModel {
  public:
    // Throws std::invalid_argument where the arrays are no model: kernels trust what is in them.
    explicit CompiledModel(ModelArrays arrays);
    CompiledModel(const CompiledModel&) = delete;
    CompiledModel& operator=(const CompiledModel&) = delete;

    const Model& view() const { return view_; }
    const ModelArrays& arrays() const { return a_; }
    bool has_plan() const { return plan_ != nullptr; }
    std::int64_t n_parameters() const { return maxvolt::n_parameters(view_); }

    // What depends on what, for the Jacobian; found when it is first asked for.
    ScalarGraph graph() const;
    // The same of the plan, for the rows of its invariants.
    InvariantGraph invariant_graph() const;

  private:
    void check_coefficients() const;
    void check_moments() const;
    void check_products();
    void set_view();

    ModelArrays a_;
    Integers32 degrees_;
    std::vector<Product> products_;
    RadialSeries series_;
    std::unique_ptr<BoundPlan> plan_;
    Model view_{};
    mutable std::once_flag analysed_, plan_analysed_;
    mutable std::unique_ptr<Dependencies> graph_;
    mutable std::unique_ptr<InvariantDependencies> invariant_graph_;
};

}  // namespace maxvolt
