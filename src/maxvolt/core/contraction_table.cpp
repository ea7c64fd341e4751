#include "contraction_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>
#include <vector>

namespace maxvolt {

namespace {

// Far above every potential (maxvolt.limits and potentials/mtp/files/rules.py): a damaged file of a few hundred
// bytes must not ask for gigabytes.
constexpr std::int32_t most_mu = 100;
constexpr std::int64_t highest_rank = 64, most_components = 8, most_free_components = 20'000;

constexpr char basic_key[] = "alpha_index_basic", products_key[] = "alpha_index_times",
               count_key[] = "alpha_moments_count", scalars_key[] = "alpha_moment_mapping";

void require_entry(bool condition, const char* key, const std::string& what) {
    if (!condition) throw TableError(key, what);
}

std::int64_t rank_of(const std::int32_t* moment) { return std::int64_t(moment[1]) + moment[2] + moment[3]; }

// By mu: highest rank that this mu or a higher one has.
std::vector<std::int64_t> highest_ranks(const Integers32& basic) {
    std::vector<std::int64_t> out;
    for (std::size_t b = 0; b < basic.size(); b += 4) {
        const auto mu = std::size_t(basic[b]);
        if (mu >= out.size()) out.resize(mu + 1, 0);
        out[mu] = std::max(out[mu], rank_of(&basic[b]));
    }
    for (std::size_t mu = out.size(); mu-- > 1;) out[mu - 1] = std::max(out[mu - 1], out[mu]);
    return out;
}

void check_basic(const Integers32& basic) {
    require_entry(!basic.empty() && basic.size() % 4 == 0, basic_key, "expected rows {mu, nx, ny, nz}, at least one");
    std::int64_t highest = 0;
    for (std::size_t b = 0; b < basic.size(); b += 4) {
        require_entry(*std::min_element(&basic[b], &basic[b] + 4) >= 0, basic_key, "mu and the exponents must not be negative");
        require_entry(basic[b] < most_mu, basic_key,
                "mu = " + std::to_string(basic[b]) + " is above the limit of " + std::to_string(most_mu - 1));
        highest = std::max(highest, rank_of(&basic[b]));
    }
    require_entry(highest <= highest_rank, basic_key,
            "a moment of rank " + std::to_string(highest) + " is above the limit of " + std::to_string(highest_rank));
    std::int64_t needed = 0;
    for (const std::int64_t rank : highest_ranks(basic)) needed += (rank + 1) * (rank + 2) * (rank + 3) / 6;
    const std::int64_t listed = std::int64_t(basic.size() / 4),
                       most = std::max(most_free_components, most_components * listed);
    require_entry(needed <= most, basic_key,
            "moments up to these ranks have " + std::to_string(needed) + " components, of which " +
                std::to_string(listed) + " are listed; expected at most " + std::to_string(most) +
                ": lower mu or the exponents");
}

void check_products(const ContractionTable& table) {
    const std::int64_t n_basic = std::int64_t(table.basic.size() / 4), n_moments = table.n_moments;
    require_entry(table.products.size() % 4 == 0, products_key, "expected rows {i0, i1, multiplier, i3}");
    const auto n_products = std::int64_t(table.products.size() / 4);
    require_entry(n_basic <= n_moments && n_moments <= n_basic + n_products, count_key,
            "expected " + std::to_string(n_basic) + " basic moments and at most one more for each of " +
                std::to_string(n_products) + " products, found " + std::to_string(n_moments));
    std::int64_t next = n_basic;  // the first moment that no product has given yet
    for (std::int64_t p = 0; p < n_products; ++p) {
        const std::int32_t* row = &table.products[std::size_t(4 * p)];
        const auto forbid = [&](bool wrong, const std::string& what) {
            require_entry(!wrong, products_key, "product " + std::to_string(p) + " " + what);
        };
        forbid(row[0] < 0 || row[0] >= n_moments || row[1] < 0 || row[1] >= n_moments,
               "uses a moment outside 0 to " + std::to_string(n_moments - 1));
        forbid(row[3] < n_basic || row[3] >= n_moments,
               "adds to a moment outside " + std::to_string(n_basic) + " to " + std::to_string(n_moments - 1));
        forbid(row[0] >= row[3] || row[1] >= row[3], "uses a moment that is not computed before its target");
        forbid(row[3] < next - 1, "adds to a moment out of order");
        forbid(row[3] > next, "comes before any that gives moment " + std::to_string(next));
        next = std::int64_t(row[3]) + 1;
    }
    require_entry(next == n_moments, products_key, "no product gives moment " + std::to_string(next));
}

void check_scalars(const ContractionTable& table) {
    require_entry(!table.scalars.empty(), scalars_key, "expected at least one scalar");
    std::set<std::int32_t> seen;
    for (const std::int32_t k : table.scalars) {
        require_entry(k >= 0 && k < table.n_moments, scalars_key,
                "a scalar is outside the moments 0 to " + std::to_string(table.n_moments - 1));
        require_entry(seen.insert(k).second, scalars_key, "a moment is named twice");
    }
}

using MomentNumbers = std::map<std::array<std::int32_t, 4>, std::int32_t>;

// Numbers the components with at most one z, those of one mu after those of another: by degree, then nz, then ny.
void number_independent(const std::vector<std::int64_t>& highest, MomentNumbers& number_of, MomentArrays& out) {
    for (std::int32_t mu = 0; mu < std::int32_t(highest.size()); ++mu) {
        const auto top = std::int32_t(highest[std::size_t(mu)]);
        out.monomial_counts.push_back((top + 1) * (top + 1));
        out.moment_offsets.push_back(std::int32_t(number_of.size()));
        for (std::int32_t degree = 0; degree <= top; ++degree)
            for (std::int32_t nz = 0; nz <= std::min(degree, 1); ++nz)
                for (std::int32_t ny = 0; ny <= degree - nz; ++ny) {
                    const auto number = std::int32_t(number_of.size());
                    number_of[{mu, degree - nz - ny, ny, nz}] = number;
                }
    }
    out.n_independent = std::int32_t(number_of.size());
}

// Numbers the others, each after those it follows from: by x^2 + y^2 + z^2 = 1.
void number_dependent(const std::vector<std::int64_t>& highest, MomentNumbers& number_of, MomentArrays& out) {
    for (std::int32_t mu = 0; mu < std::int32_t(highest.size()); ++mu)
        for (std::int32_t degree = 0; degree <= highest[std::size_t(mu)]; ++degree)
            for (std::int32_t nz = 2; nz <= degree; ++nz)
                for (std::int32_t ny = 0; ny <= degree - nz; ++ny) {
                    const std::int32_t nx = degree - nz - ny, number = std::int32_t(number_of.size());
                    for (const std::array<std::int32_t, 4>& from :
                         {std::array{mu, nx, ny, nz - 2}, {mu, nx + 2, ny, nz - 2}, {mu, nx, ny + 2, nz - 2}})
                        out.traces.push_back(number_of.at(from));
                    number_of[{mu, nx, ny, nz}] = number;
                }
    out.n_basic = std::int32_t(number_of.size());
}

// FNV-1a with 128 bits.
class Digest {
  public:
    void add(std::int32_t value) {
        const auto bits = std::uint32_t(value);
        for (int byte = 0; byte < 4; ++byte) state_ = (state_ ^ ((bits >> (8 * byte)) & 255)) * prime;
    }
    void add(const Integers32& values) {
        add(std::int32_t(values.size()));
        for (const std::int32_t value : values) add(value);
    }
    std::string text() const {
        std::string out;
        for (int shift = 124; shift >= 0; shift -= 4) out += "0123456789abcdef"[std::size_t(state_ >> shift) & 15];
        return out;
    }

