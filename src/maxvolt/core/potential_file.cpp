#include "potential_file.hpp"

#include <utility>

#include "mlip/entries.hpp"
#include "mlip/potential.hpp"
#include "plan_file.hpp"

namespace maxvolt {

namespace {

constexpr std::size_t beginning = 64 << 10;  // bytes in which a file must say what it is, before the rest is read

constexpr char archive[] = "PK\x03\x04";

}  // namespace

ModelFile read_potential_file(const std::string& path, const std::string& plans_folder) {
    const std::string head = file_bytes(path, beginning);
    if (begins_as(model_file_kind, head.data(), head.size())) return read_model_file(path);
    if (head.rfind(archive, 0) == 0)
        throw ModelFileError(path + ": this is an archive of Python, such as maxvolt calibrate writes; make a compiled model of "
                                    "it: maxvolt compile POT --uncertainty " + path + " -o pot.maxvolt");
    if (!mlip::looks_like_potential(head))
        throw ModelFileError(path + ", line 1: this is neither a compiled model of maxvolt nor a moment tensor "
                                    "potential, whose first line, after comments that begin with '#', is 'MTP'");
    mlip::TextPotential found = mlip::parse_potential(file_bytes(path), path);
    found.file.arrays.plan = find_plan(plans_folder, found.table, found.file.arrays.moment_coeffs);
    return std::move(found.file);
}

}  // namespace maxvolt
