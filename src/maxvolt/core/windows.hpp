// Windows of a neighbour list (model.hpp), made once for a list.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "index_table.hpp"
#include "model.hpp"
#include "partition.hpp"

namespace maxvolt {

// Pairs of atoms i, j, each once, with r_ij = x_j + shift @ cell - x_i. Inside the cell lies
// x_i - image_i @ cell.
struct PairList {
    std::int64_t n_atoms, n_pairs;
    const std::int32_t* pairs;   // [n_pairs][2]
    const std::int32_t* shifts;  // [n_pairs][3]
    const std::int32_t* images;  // [n_atoms][3]
};

// Neighbours that a host program found, ghosts among them: every neighbour of the first n_local atoms where
// it is; those of atom i are neighbors[first[i] .. first[i + 1]).
struct FullList {
    std::int64_t n_atoms, n_local;
    const std::int64_t* first;      // [n_local + 1]
    const std::int32_t* neighbors;  // atoms
};

using Shift = std::array<std::int32_t, 3>;

// Lattice translations by number; 0 is none, and those of opposite sign follow each other.
class Shifts {
  public:
    std::int32_t number(const Shift& s) {
        if (same(s, none_)) return 0;
        if (same(s, last_)) return last_number_;
        std::int32_t found = numbers_[s];
        if (found < 0) {
            found = numbers_[s] = std::int32_t(all_.size());
            all_.push_back(s);
            all_.push_back({-s[0], -s[1], -s[2]});
            numbers_[all_.back()] = found + 1;
        }
        last_ = s;
        return last_number_ = found;
    }
    static std::int32_t opposite(std::int32_t number) { return number ? ((number - 1) ^ 1) + 1 : 0; }
    const Shift& operator[](std::int32_t number) const { return all_[number]; }

  private:
    static constexpr Shift none_{0, 0, 0};
    std::vector<Shift> all_{none_};
    IndexTable<3> numbers_;
    Shift last_ = none_;
    std::int32_t last_number_ = 0;
};

// All windows of a list. Rows are numbered through all windows; behind those of each comes the row that
// stands for no atom.
class Windows {
  public:
    // inside: [n_atoms][3], positions inside the cell, by which windows are chosen; labels: atoms that have
    // the same are handled together where possible.
    Windows(const PairList& list, std::vector<std::int32_t> structures, const std::int32_t* labels,
            const double* inside, std::int64_t window_atoms)
        : structures_(std::move(structures)) {
        add_windows(Partition(list.n_atoms, structures_.data(), inside, window_atoms), directed(list), labels,
                    list.images);
    }

    // Local atoms and ghosts of a host program, one structure; windows are those of the local atoms.
    Windows(const FullList& list, const std::int32_t* labels, const double* positions, std::int64_t window_atoms)
        : structures_(std::size_t(list.n_atoms), 0) {
        const std::vector<std::int32_t> images(3 * std::size_t(list.n_atoms), 0);
        add_windows(Partition(list.n_local, structures_.data(), positions, window_atoms), directed(list), labels,
                    images.data());
    }

    std::int64_t count() const { return std::int64_t(own_first_.size()) - 1; }
    std::int64_t n_rows() const { return row_first_.back(); }
    std::int64_t n_parts() const { return part_first_.back(); }
    std::int64_t most_own() const {
        std::int64_t most = 0;
        for (std::int64_t w = 0; w < count(); ++w) most = std::max(most, own_first_[w + 1] - own_first_[w]);
        return most;
    }
    const std::vector<std::int32_t>& structures() const { return structures_; }
    std::int64_t first_row(std::int64_t w) const { return row_first_[w]; }
    std::int64_t first_part(std::int64_t w) const { return part_first_[w]; }

    Window operator[](std::int64_t w) const {
        const std::int64_t row = row_first_[w], place = place_first_[w];
        return {own_first_[w + 1] - own_first_[w],
                row_first_[w + 1] - row - 1,
                first_structure_[w],
                std::int32_t(part_first_[w + 1] - part_first_[w]),
                atoms_.data() + row,
                places_.data() + row,
                translations_.data() + place,
                place_first_[w + 1] - place,
                pair_first_.data() + own_first_[w],
                neighbors_.data()};
    }

