#include "plan_file.hpp"

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "checks.hpp"
#include "field_file.hpp"

namespace maxvolt {

namespace {

constexpr FileKind kind{{'M', 'A', 'X', 'V', 'P', 'L', 'A', 'N'}, 1, "evaluation plan", "install the plans again"};
constexpr char digest_name[] = "table";

// How the quadratic form is made of the coefficients, equation (33): each invariant stands in the rows of both its
// channels, twice where they are the same.
class Form {
  public:
    Form(const PlanArrays& plan, std::size_t n_scalars) : p_(plan), n_scalars_(n_scalars) {
        PlanArrays::each_field(p_, SizeCheck{"evaluation plan: "});
        check_expansion();
        for (std::size_t e = 0; e < n_invariants(); ++e) {
            const std::int32_t* i = &p_.invariants[3 * e];
            numbers_[{i[0], i[1]}] = numbers_[{i[1], i[0]}] = e;
        }
    }

    Reals of(const Reals& coefficients) const {
        Reals invariants(n_invariants(), 0.0);
        for (std::size_t k = 0; k < n_scalars_; ++k)
            for (std::int32_t i = p_.expansion_first[k]; i < p_.expansion_first[k + 1]; ++i)
                invariants[std::size_t(p_.expansion_columns[std::size_t(i)])] +=
                    p_.expansion_values[std::size_t(i)] * coefficients[k];
        Reals out;
        std::size_t entry = 0;
        for (std::size_t r = 0; r < p_.rows.size(); r += 3)
            for (std::int32_t i = 0; i < p_.rows[r + 2]; ++i, ++entry) {
                require(entry < p_.columns.size(), "evaluation plan: entries of the form");
                const std::int32_t row = p_.rows[r], column = p_.columns[entry];
                const auto found = numbers_.find({row, column});
                require(found != numbers_.end(), "evaluation plan: an entry of the form is no invariant");
                out.push_back(invariants[found->second] * (row == column ? 2.0 : 1.0));
            }
        return out;
    }

  private:
    std::size_t n_invariants() const { return p_.invariants.size() / 3; }

    void check_expansion() const {
        require(p_.expansion_first.size() == n_scalars_ + 1 && p_.expansion_columns.size() == p_.expansion_values.size(),
                "evaluation plan: expansion of another number of scalars");
        std::int32_t before = 0;
        for (const std::int32_t first : p_.expansion_first) {
            require(first >= before && std::size_t(first) <= p_.expansion_columns.size(),
                    "evaluation plan: rows of the expansion");
            before = first;
        }
        for (const std::int32_t column : p_.expansion_columns)
            require(column >= 0 && std::size_t(column) < n_invariants(), "evaluation plan: column of the expansion");
    }

    const PlanArrays& p_;
    std::size_t n_scalars_;
    std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> numbers_;  // invariants by their channels
};

PlanArrays parse_plan(const std::string& bytes, const ContractionTable& table, const Reals& coefficients) {
    const FieldFile fields(kind, bytes.data(), bytes.size());
    const Field& digest = fields.find(digest_name, 'c');
    if (std::string(digest.values, digest.count) != table_digest(table))
        throw ModelFileError("the evaluation plan is of another table than its name says");
    PlanArrays out;
    PlanArrays::each_field(out, Filler(fields));
    out.form = Form(out, table.scalars.size()).of(coefficients);
    return out;
}

}  // namespace

std::string plan_file_name(const ContractionTable& table) { return table_digest(table) + ".plan"; }

std::string plan_file_bytes(const ContractionTable& table, PlanArrays plan) {
    plan.form.clear();
    FieldWriter w;
    const std::string digest = table_digest(table);
    w.field(digest_name, digest.data(), digest.size());
    PlanArrays::each_field(plan, w);
    return w.file(kind);
}

std::optional<PlanArrays> find_plan(const std::string& folder, const ContractionTable& table,
                                    const Reals& moment_coeffs) {
    if (folder.empty()) return std::nullopt;
    const std::string path = (std::filesystem::path(folder) / plan_file_name(table)).string();
    std::error_code fault;
    if (!std::filesystem::exists(path, fault)) {
        if (fault) throw ModelFileError(path + ": cannot be looked for: " + fault.message());
        return std::nullopt;
    }
    const std::string bytes = file_bytes(path);
    try {
        return parse_plan(bytes, table, moment_coeffs);
    } catch (const std::invalid_argument& error) {
        throw ModelFileError(path + ": " + error.what());
    } catch (const ModelFileError& error) {
        throw ModelFileError(path + ": " + error.what());
    }
}

}  // namespace maxvolt
