#include "lattice/chain.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace maxvolt::lattice {

namespace {

constexpr int most_tries = 64;  // to find a pair of different species: none is found where one is rare

}  // namespace

Chain::Chain(std::shared_ptr<const Hamiltonian> hamiltonian, std::vector<Species> species, Random random)
    : hamiltonian_(std::move(hamiltonian)), species_(std::move(species)), random_(random) {
    const auto& h = *hamiltonian_;
    if (species_.size() != std::size_t(h.n_sites)) throw std::invalid_argument("lattice: one species for each site");
    counts_.assign(std::size_t(h.n_species), 0);
    for (std::size_t site = 0; site < species_.size(); ++site) {
        if (species_[site] >= h.n_species || !h.allows(site, species_[site]))
            throw std::invalid_argument("lattice: a site has a species that it may not have");
        ++counts_[species_[site]];
    }
    tables_ = std::all_of(h.kinds.begin(), h.kinds.end(), [](const Kind& kind) { return !kind.table.empty(); });
    for (const auto& kind : h.kinds) {
        std::vector<std::uint32_t> powers(std::size_t(kind.length), 1);
        for (std::size_t k = powers.size() - 1; k-- > 0;) powers[k] = powers[k + 1] * std::uint32_t(h.n_species);
        powers_.push_back(std::move(powers));
    }
    if (tables_) {
        codes_.resize(species_.size());
        for (std::size_t site = 0; site < species_.size(); ++site) {
            std::uint32_t code = 0;
            for (auto k = h.first[site]; k < h.first[site + 1]; ++k)
                code = code * std::uint32_t(h.n_species) + species_[std::size_t(h.neighbors[std::size_t(k)])];
            codes_[site] = code;
        }
    }
    renew();
}

void Chain::renew() {
    const auto& h = *hamiltonian_;
    energy_ = h.energy(species_);
    if (tables_) return;
    site_energies_.resize(species_.size());
    for (std::int32_t site = 0; site < h.n_sites; ++site)
        site_energies_[std::size_t(site)] = h.site_energy(site, species_.data());
}

double Chain::tried(std::span<const Change> changes) {
    applied_.clear();
    overwritten_.clear();
    double sum = 0.0;
    for (const auto& change : changes) sum += apply(change);
    return sum;
}

double Chain::apply(const Change& change) {
    const auto& h = *hamiltonian_;
    const auto site = std::size_t(change.site);
    const Species before = species_[site];
    applied_.push_back({change.site, before});
    species_[site] = change.species;
    double difference = h.atomic_energy(site, change.species) - h.atomic_energy(site, before);
    const auto step = std::uint32_t(change.species) - std::uint32_t(before);  // wraps around as it should
    for (auto use = h.first_use[site]; use < h.first_use[site + 1]; ++use) {
        const auto user = std::size_t(h.user[std::size_t(use)]);
        const auto kind = std::size_t(h.kind_of[user]);
        if (tables_) {
            const double* table = h.kinds[kind].table.data();
            const auto code = codes_[user];
            codes_[user] = code + step * powers_[kind][h.place[std::size_t(use)]];
            difference += table[codes_[user]] - table[code];
        } else {
            const double now = h.site_energy(std::int32_t(user), species_.data());
            overwritten_.emplace_back(std::int32_t(user), site_energies_[user]);
            difference += now - site_energies_[user];
            site_energies_[user] = now;
        }
    }
    return difference;
}

void Chain::undo() {
    const auto& h = *hamiltonian_;
    for (; !applied_.empty(); applied_.pop_back()) {
        const auto site = std::size_t(applied_.back().site);
        const Species before = applied_.back().species;
        const auto step = std::uint32_t(before) - std::uint32_t(species_[site]);
        species_[site] = before;
        if (!tables_) continue;
        for (auto use = h.first_use[site]; use < h.first_use[site + 1]; ++use) {
            const auto user = std::size_t(h.user[std::size_t(use)]);
            codes_[user] += step * powers_[std::size_t(h.kind_of[user])][h.place[std::size_t(use)]];
        }
    }
    for (; !overwritten_.empty(); overwritten_.pop_back())
        site_energies_[std::size_t(overwritten_.back().first)] = overwritten_.back().second;
}

