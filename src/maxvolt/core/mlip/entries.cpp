#include "mlip/entries.hpp"

#include <optional>

namespace maxvolt::mlip {

namespace {

constexpr char format_version[] = "1.1.0";  // the only one

template <class T>
struct Key {
    const char* name;
    T Entries::*value;
};

constexpr Key<std::string> texts[] = {
    {"version", &Entries::version},
    {"potential_name", &Entries::potential_name},
    {"potential_tag", &Entries::potential_tag},
    {"radial_basis_type", &Entries::radial_basis_type},
};
constexpr Key<double> reals[] = {
    {"scaling", &Entries::scaling},
    {"radial_scaling", &Entries::radial_scaling},
    {"min_dist", &Entries::min_dist},
    {"max_dist", &Entries::max_dist},
};
constexpr Key<std::int32_t> integers[] = {
    {"species_count", &Entries::species_count},
    {"radial_basis_size", &Entries::radial_basis_size},
    {"radial_funcs_count", &Entries::radial_funcs_count},
    {"alpha_moments_count", &Entries::alpha_moments_count},
    {"alpha_index_basic_count", &Entries::alpha_index_basic_count},
    {"alpha_index_times_count", &Entries::alpha_index_times_count},
    {"alpha_scalar_moments", &Entries::alpha_scalar_moments},
};
constexpr Key<Integers32> tables[] = {
    {"alpha_index_basic", &Entries::alpha_index_basic},
    {"alpha_index_times", &Entries::alpha_index_times},
};
constexpr Key<Reals> coefficients[] = {
    {"species_coeffs", &Entries::species_coeffs},
    {"moment_coeffs", &Entries::moment_coeffs},
};

constexpr const char* required[] = {
    "version", "radial_basis_type", "min_dist", "max_dist", "radial_basis_size", "radial_funcs_count",
    "alpha_moments_count", "alpha_index_basic_count", "alpha_index_basic", "alpha_index_times_count",
    "alpha_index_times", "alpha_scalar_moments", "alpha_moment_mapping",
};

// Other spellings of a key: MLIP-3 and motep.
constexpr const char* spellings[][2] = {
    {"min_val", "min_dist"},          {"min", "min_dist"},           {"max_val", "max_dist"}, {"max", "max_dist"},
    {"basis_size", "radial_basis_size"}, {"size", "radial_basis_size"},
};

std::string usual_spelling(std::string_view word) {
    for (const auto& [spelling, usual] : spellings)
        if (word == spelling) return usual;
    return std::string(word);
}

bool is_magnetic(std::string_view key) {
    return key.starts_with("magnetic_") || key.starts_with("mag_") || key.ends_with("_mag");
}

template <class T, std::size_t N>
const Key<T>* find(const Key<T> (&keys)[N], const std::string& name) {
    for (const Key<T>& key : keys)
        if (name == key.name) return &key;
    return nullptr;
}

std::vector<RadialBlock> radial_blocks(Scanner& file) {
    std::vector<RadialBlock> out;
    while (const auto labels = file.labels()) {
        RadialBlock block{*labels, {}, file.position};
        while (file.at_brace()) block.rows.push_back(file.reals("radial_coeffs"));
        out.push_back(std::move(block));
    }
    if (out.empty()) file.fail("expected the label of a pair of species, such as 0-0");
    return out;
}

// Reads what belongs to a key just read.
void read_value(Scanner& file, const std::string& key, Entries& to) {
    if (key == "radial_coeffs") {
        to.radial_coeffs = radial_blocks(file);
        return;
    }
    const std::string written = key == "radial_scaling" ? "scaling" : key;
    const auto *text = find(texts, key);
    const auto *real = find(reals, key);
    const auto *integer = find(integers, key);
    const auto *table = find(tables, key);
    const auto *list = find(coefficients, key);
    const bool mapping = key == "alpha_moment_mapping";
    if (!text && !real && !integer && !table && !list && !mapping)
        file.fail("unknown key " + quoted(key));
    file.equals(written);
    if (text) to.*(text->value) = file.text();
    if (real) to.*(real->value) = file.real(written);
    if (integer) to.*(integer->value) = file.integer(key);
    if (table) to.*(table->value) = file.rows(key);
    if (list) to.*(list->value) = file.reals(key);
    if (mapping) to.alpha_moment_mapping = file.integers(key);
}

void read_entry(Scanner& file, std::string key, Entries& to) {
    const std::size_t at = file.position;
    if (is_magnetic(key))
        file.fail("magnetic potentials are not supported; use a potential without magnetic_basis_type");
    if (key == "radial_scaling") file.fail("unknown key " + quoted(key));
    if (key == "scaling" && to.has("radial_basis_type")) key = "radial_scaling";
    if (to.has(key)) file.fail(quoted(key) + " occurs here a second time");
    read_value(file, key, to);
    to.places[key] = at;
    if (key == "version" && to.version != format_version)
        file.fail("version " + std::string(format_version) + " is expected, found " + quoted(to.version), at);
}

// How many bytes the comments and the first word take; nothing where the first word is not MTP.
std::optional<std::size_t> start_length(std::string_view data) {
    std::size_t line = 0;
    while (true) {
        std::size_t at = line;
        while (at < data.size() && (data[at] == ' ' || data[at] == '\t')) ++at;
        if (at < data.size() && data[at] == '#') at = std::min(data.find('\n', at), data.size());
        if (at < data.size() && data[at] == '\r') ++at;
        if (at == data.size() || data[at] != '\n') break;
        line = at + 1;
    }
    constexpr std::string_view first = "MTP";
    const std::size_t end = line + first.size();
    if (data.substr(line, first.size()) != first || end == data.size() || !is_space(data[end])) return std::nullopt;
    return end;
}

// Comments of potentials that come with LAMMPS say their units.
void check_units(const Scanner& file, std::string_view comments) {
    constexpr std::string_view mark = "UNITS:";
    const std::size_t at = comments.find(mark);
    if (at == comments.npos) return;
    std::size_t begin = at + mark.size();
    while (begin < comments.size() && (comments[begin] == ' ' || comments[begin] == '\t')) ++begin;
    std::size_t end = begin;
    while (end < comments.size() && !is_space(comments[end])) ++end;
    const std::string_view units = comments.substr(begin, end - begin);
    if (!units.empty() && units != "metal")
        file.fail("the comment says UNITS: " + quoted(units) +
                      "; moment tensor potentials have metal units, eV and Angstrom: correct the comment, or convert "
                      "the coefficients",
                  at);
}

}  // namespace

std::size_t Entries::place(const std::string& key) const {
    const auto found = places.find(key);
    return found == places.end() ? 0 : found->second;
}

bool looks_like_potential(std::string_view head) { return start_length(head).has_value(); }

Entries read_entries(Scanner& file) {
    const auto start = start_length(file.data);
    if (!start)
        file.fail("not a moment tensor potential: the first line, after comments that begin with '#', must be 'MTP'");
    check_units(file, file.data.substr(0, *start));
    file.position = *start;
    Entries out;
    for (std::string_view word = file.word(); !word.empty(); word = file.word())
        read_entry(file, usual_spelling(word), out);
    out.end = file.position;
    for (const char* key : required)
        if (!out.has(key)) {
            file.skip_space();
            file.fail(quoted(key) + " is missing; what begins here is not part of the potential");
        }
    return out;
}

}  // namespace maxvolt::mlip