    // Sums the rows of each atom in [begin, end).
    void fold_forces(const double* rows, std::int64_t begin, std::int64_t end, double* forces) const {
        typedef double row __attribute__((vector_size(32)));
        const row* all = reinterpret_cast<const row*>(rows);
        for (std::int64_t i = begin; i < end; ++i) {
            row sum = own_rows_[i] < 0 ? row{} : all[own_rows_[i]];  // a ghost has images only
            for (std::int64_t q = image_first_[i]; q < image_first_[i + 1]; ++q) sum += all[image_rows_[q]];
            for (int c = 0; c < 3; ++c) forces[3 * i + c] = sum[c];
        }
    }

    // Adds what the windows found for their structures.
    void fold_virials(const double* parts, double* virials) const {
        for (std::int64_t w = 0; w < count(); ++w)
            for (std::int64_t p = part_first_[w]; p < part_first_[w + 1]; ++p) {
                double* to = virials + 6 * (first_structure_[w] + p - part_first_[w]);
                for (int v = 0; v < 6; ++v) to[v] += parts[6 * p + v];
            }
    }

  private:
    struct Entry {
        std::int32_t atom, shift;
    };
    struct Entries {
        std::vector<std::int64_t> first;
        std::vector<Entry> all;
    };

    // Memory that windows use one after the other.
    struct Scratch {
        Scratch(const std::vector<std::int32_t>& structures, const std::int32_t* atom_labels,
                const std::int32_t* atom_images)
            : images(atom_images), labels(atom_labels) {
            for (std::size_t i = 0; i < structures.size(); ++i) {
                n_labels = std::max(n_labels, labels[i] + 1);
                if (i == 0 || structures[i] != structures[i - 1])
                    origins.resize(std::size_t(structures[i]) + 1, std::int32_t(i));
            }
        }
        IndexTable<2> rows;                 // of an atom and a number of a translation
        IndexTable<4> places;               // of a structure and a translation
        std::vector<std::int32_t> origins;  // first atom of each structure
        const std::int32_t* images;
        const std::int32_t* labels;
        std::int32_t n_labels = 0;
    };

    // Every pair from both ends, as between atoms that are inside the cell.
    Entries directed(const PairList& list) {
        Entries out{std::vector<std::int64_t>(std::size_t(list.n_atoms) + 1, 0), {}};
        for (std::int64_t p = 0; p < 2 * list.n_pairs; ++p) ++out.first[list.pairs[p] + 1];
        for (std::int64_t i = 0; i < list.n_atoms; ++i) out.first[i + 1] += out.first[i];
        out.all.resize(2 * std::size_t(list.n_pairs));
        std::vector<std::int64_t> next(out.first.begin(), out.first.end() - 1);
        for (std::int64_t p = 0; p < list.n_pairs; ++p) {
            const std::int32_t i = list.pairs[2 * p], j = list.pairs[2 * p + 1];
            Shift between;
            for (int c = 0; c < 3; ++c)
                between[c] = list.shifts[3 * p + c] + list.images[3 * std::int64_t(j) + c] -
                             list.images[3 * std::int64_t(i) + c];
            const std::int32_t shift = shifts_.number(between);
            out.all[next[i]++] = {j, shift};
            out.all[next[j]++] = {i, Shifts::opposite(shift)};
        }
        return out;
    }

    static Entries directed(const FullList& list) {
        Entries out{std::vector<std::int64_t>(std::size_t(list.n_atoms) + 1, 0), {}};
        const std::int64_t begin = list.first[0], end = list.first[list.n_local];
        for (std::int64_t i = 0; i < list.n_atoms; ++i)
            out.first[i + 1] = (i < list.n_local ? list.first[i + 1] : end) - begin;
        out.all.reserve(std::size_t(end - begin));
        for (std::int64_t e = begin; e < end; ++e) out.all.push_back({list.neighbors[e], 0});
        return out;
    }

    void add_windows(const Partition& partition, const Entries& entries, const std::int32_t* labels,
                     const std::int32_t* images) {
        own_first_ = partition.first;
        Scratch scratch(structures_, labels, images);
        pair_first_.reserve(partition.order.size() + 1);
        neighbors_.reserve(entries.all.size() + list_padding / 2 * partition.order.size());
        for (std::int64_t w = 0; w < count(); ++w)
            add_window(partition.order.data() + own_first_[w], own_first_[w + 1] - own_first_[w], entries, scratch);
        index_rows(std::int64_t(structures_.size()));
    }

