#include "lattice/hamiltonian.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

namespace maxvolt::lattice {

namespace {

constexpr std::int32_t most_sites = 255;  // of an environment: places are bytes
constexpr std::int32_t largest_rank = 256;

void require(bool fits, const char* what) {
    if (!fits) throw std::invalid_argument(std::string("lattice: ") + what);
}

void check(const Kind& kind, std::int32_t n_species) {
    require(kind.length >= 1 && kind.length <= most_sites, "an environment has 1 to 255 sites");
    const auto n = std::size_t(kind.length);
    if (!kind.table.empty()) {
        require(kind.table.size() == std::size_t(std::llround(std::pow(double(n_species), double(n)))),
                "a table has one value for each environment");
        return;
    }
    require(kind.ranks.size() == n + 1 && kind.ranks.front() == 1 && kind.ranks.back() == 1,
            "ranks are one more than sites, the first and last 1");
    std::size_t size = 0;
    for (std::size_t k = 0; k < n; ++k) {
        require(kind.ranks[k] >= 1 && kind.ranks[k] <= largest_rank, "ranks are 1 to 256");
        size += std::size_t(n_species) * std::size_t(kind.ranks[k]) * std::size_t(kind.ranks[k + 1]);
    }
    require(kind.matrices.size() == size, "matrices do not have the sizes that the ranks say");
    require(!kind.permutations.empty() && kind.permutations.size() % n == 0, "orders have one place for each site");
    for (const auto place : kind.permutations) require(place >= 0 && place < kind.length, "an order names no place");
}

}  // namespace

void Hamiltonian::prepare() {
    require(n_species >= 1 && n_species <= 255, "there are 1 to 255 species");
    require(n_sites >= 1, "there is no site");
    for (const auto& kind : kinds) check(kind, n_species);
    const auto sites = std::size_t(n_sites);
    require(kind_of.size() == sites && first.size() == sites + 1, "kinds and environments are those of all sites");
    require(n_basis >= 1 && n_sites % n_basis == 0, "sites are those of whole primitive cells");
    require(may_have.size() == std::size_t(n_basis) * std::size_t(n_species) && atomic.size() == may_have.size(),
            "each site of the primitive cell has one number for each species");
    apart = sites_are_apart();
    require(first.front() == 0 && first.back() == std::int64_t(neighbors.size()), "environments do not end");
    for (std::size_t site = 0; site < sites; ++site) {
        require(kind_of[site] >= 0 && std::size_t(kind_of[site]) < kinds.size(), "a kind is none");
        require(first[site + 1] - first[site] == kinds[std::size_t(kind_of[site])].length,
                "an environment has not the length of its kind");
    }
    first_use.assign(sites + 1, 0);
    for (const auto neighbor : neighbors) {
        require(neighbor >= 0 && neighbor < n_sites, "a neighbour is no site");
        ++first_use[std::size_t(neighbor) + 1];
    }
    for (std::size_t site = 0; site < sites; ++site) first_use[site + 1] += first_use[site];
    user.resize(neighbors.size());
    place.resize(neighbors.size());
    std::vector<std::int64_t> next(first_use.begin(), first_use.end() - 1);
    for (std::size_t site = 0; site < sites; ++site)
        for (auto k = first[site]; k < first[site + 1]; ++k) {
            const auto where = std::size_t(next[std::size_t(neighbors[std::size_t(k)])]++);
            user[where] = std::int32_t(site);
            place[where] = std::uint8_t(k - first[site]);
        }
}

bool Hamiltonian::sites_are_apart() const {
    for (std::size_t one = 0; one < std::size_t(n_basis); ++one)
        for (std::size_t two = 0; two < one; ++two) {
            bool equal = true, common = false;
            for (std::int32_t s = 0; s < n_species; ++s) {
                equal = equal && allows(one, Species(s)) == allows(two, Species(s));
                common = common || (allows(one, Species(s)) && allows(two, Species(s)));
            }
            if (!equal && common) return false;
        }
    return true;
}

double Hamiltonian::train_energy(const Kind& kind, const Species* around) const {
    const auto n = std::size_t(kind.length);
    double sum = 0.0;
    std::array<double, largest_rank> row, next;
    for (std::size_t order = 0; order < kind.permutations.size(); order += n) {
        row[0] = 1.0;
        const double* matrices = kind.matrices.data();
        for (std::size_t k = 0; k < n; ++k) {
            const auto left = std::size_t(kind.ranks[k]), right = std::size_t(kind.ranks[k + 1]);
            const double* matrix = matrices + around[kind.permutations[order + k]] * left * right;
            std::fill_n(next.begin(), right, 0.0);
            for (std::size_t a = 0; a < left; ++a)
                for (std::size_t b = 0; b < right; ++b) next[b] += row[a] * matrix[a * right + b];
            std::copy_n(next.begin(), right, row.begin());
            matrices += std::size_t(n_species) * left * right;
        }
        sum += row[0];
    }
    return sum / double(kind.permutations.size() / n);
}

double Hamiltonian::site_energy(std::int32_t site, const Species* species) const {
    const auto& kind = kinds[std::size_t(kind_of[std::size_t(site)])];
    const auto begin = first[std::size_t(site)], end = first[std::size_t(site) + 1];
    if (!kind.table.empty()) {
        std::size_t code = 0;
        for (auto k = begin; k < end; ++k)
            code = code * std::size_t(n_species) + species[neighbors[std::size_t(k)]];
        return kind.table[code];
    }
    std::array<Species, most_sites> around;
    for (auto k = begin; k < end; ++k) around[std::size_t(k - begin)] = species[neighbors[std::size_t(k)]];
    return train_energy(kind, around.data());
}

double Hamiltonian::energy(const std::vector<Species>& species) const {
    double sum = 0.0;
    for (std::int32_t site = 0; site < n_sites; ++site)
        sum += site_energy(site, species.data()) + atomic_energy(std::size_t(site), species[std::size_t(site)]);
    return sum;
}

}  // namespace maxvolt::lattice
