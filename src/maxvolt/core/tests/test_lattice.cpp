// Monte Carlo on lattices: incremental energies against full ones, detailed balance, a density of states.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "lattice/chain.hpp"

using namespace maxvolt::lattice;

namespace {

// A ring whose sites see themselves and both neighbours; energies of environments at random, by a table or by
// matrices with an average over the two directions.
std::shared_ptr<Hamiltonian> ring(std::int32_t n_sites, std::int32_t n_species, bool table) {
    auto h = std::make_shared<Hamiltonian>();
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    const auto c = std::size_t(n_species);
    h->n_species = n_species;
    h->n_sites = n_sites;
    Kind kind;
    kind.length = 3;
    if (table) {
        for (std::size_t k = 0; k < c * c * c; ++k) kind.table.push_back(normal(random));
    } else {
        kind.ranks = {1, 2, 3, 1};
        for (std::size_t k = 0; k < c * (2 + 6 + 3); ++k) kind.matrices.push_back(normal(random));
        kind.permutations = {0, 1, 2, 0, 2, 1};
    }
    h->kinds = {kind};
    h->kind_of.assign(std::size_t(n_sites), 0);
    h->n_basis = 1;
    for (std::size_t k = 0; k < c; ++k) h->atomic.push_back(normal(random));
    h->may_have.assign(c, 1);
    for (std::int32_t site = 0; site <= n_sites; ++site) h->first.push_back(3 * site);
    for (std::int32_t site = 0; site < n_sites; ++site)
        for (const std::int32_t step : {0, 1, n_sites - 1}) h->neighbors.push_back((site + step) % n_sites);
    h->prepare();
    return h;
}

std::vector<Species> arranged(std::int32_t n_sites, std::int32_t n_species) {
    std::vector<Species> species;
    for (std::int32_t site = 0; site < n_sites; ++site) species.push_back(Species(site % n_species));
    return species;
}

}  // namespace

TEST_CASE("energies change by as much as full ones") {
    for (const bool table : {true, false})
        for (const bool flips : {true, false}) {
            const auto h = ring(30, 3, table);
            Chain chain(h, arranged(30, 3), Random(std::uint64_t(1)));
            CHECK(chain.energy() == doctest::Approx(h->energy(chain.species())).epsilon(1e-12));
            Ensemble ensemble{0.5, {}};
            if (flips) ensemble.chemical_potentials = {0.0, 0.3, -0.2};
            double energy = 0.0;
            std::vector<std::int32_t> counts(3);
            const auto accepted = chain.run(ensemble, 20000, 20000, &energy, counts.data());
            CHECK(accepted > 1000);
            CHECK(accepted < 20000);
            CHECK(energy == chain.energy());
            CHECK(energy == doctest::Approx(h->energy(chain.species())).epsilon(1e-9));
            for (Species s = 0; s < 3; ++s)
                CHECK(counts[s] == std::count(chain.species().begin(), chain.species().end(), s));
            if (!flips) CHECK(counts == std::vector<std::int32_t>{10, 10, 10});
        }
}

TEST_CASE("a difference changes nothing") {
    for (const bool table : {true, false}) {
        const auto h = ring(12, 3, table);
        Chain chain(h, arranged(12, 3), Random(std::uint64_t(1)));
        const auto before = chain.species();
        for (std::int32_t one = 0; one < 12; ++one)
            for (std::int32_t two = 0; two < one; ++two) {
                auto changed = before;
                std::swap(changed[std::size_t(one)], changed[std::size_t(two)]);
                const double expected = h->energy(changed) - h->energy(before);
                const double found =
                    chain.difference({{one, before[std::size_t(two)]}, {two, before[std::size_t(one)]}});
                CHECK(found == doctest::Approx(expected).epsilon(1e-10));
                CHECK(chain.species() == before);
            }
        CHECK(chain.energy() == doctest::Approx(h->energy(before)).epsilon(1e-12));
    }
}