    // Row of an atom's image in the window being made, which begins at row `begin`.
    std::int32_t row(Entry image, std::int64_t begin, Scratch& s) {
        std::int32_t& known = s.rows[{image.atom, image.shift}];
        if (known >= 0) return known;
        const auto r = known = std::int32_t(std::int64_t(atoms_.size()) - begin);
        const std::int32_t structure = structures_[image.atom];
        Shift total = shifts_[image.shift];
        for (int c = 0; c < 3; ++c) total[c] -= s.images[3 * std::int64_t(image.atom) + c];
        std::int32_t& place = s.places[{structure, total[0], total[1], total[2]}];
        if (place < 0) {
            place = std::int32_t(translations_.size() - std::size_t(place_first_.back()));
            translations_.push_back({structure, s.origins[structure], {total[0], total[1], total[2]}});
        }
        atoms_.push_back(image.atom);
        places_.push_back(place);
        return r;
    }

    void add_window(const std::int32_t* own, std::int64_t n, const Entries& entries, Scratch& s) {
        const std::int64_t begin = row_first_.back();
        s.rows.clear();
        s.places.clear();
        for (std::int64_t i = 0; i < n; ++i) row({own[i], 0}, begin, s);
        for (std::int64_t i = 0; i < n; ++i) add_neighbors(own[i], begin, entries, s);
        const auto n_rows = std::int32_t(std::int64_t(atoms_.size()) - begin);
        for (std::int64_t p = pair_first_[pair_first_.size() - std::size_t(n) - 1]; p < pair_first_.back(); ++p)
            if (neighbors_[p] < 0) neighbors_[p] = n_rows;
        atoms_.push_back(-1);
        places_.push_back(-1);
        row_first_.push_back(begin + n_rows + 1);
        place_first_.push_back(std::int64_t(translations_.size()));
        first_structure_.push_back(structures_[own[0]]);
        part_first_.push_back(part_first_.back() + structures_[own[n - 1]] - structures_[own[0]] + 1);
    }

    // Neighbours of one species follow each other.
    void add_neighbors(std::int32_t atom, std::int64_t begin, const Entries& entries, Scratch& s) {
        const std::int64_t first = entries.first[atom], last = entries.first[atom + 1];
        for (std::int32_t label = 0; label < s.n_labels; ++label)
            for (std::int64_t e = first; e < last; ++e)
                if (s.labels[entries.all[e].atom] == label) neighbors_.push_back(row(entries.all[e], begin, s));
        while (neighbors_.size() % list_padding) neighbors_.push_back(-1);
        pair_first_.push_back(std::int64_t(neighbors_.size()));
    }

    // Where the rows of each atom are.
    void index_rows(std::int64_t n_atoms) {
        own_rows_.assign(std::size_t(n_atoms), -1);
        image_first_.assign(std::size_t(n_atoms) + 1, 0);
        auto each_image = [&](auto&& call) {
            for (std::int64_t w = 0; w < count(); ++w)
                for (std::int64_t r = row_first_[w] + own_first_[w + 1] - own_first_[w];
                     r < row_first_[w + 1] - 1; ++r)
                    call(atoms_[r], r);
        };
        for (std::int64_t w = 0; w < count(); ++w)
            for (std::int64_t i = 0; i < own_first_[w + 1] - own_first_[w]; ++i)
                own_rows_[atoms_[row_first_[w] + i]] = row_first_[w] + i;
        each_image([&](std::int32_t atom, std::int64_t) { ++image_first_[atom + 1]; });
        for (std::int64_t i = 0; i < n_atoms; ++i) image_first_[i + 1] += image_first_[i];
        image_rows_.resize(std::size_t(image_first_[n_atoms]));
        std::vector<std::int64_t> next(image_first_.begin(), image_first_.end() - 1);
        each_image([&](std::int32_t atom, std::int64_t r) { image_rows_[next[atom]++] = r; });
    }

    Shifts shifts_;
    std::vector<std::int32_t> structures_, first_structure_;
    std::vector<std::int64_t> own_first_, row_first_{0}, place_first_{0}, part_first_{0};
    std::vector<std::int32_t> atoms_, places_;
    std::vector<Place> translations_;
    std::vector<std::int64_t> pair_first_{0};
    std::vector<std::int32_t> neighbors_;
    std::vector<std::int64_t> own_rows_, image_first_, image_rows_;
};

}  // namespace maxvolt
