// A block: `lanes` atoms and their neighbours inside the cutoff, one atom a lane.
#pragma once
#include "model.hpp"
#include "radial.hpp"
#include "simd.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int slot_group = 4;  // neighbours handled together in the loops over monomials

struct Block {
    int n_slots;               // neighbours of the atom that has most, rounded up to slot_group
    int count[lanes];          // neighbours of each atom
    std::int64_t atom[lanes];  // the caller's index; -1 where the last block has no atom
    std::int32_t own[lanes];   // row of each atom
    vec *x, *y, *z;            // unit vectors to the neighbours, [slot]
    vec *r, *inverse_r, *mask;       // mask: one where there is a neighbour, else zero
    vec *repulsion_slope;            // derivative of the pair repulsion, [slot]
    vec repulsion;                   // pair repulsion of each atom
    std::int32_t *row, *pair;        // of each neighbour, [slot][lane]
    std::int32_t* kind;              // pair of all lanes of a slot, or -1 where they differ
    bool one_type;                   // the atoms are of one species
    vec *f, *df;                     // radial functions, [slot][mu]
    // For derivatives by parameters only:
    std::int32_t* neighbor;          // the caller's index, [slot][lane]
    vec *phi, *dphi;                 // radial basis, [slot][k]
};

MAXVOLT_INLINE std::int64_t rounded_slots(const System& s) {
    constexpr int whole = lanes > slot_group ? lanes : slot_group;
    return (s.max_neighbors + whole - 1) / whole * whole;
}

MAXVOLT_INLINE Block make_block(const Model& m, const System& s, Arena& arena) {
    const std::int64_t n = rounded_slots(s);
    Block b{};
    vec** const vectors[] = {&b.x, &b.y, &b.z, &b.r, &b.inverse_r, &b.mask, &b.repulsion_slope};
    for (vec** p : vectors) *p = arena.take<vec>(n);
    std::int32_t** const indices[] = {&b.row, &b.pair, &b.neighbor};
    for (std::int32_t** p : indices) *p = arena.take<std::int32_t>(n * lanes);
    b.kind = arena.take<std::int32_t>(n);
    b.f = arena.take<vec>(n * m.n_mu);
    b.df = arena.take<vec>(n * m.n_mu);
    b.phi = arena.take<vec>(n * m.radial_size);
    b.dphi = arena.take<vec>(n * m.radial_size);
    return b;
}

// Atoms of the block and the rows of their neighbours; a lane's missing ones are the row far away.
MAXVOLT_INLINE void load_rows_of_block(const System& s, std::int64_t begin, std::int64_t end, Block& b) {
    int most = 0;
    for (int l = 0; l < lanes; ++l) {
        const bool there = begin + l < end;
        b.own[l] = s.order[there ? begin + l : begin];
        b.atom[l] = there ? s.atoms[b.own[l]] : -1;
        b.count[l] = there ? s.count[b.own[l]] : 0;
        if (b.count[l] > most) most = b.count[l];
    }
    b.n_slots = (most + slot_group - 1) / slot_group * slot_group;
    for (int n = 0; n < b.n_slots; n += lanes) {
        integers rows[lanes];  // of one atom each; behind its last neighbour stands anything
        for (int l = 0; l < lanes; ++l) {
            rows[l] = *reinterpret_cast<const unaligned_integers*>(s.near + s.first[b.own[l]] + n);
            rows[l] = n + ascending() < b.count[l] ? rows[l] : integers{} + std::int32_t(s.n_rows);
        }
        transpose(rows);
        for (int q = 0; q < lanes; ++q)
            *reinterpret_cast<integers*>(b.row + (n + q) * lanes) = rows[q];
    }
}

// Unit vectors, distances and species. A neighbour that is not there has any unit vector. Returns whether
// an atom coincides with a neighbour.
template <bool several_species>
MAXVOLT_INLINE bool load_vectors(const Model& m, const System& s, Block& b) {
    vec own[4];
    load_rows(s.rows, b.own, own);
    const real cutoff2 = m.cutoff * m.cutoff;
    mask coincident{};
    b.one_type = !any(own[3] != broadcast(own[3][0]));
    for (int n = 0; n < b.n_slots; ++n) {
        vec v[4];
        load_rows(s.rows, b.row + n * lanes, v);
        vec dx = v[0] - own[0], dy = v[1] - own[1], dz = v[2] - own[2];
        vec d2 = dx * dx + dy * dy + dz * dz;
        const mask inside = d2 < cutoff2;
        dx = inside ? dx : zero();
        dy = inside ? dy : zero();
        dz = inside ? dz : broadcast(m.cutoff);
        d2 = inside ? d2 : broadcast(cutoff2);
        coincident |= d2 < 1e-16;
        b.mask[n] = inside ? broadcast(1.0) : zero();
        b.inverse_r[n] = inverse_square_root(d2);
        b.r[n] = d2 * b.inverse_r[n];
        b.x[n] = dx * b.inverse_r[n];
        b.y[n] = dy * b.inverse_r[n];
        b.z[n] = dz * b.inverse_r[n];
        integers pairs{};
        b.kind[n] = 0;
        if constexpr (several_species) {
            const vec type = inside ? v[3] : broadcast(v[3][0]);
            const vec pair = own[3] * double(m.n_species) + type;
            pairs = __builtin_convertvector(pair, integers);
            b.kind[n] = any(pair != broadcast(pair[0])) ? -1 : pairs[0];
        }
        *reinterpret_cast<integers*>(b.pair + n * lanes) = pairs;
    }
    return any(coincident);
}

