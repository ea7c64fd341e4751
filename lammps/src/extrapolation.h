// What happens with grades, or with expected errors in their place: thresholds, frames, the end of a run.
#pragma once
#include <string>
#include <vector>

#include "frames.h"
#include "growth.h"
#include "pointers.h"
#include "settings.h"

namespace maxvolt_lammps {

// The atoms of one rank with their grades; the same everywhere where a configuration was graded as a whole.
struct Graded {
    std::vector<FrameAtom> atoms;  // ids, species, positions, grades
    bool of_atoms = false;
    double of_configuration = 0.0;
    bool asked = false;  // by somebody else than the settings
};

class Extrapolation : protected LAMMPS_NS::Pointers {
  public:
    // symbols of the species, in the order of the potential; cutoff of the potential.
    Extrapolation(LAMMPS_NS::LAMMPS* lmp, const Settings& settings, std::vector<std::string> symbols, double cutoff);

    // Whether a step is to be graded: one of every N, and those at which break may be near. The same on all ranks.
    bool is_due(LAMMPS_NS::bigint step) const;

    // What happens between runs is no growth.
    void begin_run() { growth_.forget_last(); }

    // The largest grade; writes and stops where it is above a threshold. On all ranks.
    double judge(const Graded& graded);

    // Says how often the run extrapolated. On all ranks.
    void finish();

  private:
    struct Worst {
        double grade = 0.0, id = 0.0, x[3] = {};
    };
    Worst find_worst(const Graded& graded, const std::vector<Worst>& without) const;
    bool is_frame(const Graded& graded) const;
    void write(const Graded& graded, const Worst& worst, const char* reason);
    Frame frame_of(const Graded& graded, const Worst& worst, const char* reason) const;
    std::vector<Frame> cut_out(const Graded& graded, const Worst& worst, const char* reason) const;
    Frame cluster_around(const Graded& graded, const Worst& center, const char* reason) const;
    double distance(const double* a, const double* b, double (&vector)[3]) const;
    bool is_large() const;
    void append_all(const std::vector<Frame>& frames);
    // "grade 3.1 of atom 7 at step 20", or an expected force error.
    std::string told(const Worst& worst, LAMMPS_NS::bigint step) const;
    [[noreturn]] void fail(const std::string& message) const;

    Settings settings_;
    std::vector<std::string> symbols_;
    double cutoff_;
    Growth growth_;
    LAMMPS_NS::bigint last_written_ = -1, last_above_ = -1, n_above_ = 0;
    Worst worst_of_run_;
    LAMMPS_NS::bigint step_of_worst_ = 0;
};

}  // namespace maxvolt_lammps
