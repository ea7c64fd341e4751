#include "frames.h"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

namespace maxvolt_lammps {

namespace {

const char* name_of_grade(const Frame& frame) { return frame.of_errors ? "expected_force_error" : "MV_grade"; }
const char* name_of_grades(const Frame& frame) { return frame.of_errors ? "expected_force_errors" : "nbh_grades"; }

constexpr int width = sizeof(FrameAtom) / sizeof(double);

__attribute__((format(printf, 2, 3))) void add(std::string& text, const char* format, ...) {
    char line[512];
    va_list values;
    va_start(values, format);
    std::vsnprintf(line, sizeof line, format, values);
    va_end(values);
    text += line;
}

}  // namespace

std::string as_extended_xyz(const Frame& frame, const std::vector<std::string>& symbols) {
    std::string out;
    add(out, "%zu\nLattice=\"", frame.atoms.size());
    for (int k = 0; k < 9; ++k) add(out, "%s%.17g", k ? " " : "", frame.cell[k / 3][k % 3]);
    out += "\" Properties=species:S:1:pos:R:3:id:I:1";
    if (frame.has_grades) add(out, ":%s:R:1", name_of_grades(frame));
    if (frame.has_ghosts) out += ":ghost:L:1";
    const auto letter = [&](int d) { return frame.periodic[d] ? 'T' : 'F'; };
    add(out, " pbc=\"%c %c %c\" step=%lld %s=%.10g", letter(0), letter(1), letter(2), frame.step, name_of_grade(frame),
        frame.grade);
    if (frame.worst) add(out, " atom=%lld", frame.worst);
    out += " reason=" + frame.reason + "\n";
    for (const FrameAtom& atom : frame.atoms) {
        out += symbols[std::size_t(atom.species)];
        add(out, " %.17g %.17g %.17g %.0f", atom.x[0], atom.x[1], atom.x[2], atom.id);
        if (frame.has_grades) add(out, " %.10g", atom.grade);
        if (frame.has_ghosts) out += atom.ghost ? " T" : " F";
        out += '\n';
    }
    return out;
}

std::string as_cfg(const Frame& frame) {
    std::string out = "BEGIN_CFG\n Size\n";
    add(out, "    %zu\n", frame.atoms.size());
    if (frame.periodic[0] || frame.periodic[1] || frame.periodic[2]) out += " Supercell\n";
    for (int d = 0; d < 3; ++d)
        if (frame.periodic[d]) add(out, "    %.16e %.16e %.16e\n", frame.cell[d][0], frame.cell[d][1], frame.cell[d][2]);
    out += " AtomData:  id type cartes_x cartes_y cartes_z";
    if (frame.has_grades && !frame.of_errors) out += " nbh_grades";  // MLIP has no column of errors
    if (frame.has_ghosts) out += " ghost";
    out += '\n';
    int number = 0;
    for (const FrameAtom& atom : frame.atoms) {
        add(out, " %d %.0f %.16e %.16e %.16e", ++number, atom.species, atom.x[0], atom.x[1], atom.x[2]);
        if (frame.has_grades && !frame.of_errors) add(out, " %.10g", atom.grade);
        if (frame.has_ghosts) out += atom.ghost ? " true" : " false";
        out += '\n';
    }
    add(out, " Feature   %s\t%.10g\n Feature   step\t%lld\n Feature   reason\t%s\nEND_CFG\n\n", name_of_grade(frame),
        frame.grade, frame.step, frame.reason.c_str());
    return out;
}

bool gather(MPI_Comm world, const std::vector<FrameAtom>& own, std::vector<FrameAtom>& all) {
    int rank = 0, n_ranks = 0;
    MPI_Comm_rank(world, &rank);
    MPI_Comm_size(world, &n_ranks);
    long long mine = static_cast<long long>(own.size()), total = 0;
    MPI_Allreduce(&mine, &total, 1, MPI_LONG_LONG, MPI_SUM, world);
    if (total > std::numeric_limits<int>::max() / width) return false;
    const int size = width * int(own.size());
    std::vector<int> sizes(static_cast<std::size_t>(n_ranks)), first(static_cast<std::size_t>(n_ranks));
    MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, world);
    for (std::size_t r = 1; r < sizes.size(); ++r) first[r] = first[r - 1] + sizes[r - 1];
    all.resize(rank == 0 ? std::size_t(total) : 0);
    MPI_Gatherv(own.data(), size, MPI_DOUBLE, all.data(), sizes.data(), first.data(), MPI_DOUBLE, 0, world);
    std::sort(all.begin(), all.end(), [](const FrameAtom& a, const FrameAtom& b) { return a.id < b.id; });
    return true;
}

std::string append(const std::string& path, const std::string& text) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const auto failure = [&] { return path + ": " + std::strerror(errno); };
    if (file < 0) return failure();
    std::string message;
    const char* at = text.data();
    for (std::size_t left = text.size(); left > 0 && message.empty();) {
        const ssize_t written = ::write(file, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            message = failure();
        } else {
            at += written;
            left -= std::size_t(written);
        }
    }
    if (message.empty() && ::fsync(file) != 0 && errno != EINVAL) message = failure();  // EINVAL: a pipe
    ::close(file);
    return message;
}

}  // namespace maxvolt_lammps