// Radial functions, two slots at a time.
inline void load_functions(const Model& m, const System& s, Block& b) {
    const std::int64_t length = std::int64_t(2) * m.n_mu * m.radial_size;
    for (int n = 0; n < b.n_slots; n += 2) {
        const vec *r = b.r + n, *mask = b.mask + n;
        vec *f = b.f + std::int64_t(n) * m.n_mu, *df = b.df + std::int64_t(n) * m.n_mu;
        if (b.kind[n] >= 0 && b.kind[n] == b.kind[n + 1]) {
            radial_functions<2>(m, r, mask, OnePair{m.series + b.kind[n] * length}, f, df);
        } else if (b.one_type && m.n_species <= longest_selection) {
            const std::int32_t type = s.types[s.atoms[b.own[0]]];
            OneAtomType<2> c{m.series_by_type + type * length * m.type_stride, m.type_stride, {}};
            for (int q = 0; q < 2; ++q)
                c.neighbors[q] = selection(
                    *reinterpret_cast<const integers*>(b.pair + (n + q) * lanes) -
                    type * m.n_species);
            radial_functions<2>(m, r, mask, c, f, df);
        } else {
            radial_functions<2>(m, r, mask, AnyPairs{m.series, length, b.pair + n * lanes}, f, df);
        }
    }
}

// The first atom of a pair that coincides.
inline std::int64_t coincident_atom(const System& s, const Block& b) {
    for (int l = 0; l < lanes; ++l)
        for (int n = 0; n < b.count[l]; ++n) {
            const real* x = s.rows + 4 * std::int64_t(b.own[l]);
            const real* y = s.rows + 4 * std::int64_t(b.row[n * lanes + l]);
            const real dx = y[0] - x[0], dy = y[1] - x[1], dz = y[2] - x[2];
            const std::int64_t other = s.atoms[b.row[n * lanes + l]];
            if (dx * dx + dy * dy + dz * dz < 1e-16) return other < b.atom[l] ? other : b.atom[l];
        }
    return b.atom[0];
}

MAXVOLT_INLINE void load_repulsion(const Model& m, Block& b) {
    double reach = m.zbl_outer;
    if (m.exponential_repulsion != 0.0 && m.min_dist > reach) reach = m.min_dist;
    b.repulsion = zero();
    for (int n = 0; n < b.n_slots; ++n) {
        b.repulsion_slope[n] = zero();
        for (int l = 0; l < lanes && reach > 0.0; ++l) {
            if (n >= b.count[l] || b.r[n][l] >= reach) continue;
            const std::int32_t pair = b.pair[n * lanes + l];
            const PairEnergy e = pair_repulsion(m, pair / m.n_species, pair % m.n_species, b.r[n][l]);
            b.repulsion[l] += e.value;
            b.repulsion_slope[n][l] = e.slope;
        }
    }
}

// What derivatives by parameters need besides: the radial basis itself ...
template <bool with_slopes>
inline void load_basis(const Model& m, Block& b) {
    for (int n = 0; n < b.n_slots; ++n) {
        vec* phi = b.phi + std::int64_t(n) * m.radial_size;
        if constexpr (with_slopes)
            radial_basis(m, b.r[n], phi, b.dphi + std::int64_t(n) * m.radial_size);
        else
            radial_basis(m, b.r[n], phi);
    }
}

// ... and neighbours by name.
inline void load_names(const System& s, Block& b) {
    for (int n = 0; n < b.n_slots; ++n)
        for (int l = 0; l < lanes; ++l) {
            const bool there = n < b.count[l];
            b.neighbor[n * lanes + l] = there ? s.atoms[b.row[n * lanes + l]] : -1;
        }
}

enum class Load { forces, names, rows, parameters };

// Fills the block with entries begin .. begin+lanes-1 (below end) of the system's order and computes radial
// functions. Returns -1 or an atom that coincides with a neighbour.
template <Load what = Load::parameters>
inline std::int64_t load_block(const Model& m, const System& s, std::int64_t begin, std::int64_t end,
                               Block& b) {
    load_rows_of_block(s, begin, end, b);
    const bool coincident = m.n_species > 1 ? load_vectors<true>(m, s, b) : load_vectors<false>(m, s, b);
    if (coincident) return coincident_atom(s, b);
    load_functions(m, s, b);
    load_repulsion(m, b);
    if constexpr (what == Load::rows || what == Load::parameters) load_basis<what == Load::parameters>(m, b);
    if constexpr (what == Load::names || what == Load::parameters) load_names(s, b);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
