// Energies of arrangements of species on the sites of a supercell: a sum over the environments of all sites.
#pragma once
#include <cstdint>
#include <vector>

namespace maxvolt::lattice {

using Species = std::uint8_t;

// What the environment of a site of one kind adds, equation (200): by a table of all environments where it is
// small enough, by the product of matrices otherwise.
struct Kind {
    std::int32_t length = 0;                 // sites of an environment, the site itself first
    std::vector<double> table;               // c^length values, the first site the last to change; or none
    std::vector<std::int32_t> ranks;         // length + 1 sizes of matrices, the first and last 1
    std::vector<double> matrices;            // place after place, species after species, row after row
    std::vector<std::int32_t> permutations;  // orders that are averaged over, one after the other
};

// Everything that does not change in a simulation.
struct Hamiltonian {
    std::int32_t n_species = 0;
    std::int32_t n_sites = 0;
    std::vector<Kind> kinds;
    std::vector<std::int32_t> kind_of;    // of each site
    std::int32_t n_basis = 0;             // sites of the primitive cell; they follow each other in turn
    std::vector<double> atomic;           // n_basis x n_species energies
    std::vector<std::uint8_t> may_have;   // n_basis x n_species: whether a site may have a species
    bool apart = true;                    // any two sites may have the same species, or none in common
    std::vector<std::int64_t> first;      // n_sites + 1: where the environment of a site begins
    std::vector<std::int32_t> neighbors;  // sites of environments
    // The other way round: environments that a site is in, and its place in them.
    std::vector<std::int64_t> first_use;
    std::vector<std::int32_t> user;
    std::vector<std::uint8_t> place;

    // Fills `apart` and the last three, and checks all lengths and numbers. Throws std::invalid_argument.
    void prepare();

    bool allows(std::size_t site, Species species) const {
        return may_have[site % std::size_t(n_basis) * std::size_t(n_species) + species] != 0;
    }

    double atomic_energy(std::size_t site, Species species) const {
        return atomic[site % std::size_t(n_basis) * std::size_t(n_species) + species];
    }

    // By the matrices, of an environment whose species are given in order.
    double train_energy(const Kind& kind, const Species* around) const;

    // Of a site in an arrangement, without its atomic energy.
    double site_energy(std::int32_t site, const Species* species) const;

    // Of an arrangement.
    double energy(const std::vector<Species>& species) const;

  private:
    bool sites_are_apart() const;
};

}  // namespace maxvolt::lattice