  private:
    using Bits = unsigned __int128;
    static constexpr Bits prime = (Bits(1) << 88) + 0x13b;
    Bits state_ = (Bits(0x6c62272e07bb0142u) << 64) + 0x62b821756295c58du;
};

}  // namespace

void check_table(const ContractionTable& table) {
    check_basic(table.basic);
    check_products(table);
    check_scalars(table);
}

MomentArrays moments_of(const ContractionTable& table) {
    MomentArrays out;
    const std::vector<std::int64_t> highest = highest_ranks(table.basic);
    MomentNumbers number_of;
    number_independent(highest, number_of, out);
    number_dependent(highest, number_of, out);
    const auto n_listed = std::int32_t(table.basic.size() / 4);
    out.max_degree = std::int32_t(highest[0]);
    out.n_moments = out.n_basic + table.n_moments - n_listed;
    const auto number = [&](std::int32_t moment) {  // of a moment of the table
        if (moment >= n_listed) return out.n_basic + moment - n_listed;
        const std::int32_t* b = &table.basic[4 * std::size_t(moment)];
        return number_of.at({b[0], b[1], b[2], b[3]});
    };
    Integers32 numbers;
    for (std::int32_t moment = 0; moment < table.n_moments; ++moment) numbers.push_back(number(moment));
    for (std::size_t p = 0; p < table.products.size(); p += 4) {
        const std::int32_t* row = &table.products[p];
        const std::int32_t target = numbers[std::size_t(row[3])];
        if (out.run_targets.empty() || out.run_targets.back() != target) {
            out.run_targets.push_back(target);
            out.run_first.push_back(std::int64_t(p / 4));
        }
        out.left.push_back(numbers[std::size_t(row[0])]);
        out.right.push_back(numbers[std::size_t(row[1])]);
        out.factors.push_back(double(row[2]));
    }
    out.run_first.push_back(std::int64_t(table.products.size() / 4));
    for (const std::int32_t scalar : table.scalars) out.scalars.push_back(numbers[std::size_t(scalar)]);
    return out;
}

std::string table_digest(const ContractionTable& table) {
    Digest digest;
    digest.add(table.n_moments);
    for (const Integers32* part : {&table.basic, &table.products, &table.scalars}) digest.add(*part);
    return digest.text();
}

}  // namespace maxvolt