TEST_CASE("two sites are visited as Boltzmann says") {
    // Two sites of a ring, each the neighbour of the other twice; four states by flips.
    const auto h = ring(2, 2, true);
    const Ensemble ensemble{0.7, {0.1, -0.4}};
    std::vector<double> weights;
    double sum = 0.0;
    for (const Species a : {0, 1})
        for (const Species b : {0, 1}) {
            const double potentials = ensemble.chemical_potentials[a] + ensemble.chemical_potentials[b];
            weights.push_back(std::exp(-ensemble.beta * (h->energy({a, b}) - potentials)));
            sum += weights.back();
        }
    Chain chain(h, {0, 0}, Random(std::uint64_t(5)));
    std::vector<double> visits(4, 0.0);
    const int samples = 200000;
    for (int k = 0; k < samples; ++k) {
        chain.run(ensemble, 40, 0, nullptr, nullptr);
        ++visits[std::size_t(2 * chain.species()[0] + chain.species()[1])];
    }
    for (std::size_t state = 0; state < 4; ++state) {
        const double share = weights[state] / sum;
        const double error = std::sqrt(share * (1.0 - share) / samples);
        CHECK(share > 0.01);
        CHECK(std::fabs(visits[state] / samples - share) < 5.0 * error);
    }
}

TEST_CASE("a walk finds how many arrangements have an energy") {
    // Of 14 sites, 7 of each species; the energy is that of the atoms and of the environments.
    const auto h = ring(14, 2, true);
    auto species = arranged(14, 2);
    std::sort(species.begin(), species.end());
    double lowest = h->energy(species), highest = lowest;
    std::vector<double> energies;
    do {
        energies.push_back(h->energy(species));
        lowest = std::min(lowest, energies.back());
        highest = std::max(highest, energies.back());
    } while (std::next_permutation(species.begin(), species.end()));
    CHECK(energies.size() == 3432);
    DensityOfStates density{lowest - 1e-6, (highest - lowest) / 12.0 + 1e-6, std::vector<double>(12, 0.0),
                            std::vector<std::int64_t>(12, 0)};
    std::vector<double> counts(12, 0.0);
    for (const double energy : energies) ++counts[std::size_t((energy - density.lowest) / density.width)];
    Chain chain(h, species = arranged(14, 2), Random(std::uint64_t(2)));
    for (double step = 1.0; step > 1e-5; step /= 2) {
        chain.walk(density, step, 300000);
        chain.renew();
    }
    const auto most = std::size_t(std::max_element(counts.begin(), counts.end()) - counts.begin());
    for (std::size_t bin = 0; bin < 12; ++bin) {
        CHECK((density.logarithms[bin] > 0.0) == (counts[bin] > 0.0));
        if (counts[bin] > 0.0)
            CHECK(std::fabs(density.logarithms[bin] - density.logarithms[most] -
                            std::log(counts[bin] / counts[most])) < 0.1);
    }
}

TEST_CASE("a chain goes on where another was") {
    const auto h = ring(30, 3, true);
    Chain whole(h, arranged(30, 3), Random(std::uint64_t(9)));
    const Ensemble ensemble{1.0, {}};
    whole.run(ensemble, 500, 0, nullptr, nullptr);
    Chain rest(h, whole.species(), Random(whole.random_state()));
    whole.run(ensemble, 500, 0, nullptr, nullptr);
    rest.run(ensemble, 500, 0, nullptr, nullptr);
    CHECK(rest.species() == whole.species());
    CHECK(rest.random_state() == whole.random_state());
}

TEST_CASE("what does not fit is refused") {
    const auto h = ring(6, 2, true);
    CHECK_THROWS_AS(Chain(h, {0, 1}, Random(std::uint64_t(0))), std::invalid_argument);
    CHECK_THROWS_AS(Chain(h, {0, 1, 0, 1, 0, 2}, Random(std::uint64_t(0))), std::invalid_argument);
    Chain chain(h, arranged(6, 2), Random(std::uint64_t(0)));
    CHECK_THROWS_AS(chain.run(Ensemble{1.0, {0.0}}, 1, 0, nullptr, nullptr), std::invalid_argument);
    DensityOfStates above{chain.energy() + 1.0, 1.0, {0.0}, {0}};
    CHECK_THROWS_AS(chain.walk(above, 1.0, 1), std::invalid_argument);
    Hamiltonian broken = *h;
    broken.neighbors[4] = 6;
    CHECK_THROWS_AS(broken.prepare(), std::invalid_argument);
    broken = *h;
    broken.kinds[0].table.pop_back();
    CHECK_THROWS_AS(broken.prepare(), std::invalid_argument);
}
