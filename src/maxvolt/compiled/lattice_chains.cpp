// Monte Carlo on lattices for Python: Hamiltonians and chains, with the GIL released while they run.
#include "lattice_chains.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <vector>

#include "lattice/chain.hpp"
#include "unlocked.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using maxvolt::Unlocked;
using maxvolt::lattice::Chain;
using maxvolt::lattice::Change;
using maxvolt::lattice::DensityOfStates;
using maxvolt::lattice::Ensemble;
using maxvolt::lattice::Hamiltonian;
using maxvolt::lattice::Kind;
using maxvolt::lattice::Random;
using maxvolt::lattice::Species;

template <class T, class... Shape>
using Array = nb::ndarray<const T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
template <class T, class... Shape>
using Output = nb::ndarray<T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;

template <class T>
std::vector<T> copied(const Array<T, nb::ndim<1>>& a) {
    return std::vector<T>(a.data(), a.data() + a.size());
}

using Doubles = Array<double, nb::ndim<1>>;
using Integers = Array<std::int32_t, nb::ndim<1>>;
using Bytes = Array<std::uint8_t, nb::ndim<1>>;


std::shared_ptr<Hamiltonian> hamiltonian(std::int32_t n_species, const std::vector<nb::tuple>& kinds,
                                         Integers kind_of, std::int32_t n_basis, Doubles atomic, Bytes may_have,
                                         Array<std::int64_t, nb::ndim<1>> first, Integers neighbors) {
    auto h = std::make_shared<Hamiltonian>();
    h->n_species = n_species;
    h->n_sites = std::int32_t(kind_of.size());
    for (const auto& kind : kinds)
        h->kinds.push_back(Kind{nb::cast<std::int32_t>(kind[0]), copied<double>(nb::cast<Doubles>(kind[1])),
                                copied<std::int32_t>(nb::cast<Integers>(kind[2])),
                                copied<double>(nb::cast<Doubles>(kind[3])),
                                copied<std::int32_t>(nb::cast<Integers>(kind[4]))});
    h->kind_of = copied<std::int32_t>(kind_of);
    h->n_basis = n_basis;
    h->atomic = copied<double>(atomic);
    h->may_have = copied<std::uint8_t>(may_have);
    h->first = copied<std::int64_t>(first);
    h->neighbors = copied<std::int32_t>(neighbors);
    const Unlocked unlocked;
    h->prepare();
    return h;
}

std::int64_t run(Chain& chain, double beta, Doubles chemical_potentials, std::int64_t attempts, std::int64_t every,
                 Output<double, nb::ndim<1>> energies, Output<std::int32_t, nb::ndim<2>> counts) {
    const auto samples = every > 0 ? attempts / every : 0;
    if (attempts < 0 || std::int64_t(energies.size()) < samples || std::int64_t(counts.shape(0)) < samples)
        throw std::invalid_argument("lattice: there is no room for the samples");
    const Ensemble ensemble{beta, copied<double>(chemical_potentials)};
    const Unlocked unlocked;
    return chain.run(ensemble, attempts, every, energies.data(), counts.data());
}

std::int64_t walk(Chain& chain, double lowest, double width, Output<double, nb::ndim<1>> logarithms,
                  Output<std::int64_t, nb::ndim<1>> visits, double step, std::int64_t attempts) {
    if (!(width > 0.0) || logarithms.size() != visits.size())
        throw std::invalid_argument("lattice: bins of a density of states have a width, and a count each");
    DensityOfStates density{lowest, width, {logarithms.data(), logarithms.data() + logarithms.size()},
                            {visits.data(), visits.data() + visits.size()}};
    std::int64_t accepted = 0;
    {
        const Unlocked unlocked;
        accepted = chain.walk(density, step, attempts);
    }
    std::copy(density.logarithms.begin(), density.logarithms.end(), logarithms.data());
    std::copy(density.visits.begin(), density.visits.end(), visits.data());
    return accepted;
}

double difference(Chain& chain, Integers sites, Bytes species) {
    if (sites.size() != species.size()) throw std::invalid_argument("lattice: one species for each site");
    std::vector<Change> changes;
    for (std::size_t k = 0; k < sites.size(); ++k) {
        if (sites.data()[k] < 0 || std::size_t(sites.data()[k]) >= chain.species().size())
            throw std::invalid_argument("lattice: there is no such site");
        changes.push_back({sites.data()[k], species.data()[k]});
    }
    return chain.difference(changes);
}

nb::object species_of(const Chain& chain) {
    const auto& species = chain.species();
    auto* copy = new std::vector<Species>(species);
    const nb::capsule owner(copy, [](void* p) noexcept { delete static_cast<std::vector<Species>*>(p); });
    return nb::cast(nb::ndarray<nb::numpy, Species, nb::ndim<1>>(copy->data(), {copy->size()}, owner));
}

}  // namespace

void bind_lattice_chains(nb::module_& m) {
    nb::class_<Hamiltonian>(m, "LatticeHamiltonian")
        .def("energy", [](const Hamiltonian& h, Bytes species) {
            if (species.size() != std::size_t(h.n_sites)) throw std::invalid_argument("lattice: one species for each site");
            for (std::size_t k = 0; k < species.size(); ++k)
                if (species.data()[k] >= h.n_species) throw std::invalid_argument("lattice: there is no such species");
            const auto given = copied<std::uint8_t>(species);
            const Unlocked unlocked;
            return h.energy(given);
        }, "species"_a);
    m.def("lattice_hamiltonian", &hamiltonian, "n_species"_a, "kinds"_a, "kind_of"_a, "n_basis"_a, "atomic"_a,
          "may_have"_a, "first"_a, "neighbors"_a);
    nb::class_<Chain>(m, "LatticeChain")
        .def("__init__", [](Chain* self, std::shared_ptr<Hamiltonian> h, Bytes species, const Random::State& random) {
            new (self) Chain(std::move(h), copied<std::uint8_t>(species), Random(random));
        }, "hamiltonian"_a, "species"_a, "random_state"_a)
        .def("run", &run, "beta"_a, "chemical_potentials"_a, "attempts"_a, "every"_a, "energies"_a, "counts"_a)
        .def("walk", &walk, "lowest"_a, "width"_a, "logarithms"_a, "visits"_a, "step"_a, "attempts"_a)
        .def("difference", &difference, "sites"_a, "species"_a)
        .def("renew", [](Chain& chain) {
            const Unlocked unlocked;
            chain.renew();
        })
        .def_prop_ro("energy", &Chain::energy)
        .def_prop_ro("species", &species_of)
        .def_prop_ro("random_state", &Chain::random_state);
    m.def("lattice_random_state", [](std::uint64_t seed) { return Random(seed).state(); }, "seed"_a);
}
