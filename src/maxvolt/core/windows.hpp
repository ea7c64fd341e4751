// Windows of a neighbour list (model.hpp), made once for a list.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "images.hpp"
#include "index_table.hpp"
#include "model.hpp"
#include "partition.hpp"

namespace maxvolt {

// All windows of a list. Rows are numbered through all windows; behind those of each comes the row that
// stands for no atom.
class Windows {
  public:
    // The windows are those of the first n_local atoms; structures: [n_atoms]. inside: [n_atoms][3], positions
    // inside the cell, by which windows are chosen; labels: atoms that have the same are handled together
    // where possible.
    Windows(const ImageList& list, std::int64_t n_local, std::vector<std::int32_t> structures,
            const std::int32_t* labels, const double* inside, std::int64_t window_atoms)
        : structures_(std::move(structures)) {
        const Partition partition(n_local, structures_.data(), inside, window_atoms);
        own_first_ = partition.first;
        Scratch scratch(list, structures_, labels);
        pair_first_.reserve(partition.order.size() + 1);
        neighbors_.reserve(list.neighbors.size() + list_padding / 2 * partition.order.size());
        for (std::int64_t w = 0; w < count(); ++w)
            add_window(partition.order.data() + own_first_[w], own_first_[w + 1] - own_first_[w], scratch);
        index_rows(std::int64_t(structures_.size()));
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
    // What windows use one after the other.
    struct Scratch {
        Scratch(const ImageList& all, const std::vector<std::int32_t>& structures, const std::int32_t* atom_labels)
            : list(all), rows(all.images.size(), -1), labels(atom_labels) {
            for (std::size_t i = 0; i < structures.size(); ++i) {
                n_labels = std::max(n_labels, labels[i] + 1);
                if (i == 0 || structures[i] != structures[i - 1])
                    origins.resize(std::size_t(structures[i]) + 1, std::int32_t(i));
            }
        }
        const ImageList& list;
        std::vector<std::int32_t> rows;     // of each image in the window being made, or -1
        std::vector<std::int32_t> used;     // images that have a row
        IndexTable<4> places;               // of a structure and a translation
        std::vector<std::int32_t> origins;  // first atom of each structure
        const std::int32_t* labels;
        std::int32_t n_labels = 0;
    };

    // Row of an image in the window being made.
    std::int32_t row(std::int32_t number, Scratch& s) {
        const std::int32_t known = s.rows[number];
        return known >= 0 ? known : new_row(number, s);
    }

    std::int32_t new_row(std::int32_t number, Scratch& s) {
        const auto found = s.rows[number] = std::int32_t(s.used.size());
        s.used.push_back(number);
        const Image& image = s.list.images[number];
        atoms_.push_back(image.atom);
        places_.push_back(place(structures_[image.atom], image.translation, s));
        return found;
    }

    // Number of a translation in the window being made.
    std::int32_t place(std::int32_t structure, const Shift& translation, Scratch& s) {
        const auto begin = std::size_t(place_first_.back());
        if (translations_.size() > begin) {  // images follow each other by their translations
            const Place& last = translations_[begin + std::size_t(places_.back())];
            if (last.structure == structure && last.shift[0] == translation[0] &&
                last.shift[1] == translation[1] && last.shift[2] == translation[2])
                return places_.back();
        }
        std::int32_t& known = s.places[{structure, translation[0], translation[1], translation[2]}];
        if (known < 0) {
            known = std::int32_t(translations_.size() - begin);
            translations_.push_back(
                {structure, s.origins[structure], {translation[0], translation[1], translation[2]}});
        }
        return known;
    }

    void add_window(const std::int32_t* own, std::int64_t n, Scratch& s) {
        for (const std::int32_t number : s.used) s.rows[number] = -1;
        s.used.clear();
        s.places.clear();
        for (std::int64_t i = 0; i < n; ++i) row(own[i], s);
        for (std::int64_t i = 0; i < n; ++i) add_neighbors(own[i], s);
        const auto n_rows = std::int32_t(s.used.size());
        for (std::int64_t p = pair_first_[pair_first_.size() - std::size_t(n) - 1]; p < pair_first_.back(); ++p)
            if (neighbors_[p] < 0) neighbors_[p] = n_rows;
        atoms_.push_back(-1);
        places_.push_back(-1);
        row_first_.push_back(row_first_.back() + n_rows + 1);
        place_first_.push_back(std::int64_t(translations_.size()));
        first_structure_.push_back(structures_[own[0]]);
        part_first_.push_back(part_first_.back() + structures_[own[n - 1]] - structures_[own[0]] + 1);
    }

    // Neighbours of one species follow each other.
    void add_neighbors(std::int32_t atom, Scratch& s) {
        const std::int32_t *first = s.list.neighbors.data() + s.list.first[atom],
                           *last = s.list.neighbors.data() + s.list.first[atom + 1];
        const std::size_t begin = neighbors_.size(), n = std::size_t(last - first);
        neighbors_.resize(begin + (n + list_padding - 1) / list_padding * list_padding, -1);
        std::int32_t* to = neighbors_.data() + begin;
        for (std::int32_t label = 0; label < s.n_labels; ++label)
            for (const std::int32_t* image = first; image != last; ++image)
                if (s.n_labels == 1 || s.labels[s.list.images[*image].atom] == label) *to++ = row(*image, s);
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

    std::vector<std::int32_t> structures_, first_structure_;
    std::vector<std::int64_t> own_first_, row_first_{0}, place_first_{0}, part_first_{0};
    std::vector<std::int32_t> atoms_, places_;
    std::vector<Place> translations_;
    std::vector<std::int64_t> pair_first_{0};
    std::vector<std::int32_t> neighbors_;
    std::vector<std::int64_t> own_rows_, image_first_, image_rows_;
};

}  // namespace maxvolt
