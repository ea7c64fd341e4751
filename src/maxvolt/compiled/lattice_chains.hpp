// Declares Hamiltonians and chains of lattices in the Python module.
#pragma once
#include <nanobind/nanobind.h>

void bind_lattice_chains(nanobind::module_& m);
