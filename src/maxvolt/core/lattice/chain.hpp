// A Markov chain of arrangements: swaps at constant composition, or flips at constant differences of chemical
// potentials, accepted as Metropolis has it or by a density of states.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "lattice/hamiltonian.hpp"
#include "lattice/random.hpp"

namespace maxvolt::lattice {

struct Change {
    std::int32_t site;
    Species species;
};

// What decides whether a change is accepted.
struct Ensemble {
    double beta = 0.0;                        // 1/eV
    std::vector<double> chemical_potentials;  // eV, of each species; none: swaps at constant composition
};

// Logarithms of a density of states, of Wang and Landau: bins of equal width.
struct DensityOfStates {
    double lowest = 0.0;  // eV
    double width = 1.0;
    std::vector<double> logarithms;
    std::vector<std::int64_t> visits;
};

class Chain {
  public:
    Chain(std::shared_ptr<const Hamiltonian> hamiltonian, std::vector<Species> species, Random random);

    const std::vector<Species>& species() const { return species_; }
    const Random::State& random_state() const { return random_.state(); }
    double energy() const { return energy_; }

    // Attempts in turn; after each `every` of them the energy and the numbers of atoms of each species are written.
    // Returns how many were accepted.
    std::int64_t run(const Ensemble& ensemble, std::int64_t attempts, std::int64_t every, double* energies,
                     std::int32_t* counts);

    // Swaps whose acceptance makes all energies of a range equally frequent; adds `step` to the logarithm of the
    // density of states where the chain is. Returns how many were accepted.
    std::int64_t walk(DensityOfStates& density, double step, std::int64_t attempts);

    // Change of energy of new species on one or two sites, with nothing changed.
    double difference(const std::vector<Change>& changes);

    // Sums up the energy anew, without the rounding of many changes.
    void renew();

  private:
    bool propose_swap(Change& one, Change& two);
    bool propose_flip(const Ensemble& ensemble, Change& one, double& gain);
    double tried(std::span<const Change> changes);  // made, until undo; returns the change of energy
    double apply(const Change& change);
    void undo();

    std::shared_ptr<const Hamiltonian> hamiltonian_;
    std::vector<Species> species_;
    Random random_;
    double energy_ = 0.0;
    std::vector<std::uint32_t> codes_;    // of environments, for tables
    std::vector<double> site_energies_;   // for matrices
    std::vector<std::vector<std::uint32_t>> powers_;  // of the number of species, by kind and place
    std::vector<std::int32_t> counts_;
    std::vector<Change> applied_;                                // what undo takes back
    std::vector<std::pair<std::int32_t, double>> overwritten_;   // site energies before
    bool tables_ = false;
};

}  // namespace maxvolt::lattice
