// A window made ready for the kernels: positions of all its rows, and the neighbours inside the cutoff.
#pragma once
#include "coarse.hpp"
#include "model.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr float nowhere = 1e15f;  // coordinate of the row that stands for no atom

struct WindowMemory {
    real* rows;            // [n_rows + 1][4]
    coarse_row* coarse;    // [n_rows + 1]
    row* translations;     // [n_places][2] origin and translation
    std::int32_t *order, *count, *near, *bins;
    std::int64_t* first;
};

// Bins of the counting sort: species times numbers of neighbours.
MAXVOLT_INLINE std::int64_t longest_list(const Window& w) {
    std::int64_t longest = 0;
    for (std::int64_t i = 0; i < w.n_own; ++i)
        if (w.first[i + 1] - w.first[i] > longest) longest = w.first[i + 1] - w.first[i];
    return longest;
}

MAXVOLT_INLINE WindowMemory make_window_memory(const Model& m, const Window& w, Arena& arena) {
    WindowMemory out{};
    out.rows = arena.take<real>(4 * (w.n_rows + 1));
    out.coarse = arena.take<coarse_row>(w.n_rows + 1);
    out.translations = arena.take<row>(2 * w.n_places);
    out.order = arena.take<std::int32_t>(w.n_own);
    out.count = arena.take<std::int32_t>(w.n_own);
    out.first = arena.take<std::int64_t>(w.n_own);
    out.near = arena.take<std::int32_t>(w.first[w.n_own] - w.first[0] + longest_list(w) + lanes);
    out.bins = arena.take<std::int32_t>(m.n_species * (longest_list(w) + 1) + 1);
    return out;
}

// Positions of all rows, counted from an atom of their structure so that they are small numbers. Returns the
// largest of them.
inline real load_positions(const Atoms& a, const Window& w, const WindowMemory& memory) {
    for (std::int64_t p = 0; p < w.n_places; ++p) {
        const Place& place = w.translations[p];
        const double* cell = a.cells + 9 * std::int64_t(place.structure);
        const double* origin = a.positions + 3 * std::int64_t(place.origin);
        row* to = memory.translations + 2 * p;
        to[0] = to[1] = row{};
        for (int c = 0; c < 3; ++c) {
            to[0][c] = origin[c];
            to[1][c] = place.shift[0] * cell[c] + place.shift[1] * cell[3 + c] +
                       place.shift[2] * cell[6 + c];
        }
    }
    row largest{};
    for (std::int64_t i = 0; i < w.n_rows; ++i) {
        const double* x = a.positions + 3 * std::int64_t(w.atoms[i]);
        const row* t = memory.translations + 2 * std::int64_t(w.places[i]);
        row position = (row{x[0], x[1], x[2], 0.0} - t[0]) + t[1];
        const row size = position < 0.0 ? -position : position;
        largest = size > largest ? size : largest;
        memory.coarse[i] = __builtin_convertvector(position, coarse_row);
        position[3] = a.types[w.atoms[i]];
        *reinterpret_cast<row*>(memory.rows + 4 * i) = position;
    }
    *reinterpret_cast<row*>(memory.rows + 4 * w.n_rows) = row{nowhere, nowhere, nowhere, 0.0};
    memory.coarse[w.n_rows] = coarse_row{nowhere, nowhere, nowhere, 0.0f};
    real out = 0.0;
    for (int c = 0; c < 3; ++c) out = largest[c] > out ? largest[c] : out;
    return out;
}

// Rows of the neighbours inside the cutoff and of few beyond it; returns how many the atom with most has.
inline std::int32_t select_neighbors(const Model& m, const Window& w, real largest, const WindowMemory& memory) {
    // Single precision is off by no more than this in any position.
    const real reach = m.cutoff + 8.0 * 0x1p-24 * (largest + m.cutoff);
    const float bound = float(reach * reach * (1.0 + 0x1p-20));
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < w.n_own; ++i) {
        const std::int64_t first = w.first[i] - w.first[0];
        std::int32_t* near = memory.near + first;
        const std::int32_t* end = append_near(memory.coarse, memory.coarse[i], bound, w.neighbors + w.first[i],
                                              w.first[i + 1] - w.first[i], near);
        memory.first[i] = first;
        memory.count[i] = std::int32_t(end - near);
        if (memory.count[i] > most) most = memory.count[i];
    }
    return most;
}

// Sorts own rows by species and, from many to few, by number of neighbours: the atoms of a block then
// need the same coefficients and leave few lanes empty.
inline void sort_rows(const Model& m, const Window& w, std::int32_t most, const WindowMemory& memory) {
    const std::int64_t n_bins = m.n_species * (std::int64_t(most) + 1);
    std::int32_t* bins = memory.bins;
    for (std::int64_t b = 0; b <= n_bins; ++b) bins[b] = 0;
    auto bin = [&](std::int64_t i) {
        return std::int64_t(memory.rows[4 * i + 3]) * (most + 1) + most - memory.count[i];
    };
    for (std::int64_t i = 0; i < w.n_own; ++i) ++bins[bin(i) + 1];
    for (std::int64_t b = 0; b < n_bins; ++b) bins[b + 1] += bins[b];
    for (std::int64_t i = 0; i < w.n_own; ++i) memory.order[bins[bin(i)]++] = std::int32_t(i);
}

inline System prepare(const Model& m, const Atoms& a, const Window& w, void* at) {
    Arena arena{static_cast<char*>(at)};
    const WindowMemory memory = make_window_memory(m, w, arena);
    const real largest = load_positions(a, w, memory);
    const std::int32_t most = select_neighbors(m, w, largest, memory);
    sort_rows(m, w, most, memory);
    return {w.n_own,      w.n_rows,     most,         memory.rows,  w.atoms,    a.types,
            a.structures, memory.order, memory.count, memory.first, memory.near};
}

}  // namespace maxvolt::MAXVOLT_VARIANT
