// Frames that extrapolate, gathered from all ranks and written by the first.
#pragma once
#include <string>
#include <vector>

#include "pointers.h"

namespace maxvolt_lammps {

// One atom, in numbers that MPI sends as they are.
struct FrameAtom {
    double id, species, x[3], grade, ghost;
};

struct Frame {
    double cell[3][3] = {};
    bool periodic[3] = {};
    std::vector<FrameAtom> atoms;
    bool has_grades = false, has_ghosts = false;  // of atoms
    bool of_errors = false;  // grades are expected force errors, eV/Angstrom
    long long step = 0, worst = 0;  // worst: id of the atom, 0 where the whole configuration was graded
    double grade = 0.0;
    std::string reason;
};

// symbols: of the species, in the order of the potential.
std::string as_extended_xyz(const Frame& frame, const std::vector<std::string>& symbols);
std::string as_cfg(const Frame& frame);

// The atoms of all ranks on the first, by their ids; empty elsewhere. On all ranks. False where there are too many.
bool gather(MPI_Comm world, const std::vector<FrameAtom>& own, std::vector<FrameAtom>& all);

// Appends text to a file at once; an empty message where this worked.
std::string append(const std::string& path, const std::string& text);

}  // namespace maxvolt_lammps
