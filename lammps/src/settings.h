// What follows pair_style maxvolt and pair_style mlip, the latter as MLIP-2 and as MLIP-3 write it.
#pragma once
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace maxvolt_lammps {

class SettingsError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct Settings {
    static constexpr double never = std::numeric_limits<double>::infinity();

    std::string style;                         // for messages
    std::string potential;                     // empty: pair_coeff names it
    std::string same_as;                       // a file that must hold the same potential; empty: none
    bool by_type = false;                      // atom types are those of the potential, in its order
    double select = never, stop = never;       // grades, or expected errors, above which frames are written, and LAMMPS stops
    int every = 0;                             // steps from one grading to the next; 0: when somebody asks
    int frames_every = 0;                      // steps from one frame above select to the next; 0: every graded one
    std::string frames = "extrapolative.xyz";  // empty: not written
    bool as_cfg = false;                       // MLIP's format instead of extended XYZ
    double cut = 0.0;                          // radius of what is cut out around the worst atoms; 0: whole frames
    bool by_errors = false;                    // thresholds are expected force errors, eV/Angstrom, instead of grades
    double coverage = 0.9;                     // share of force errors that their bounds keep
    bool soft = false;                         // stop the run and go on with the input, instead of an error
    std::vector<std::string> notices;          // for the log

    bool has_thresholds() const { return select < never || stop < never; }
};

// pair_style maxvolt [select G] [break G] [unit eV/A] [every N] [frames FILE] [frames_every N] [cut R] [stop error|soft]
//                    [coverage C]
Settings read_settings(const std::vector<std::string>& words);

// pair_style mlip mlip.ini, or pair_style mlip load_from=pot.almtp extrapolation_control=true ...
Settings read_mlip_settings(const std::vector<std::string>& words);

}  // namespace maxvolt_lammps
