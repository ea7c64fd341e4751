// Evaluation plans of contraction tables that are known in advance, one file each: made once by Python
// (tools/make_plans.py), found by a digest of the table.
#pragma once
#include <optional>
#include <string>

#include "contraction_table.hpp"
#include "model_arrays.hpp"

namespace maxvolt {

// "0123456789abcdef0123456789abcdef.plan"
std::string plan_file_name(const ContractionTable&);

// The plan without coefficients: its form is left out.
std::string plan_file_bytes(const ContractionTable&, PlanArrays);

// Looks for the plan of a table in a folder; nothing where the folder does not hold it. The form is that of the
// coefficients, one for each scalar. Throws ModelFileError for a damaged file.
std::optional<PlanArrays> find_plan(const std::string& folder, const ContractionTable&, const Reals& moment_coeffs);

}  // namespace maxvolt
