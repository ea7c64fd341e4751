#include "extrapolation.h"

#include <algorithm>
#include <cmath>

#include "comm.h"
#include "domain.h"
#include "error.h"
#include "timer.h"
#include "update.h"

using namespace LAMMPS_NS;

namespace maxvolt_lammps {

namespace {

constexpr int most_cuts = 3;  // of one step

std::string of_what(double id) { return id > 0.0 ? fmt::format("atom {}", tagint(id)) : "the configuration"; }

}  // namespace

Extrapolation::Extrapolation(LAMMPS* lmp, const Settings& settings, std::vector<std::string> symbols, double cutoff)
    : Pointers(lmp), settings_(settings), symbols_(std::move(symbols)), cutoff_(cutoff) {}

bool Extrapolation::is_due(bigint step) const {
    return settings_.every > 0 && growth_.is_due(step, settings_.every, settings_.stop);
}

double Extrapolation::judge(const Graded& graded) {
    const Worst worst = find_worst(graded, {});
    growth_.note(update->ntimestep, worst.grade);
    if (worst.grade > worst_of_run_.grade) {
        worst_of_run_ = worst;
        step_of_worst_ = update->ntimestep;
    }
    const bool stops = worst.grade > settings_.stop;
    if (!stops && !(worst.grade > settings_.select)) return worst.grade;
    // A minimisation evaluates several times at one step.
    if (update->ntimestep != last_above_) ++n_above_;
    last_above_ = update->ntimestep;
    if (stops || (is_frame(graded) && update->ntimestep != last_written_)) write(graded, worst, stops ? "break" : "select");
    if (!stops) return worst.grade;
    const std::string message =
        fmt::format("{}{} is above break = {:g}{}{}", settings_.by_errors ? "" : "extrapolation ",
                    told(worst, update->ntimestep), settings_.stop,
                    settings_.by_errors ? " eV/A" : "",
                    settings_.frames.empty() ? "" : "; the frame was written to " + settings_.frames);
    if (!settings_.soft) fail(message);
    if (comm->me == 0) utils::logmesg(lmp, "pair_style {}: {}\n", settings_.style, message);
    timer->force_timeout();
    return worst.grade;
}

// Whether a step above select is written: steps that were graded only because break may be near are not.
bool Extrapolation::is_frame(const Graded& graded) const {
    if (settings_.frames_every > 0) return update->ntimestep % settings_.frames_every == 0;
    return graded.asked || settings_.every == 0 || update->ntimestep % settings_.every == 0;
}

// The largest grade on any rank, but for atoms close to those that were found before.
Extrapolation::Worst Extrapolation::find_worst(const Graded& graded, const std::vector<Worst>& without) const {
    Worst worst;
    if (!graded.of_atoms) {
        worst.grade = graded.of_configuration;
        return worst;
    }
    double vector[3];
    for (const FrameAtom& atom : graded.atoms) {
        const auto is_near = [&](const Worst& other) { return distance(atom.x, other.x, vector) < settings_.cut; };
        if (atom.grade <= worst.grade || std::any_of(without.begin(), without.end(), is_near)) continue;
        worst = {atom.grade, atom.id, {atom.x[0], atom.x[1], atom.x[2]}};
    }
    const struct {
        double grade;
        int rank;
    } mine{worst.grade, comm->me};
    auto found = mine;
    MPI_Allreduce(&mine, &found, 1, MPI_DOUBLE_INT, MPI_MAXLOC, world);
    MPI_Bcast(&worst, sizeof worst / sizeof(double), MPI_DOUBLE, found.rank, world);
    return worst;
}

void Extrapolation::write(const Graded& graded, const Worst& worst, const char* reason) {
    last_written_ = update->ntimestep;
    if (settings_.frames.empty()) return;
    if (settings_.cut > 0.0 && is_large()) {
        append_all(cut_out(graded, worst, reason));
        return;
    }
    Frame frame = frame_of(graded, worst, reason);
    if (!gather(world, graded.atoms, frame.atoms))
        fail("there are too many atoms for one frame; use the keyword cut, which writes what is around the worst atoms");
    append_all({frame});
}

Frame Extrapolation::frame_of(const Graded& graded, const Worst& worst, const char* reason) const {
    Frame frame;
    for (int d = 0; d < 3; ++d) {
        frame.cell[d][d] = domain->h[d];
        frame.periodic[d] = domain->periodicity[d] != 0;
    }
    frame.cell[1][0] = domain->h[5];
    frame.cell[2][0] = domain->h[4];
    frame.cell[2][1] = domain->h[3];
    frame.has_grades = graded.of_atoms;
    frame.of_errors = settings_.by_errors;
    frame.step = update->ntimestep;
    frame.grade = worst.grade;
    frame.worst = static_cast<long long>(worst.id);
    frame.reason = reason;
    return frame;
}

// Whether a sphere to be cut out meets none of its own images.
bool Extrapolation::is_large() const {
    const auto& [xx, yy, zz, yz, xz, xy] = domain->h;
    const double volume = xx * yy * zz;
    const double areas[3] = {std::sqrt(std::pow(yy * zz, 2) + std::pow(xy * zz, 2) + std::pow(xy * yz - yy * xz, 2)),
                             xx * std::hypot(zz, yz), xx * yy};
    for (int d = 0; d < 3; ++d)
        if (domain->periodicity[d] && volume / areas[d] < 2.0 * settings_.cut) return false;
    return true;
}

double Extrapolation::distance(const double* a, const double* b, double (&vector)[3]) const {
    for (int c = 0; c < 3; ++c) vector[c] = a[c] - b[c];
    domain->minimum_image(FLERR, vector[0], vector[1], vector[2]);
    return std::sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]);
}

