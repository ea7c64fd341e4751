#include "mlip/potential.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "mlip/active_set.hpp"
#include "mlip/entries.hpp"
#include "mlip/radial_bases.hpp"
#include "mlip/tag.hpp"

namespace maxvolt::mlip {

namespace {

// Those of maxvolt.limits and potentials/mtp/files/rules.py.
constexpr double least_cutoff = 0.5, largest_cutoff = 30.0, narrowest_basis = 0.01;  // Angstrom
constexpr std::int32_t most_species = 118;
constexpr std::int64_t most_radial_coeffs = 2'000'000;

// e^2 / (4 pi eps0) in eV Angstrom and the Bohr radius in Angstrom, CODATA 2014, as in ASE.
constexpr double coulomb = 14.399645351950548, bohr = 0.5291772105638411;

std::string in_words(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

class Builder {
  public:
    Builder(Scanner& file, Entries entries) : file_(file), e_(std::move(entries)) {}

    TextPotential potential() {
        check_trained();
        check_texts();
        check_counts();
        add_radial();
        add_table();
        add_tag();
        add_coefficients();
        const std::string_view rest = trimmed(file_.data.substr(e_.end));
        if (!rest.empty()) add_active_set();
        return std::move(out_);
    }

  private:
    void require(bool condition, const std::string& key, const std::string& what) const {
        if (!condition) file_.fail(what, e_.place(key));
    }

    void check_trained() const {
        for (const char* key : {"radial_coeffs", "species_coeffs", "moment_coeffs"})
            if (!e_.has(key))
                file_.fail("this potential is untrained, it has no " + std::string(key) + ": fit it first, with maxvolt "
                           "train, or give the file of a trained one",
                           e_.end);
    }

    void check_texts() const {
        const auto is_plain = [](const std::string& text) {
            return std::none_of(text.begin(), text.end(), [](char c) {
                return (c >= 0 && c < ' ' && c != '\t') || c == '\x7f';
            });
        };
        const char* message = "expected one line of text without control characters";
        require(is_plain(e_.potential_name), "potential_name", message);
        require(is_plain(e_.potential_tag), "potential_tag", message);
    }

    // What a file states against what it holds.
    void check_counts() const {
        const auto same = [&](const char* key, std::int32_t stated, std::size_t found) {
            require(std::int64_t(stated) == std::int64_t(found), key,
                    std::string(key) + " = " + std::to_string(stated) + ", but the tables have " +
                        std::to_string(found));
        };
        same("alpha_index_basic_count", e_.alpha_index_basic_count, e_.alpha_index_basic.size() / 4);
        same("alpha_index_times_count", e_.alpha_index_times_count, e_.alpha_index_times.size() / 4);
        same("alpha_scalar_moments", e_.alpha_scalar_moments, e_.alpha_moment_mapping.size());
        std::int32_t functions = 0;
        for (std::size_t b = 0; b < e_.alpha_index_basic.size(); b += 4)
            functions = std::max(functions, e_.alpha_index_basic[b] + 1);
        if (!e_.alpha_index_basic.empty()) same("radial_funcs_count", e_.radial_funcs_count, std::size_t(functions));
    }

    void check_radial_basis() const {
        const std::string& kind = e_.radial_basis_type;
        const int most = largest_radial_size(kind);
        require(most > 0, "radial_basis_type",
                "unknown radial basis " + quoted(kind.empty() ? " " : kind) + "; known are " + radial_basis_names());
        require(e_.min_dist >= 0.0, "min_dist",
                "expected a finite distance in A, not negative, found " + in_words(e_.min_dist));
        require(kind != "RBShapeev" || e_.min_dist > 0.0, "min_dist",
                "expected a distance above 0, since the functions of RBShapeev have min_dist as a factor");
        require(least_cutoff <= e_.max_dist && e_.max_dist <= largest_cutoff &&
                    e_.max_dist - e_.min_dist >= narrowest_basis,
                "max_dist",
                "expected a distance between 0.5 and 30 A, and above min_dist = " + in_words(e_.min_dist) +
                    " A by 0.01 A or more, found " + in_words(e_.max_dist));
        require(1 <= e_.radial_basis_size && e_.radial_basis_size <= most, "radial_basis_size",
                "expected 1 to " + std::to_string(most) + " functions of " + kind + ", found " +
                    std::to_string(e_.radial_basis_size));
        require(std::isfinite(scaling()) && scaling() != 0.0, "scaling",
                "expected a finite number other than 0, found " + in_words(scaling()));
    }

    double scaling() const { return e_.scaling * e_.radial_scaling; }

    void add_radial() {
        check_radial_basis();
        const std::vector<std::int32_t> labels = check_blocks();
        RadialArrays& to = radial();
        to.n_species = std::int32_t(labels.size());
        to.n_mu = e_.radial_funcs_count;
        to.radial_size = e_.radial_basis_size;
        to.min_dist = e_.min_dist;
        to.cutoff = e_.max_dist;
        set_radial_basis(e_.radial_basis_type, to);
        std::map<std::pair<std::int32_t, std::int32_t>, const RadialBlock*> found;
        for (const RadialBlock& block : e_.radial_coeffs) found[block.labels] = &block;
        for (const std::int32_t first : labels)
            for (const std::int32_t second : labels)
                for (const Reals& row : found.at({first, second})->rows)
                    for (const double value : row) to.radial_coeffs.push_back(value * scaling());
    }

    // The labels of the species, in order of first appearance; a block for each pair of them.
    std::vector<std::int32_t> check_blocks() const {
        std::vector<std::int32_t> labels;
        for (const RadialBlock& block : e_.radial_coeffs)
            for (const std::int32_t label : {block.labels.first, block.labels.second})
                if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
                    labels.push_back(label);
                    require(std::int32_t(labels.size()) <= most_species, "radial_coeffs",
                            "expected 1 to " + std::to_string(most_species) + " species, found more");
                }
        const auto count = std::int32_t(labels.size());
        const std::int32_t stated = e_.has("species_count") ? e_.species_count : count;
        require(stated == count && e_.radial_coeffs.size() == std::size_t(count) * std::size_t(count), "radial_coeffs",
                "expected one block for each pair of species, found " + std::to_string(e_.radial_coeffs.size()) +
                    " blocks with " + std::to_string(count) + " different labels and species_count = " +
                    std::to_string(stated));
        require(std::int64_t(count) * count * e_.radial_funcs_count * e_.radial_basis_size <= most_radial_coeffs,
                "radial_basis_size",
                "more than " + std::to_string(most_radial_coeffs) + " radial coefficients are asked for");
        std::set<std::pair<std::int32_t, std::int32_t>> seen;
        for (const RadialBlock& block : e_.radial_coeffs) check_block(block, seen.insert(block.labels).second);
        return labels;
    }

    void check_block(const RadialBlock& block, bool is_new) const {
        const std::string name =
            std::to_string(block.labels.first) + "-" + std::to_string(block.labels.second);
        if (!is_new) file_.fail(name + " occurs here a second time", block.place);
        bool fits = std::int64_t(block.rows.size()) == e_.radial_funcs_count;
        for (const Reals& row : block.rows) fits &= std::int64_t(row.size()) == e_.radial_basis_size;
        if (!fits)
            file_.fail("the block " + name + " must have " + std::to_string(e_.radial_funcs_count) + " rows of " +
                           std::to_string(e_.radial_basis_size) + " numbers (radial_funcs_count, radial_basis_size)",
                       block.place);
    }

    void add_table() {
        out_.table = {std::move(e_.alpha_index_basic), std::move(e_.alpha_index_times),
                      std::move(e_.alpha_moment_mapping), e_.alpha_moments_count};
        try {
            check_table(out_.table);
        } catch (const TableError& error) {
            file_.fail(error.what(), e_.place(error.key));
        }
        out_.file.arrays.moments = moments_of(out_.table);
    }

    void add_tag() {
        Tag tag;
        try {
            tag = read_tag(e_.potential_tag);
        } catch (const std::invalid_argument& error) {
            file_.fail(error.what(), e_.place("potential_tag"));
        }
        check_species(tag.species);
        RepulsionArrays& to = out_.file.arrays.repulsion;
        to.exponential_repulsion = is_repulsive(e_.radial_basis_type);
        to.zbl_coulomb = coulomb;
        to.zbl_bohr = bohr;
        to.zbl_charges.assign(std::size_t(radial().n_species), 0.0);  // not known, and not needed without a repulsion
        for (std::size_t s = 0; s < tag.species.size(); ++s) to.zbl_charges[s] = atomic_number(tag.species[s]);
        if (tag.repulsion) {
            require(!tag.species.empty(), "potential_tag",
                    "a ZBL repulsion is noted, but no elements that it is of: name them, as in 'species: Ti Al'");
            require(tag.repulsion->outer <= e_.max_dist, "potential_tag",
                    "the repulsion noted after potential_tag reaches to " + in_words(tag.repulsion->outer) +
                        " A, beyond max_dist = " + in_words(e_.max_dist) +
                        " A, where it would break off; correct one of them");
            to.zbl_inner = tag.repulsion->inner;
            to.zbl_outer = tag.repulsion->outer;
        }
        out_.file.species = std::move(tag.species);
    }

    void check_species(const std::vector<std::string>& species) const {
        if (species.empty()) return;
        require(std::int64_t(species.size()) == radial().n_species, "potential_tag",
                std::to_string(species.size()) + " elements are named, but the potential has " +
                    std::to_string(radial().n_species) +
                    " species; correct the text after potential_tag or delete it");
        require(std::set(species.begin(), species.end()).size() == species.size(), "potential_tag",
                "an element is named twice after potential_tag");
    }

    void add_coefficients() {
        const auto sized = [&](const char* key, const Reals& values, std::size_t expected) {
            require(values.size() == expected, key,
                    "expected " + std::to_string(expected) + " numbers, found " + std::to_string(values.size()));
        };
        sized("species_coeffs", e_.species_coeffs, std::size_t(radial().n_species));
        sized("moment_coeffs", e_.moment_coeffs, out_.table.scalars.size());
        out_.file.arrays.species_coeffs = std::move(e_.species_coeffs);
        out_.file.arrays.moment_coeffs = std::move(e_.moment_coeffs);
    }

    // Rows of the file are gradients by the coefficients, those of the kernels by their products with the scaling.
    void add_active_set() {
        ActiveSetArrays& to = out_.file.active_set.emplace(read_active_set(file_, e_.end, n_parameters()));
        const std::size_t n_radial = radial().radial_coeffs.size(), width = std::size_t(n_parameters());
        for (std::size_t k = 0; k < n_radial * width; ++k) to.inverse[k] *= scaling();
    }

    std::int64_t n_parameters() const {
        const ModelArrays& a = out_.file.arrays;
        return std::int64_t(a.radial.radial_coeffs.size() + a.species_coeffs.size() + a.moment_coeffs.size());
    }

    RadialArrays& radial() { return out_.file.arrays.radial; }
    const RadialArrays& radial() const { return out_.file.arrays.radial; }

    Scanner& file_;
    Entries e_;
    TextPotential out_;
};

}  // namespace

TextPotential parse_potential(std::string_view data, const std::string& path) {
    Scanner file(data, path);
    Entries entries = read_entries(file);
    return Builder(file, std::move(entries)).potential();
}

}  // namespace maxvolt::mlip