double Chain::difference(const std::vector<Change>& changes) {
    const double sum = tried(changes);
    undo();
    return sum;
}

// Two sites that may exchange their species. All such pairs are equally likely, and there are as many after the
// swap, unless sites have some of their species in common: then pairs that do not fit count as attempts.
bool Chain::propose_swap(Change& one, Change& two) {
    const auto& h = *hamiltonian_;
    const auto n = std::uint32_t(h.n_sites);
    for (int tried = 0; tried < (h.apart ? most_tries : 1); ++tried) {
        const auto i = random_.below(n), j = random_.below(n);
        if (species_[i] == species_[j] || !h.allows(i, species_[j]) || !h.allows(j, species_[i])) continue;
        one = {std::int32_t(i), species_[j]};
        two = {std::int32_t(j), species_[i]};
        return true;
    }
    return false;
}

// A site, and another species that it may have.
bool Chain::propose_flip(const Ensemble& ensemble, Change& one, double& gain) {
    const auto& h = *hamiltonian_;
    const auto site = random_.below(std::uint32_t(h.n_sites));
    const auto other = random_.below(std::uint32_t(h.n_species - 1));
    const auto species = Species(other + (other >= species_[site] ? 1u : 0u));
    if (!h.allows(site, species)) return false;
    one = {std::int32_t(site), species};
    gain = ensemble.chemical_potentials[species] - ensemble.chemical_potentials[species_[site]];
    return true;
}

std::int64_t Chain::run(const Ensemble& ensemble, std::int64_t attempts, std::int64_t every, double* energies,
                        std::int32_t* counts) {
    const bool flips = !ensemble.chemical_potentials.empty();
    const auto c = std::size_t(hamiltonian_->n_species);
    if (flips && ensemble.chemical_potentials.size() != c)
        throw std::invalid_argument("lattice: one chemical potential for each species");
    std::int64_t accepted = 0;
    for (std::int64_t attempt = 1; attempt <= attempts; ++attempt) {
        std::array<Change, 2> changes{};
        auto& [one, two] = changes;
        double gain = 0.0;
        if (flips ? propose_flip(ensemble, one, gain) : propose_swap(one, two)) {
            const Species before = species_[std::size_t(one.site)];
            const double difference = tried(std::span(changes).first(flips ? 1 : 2));
            const double exponent = -ensemble.beta * (difference - gain);
            if (exponent >= 0.0 || random_.uniform() < std::exp(exponent)) {
                energy_ += difference;
                ++accepted;
                if (flips) {
                    --counts_[before];
                    ++counts_[one.species];
                }
            } else {
                undo();
            }
        }
        if (every > 0 && attempt % every == 0) {
            const auto sample = std::size_t(attempt / every - 1);
            energies[sample] = energy_;
            std::copy(counts_.begin(), counts_.end(), counts + sample * c);
        }
    }
    return accepted;
}

std::int64_t Chain::walk(DensityOfStates& density, double step, std::int64_t attempts) {
    const auto bins = std::int64_t(density.logarithms.size());
    const auto bin_of = [&](double energy) {
        const double place = std::floor((energy - density.lowest) / density.width);
        return place < 0.0 || place >= double(bins) ? std::int64_t(-1) : std::int64_t(place);
    };
    auto bin = bin_of(energy_);
    if (bin < 0) throw std::invalid_argument("lattice: the energy is outside of the range of the density of states");
    std::int64_t accepted = 0;
    for (std::int64_t attempt = 0; attempt < attempts; ++attempt) {
        std::array<Change, 2> changes{};
        if (propose_swap(changes[0], changes[1])) {
            const double difference = tried(changes);
            const auto then = bin_of(energy_ + difference);
            const double exponent =
                then < 0 ? 0.0 : density.logarithms[std::size_t(bin)] - density.logarithms[std::size_t(then)];
            if (then >= 0 && (exponent >= 0.0 || random_.uniform() < std::exp(exponent))) {
                energy_ += difference;
                bin = then;
                ++accepted;
            } else {
                undo();
            }
        }
        density.logarithms[std::size_t(bin)] += step;
        ++density.visits[std::size_t(bin)];
    }
    return accepted;
}

}  // namespace maxvolt::lattice