// Clusters around the worst atoms, none in that of another.
std::vector<Frame> Extrapolation::cut_out(const Graded& graded, const Worst& worst, const char* reason) const {
    std::vector<Worst> centers;
    const double lowest = std::min(settings_.select, settings_.stop);
    for (Worst next = worst; next.grade > lowest && int(centers.size()) < most_cuts; next = find_worst(graded, centers))
        centers.push_back(next);
    std::vector<Frame> out;
    for (const Worst& center : centers) out.push_back(cluster_around(graded, center, reason));
    return out;
}

// All atoms within a sphere, in a cube with room for the cutoff between images. Those whose neighbourhood is not
// whole are marked as ghosts: they are there as neighbours of the others.
Frame Extrapolation::cluster_around(const Graded& graded, const Worst& center, const char* reason) const {
    const double edge = 2.0 * settings_.cut + cutoff_;
    Frame frame = frame_of(graded, center, reason);
    frame.has_ghosts = true;
    std::vector<FrameAtom> own;
    for (FrameAtom atom : graded.atoms) {
        double vector[3];
        const double from_center = distance(atom.x, center.x, vector);
        if (from_center > settings_.cut) continue;
        for (int c = 0; c < 3; ++c) atom.x[c] = 0.5 * edge + vector[c];
        atom.ghost = from_center > settings_.cut - cutoff_;
        own.push_back(atom);
    }
    for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) frame.cell[a][b] = a == b ? edge : 0.0;
        frame.periodic[a] = true;
    }
    if (!gather(world, own, frame.atoms)) fail("there are too many atoms within the radius of cut; make it smaller");
    return frame;
}

// On all ranks, so that all know when the file cannot be written.
void Extrapolation::append_all(const std::vector<Frame>& frames) {
    std::string message;
    if (comm->me == 0) {
        std::string text;
        for (const Frame& frame : frames) text += settings_.as_cfg ? as_cfg(frame) : as_extended_xyz(frame, symbols_);
        message = append(settings_.frames, text);
    }
    int failed = !message.empty();
    MPI_Bcast(&failed, 1, MPI_INT, 0, world);
    if (failed) fail("a frame cannot be written: " + (comm->me == 0 ? message : settings_.frames));
}

void Extrapolation::finish() {
    if (n_above_ > 0 && comm->me == 0)
        utils::logmesg(lmp, "pair_style {}: {} steps above a threshold, the worst with {}{}\n", settings_.style, n_above_,
                       told(worst_of_run_, step_of_worst_), settings_.frames.empty() ? "" : "; frames are in " + settings_.frames);
    n_above_ = 0;
    worst_of_run_ = {};
}

std::string Extrapolation::told(const Worst& worst, bigint step) const {
    return fmt::format("{} {:.6g}{} of {} at step {}", settings_.by_errors ? "expected force error" : "grade",
                       worst.grade, settings_.by_errors ? " eV/A" : "", of_what(worst.id), step);
}

void Extrapolation::fail(const std::string& message) const {
    error->all(FLERR, "pair_style {}: {}", settings_.style, message);
}

}  // namespace maxvolt_lammps
