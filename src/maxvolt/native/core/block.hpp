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
    std::int64_t atom[lanes];  // -1 where the last block has no atom
    vec *x, *y, *z;            // unit vectors to the neighbours, [slot]
    vec *r, *inverse_r, *mask;
    vec *repulsion_slope;             // derivative of the pair repulsion, [slot]
    vec repulsion;                    // pair repulsion of each atom
    std::int32_t *neighbor, *pair;    // [slot][lane]
    vec *f, *df;                      // radial functions, [slot][mu]
    vec *phi, *dphi;                  // radial basis, [slot][k]
};

MAXVOLT_INLINE std::int64_t rounded_slots(const System& s) {
    return (s.max_neighbors + slot_group - 1) / slot_group * slot_group;
}

MAXVOLT_INLINE Block make_block(const Model& m, const System& s, Arena& arena) {
    const std::int64_t n = rounded_slots(s);
    Block b{};
    vec** const vectors[] = {&b.x, &b.y, &b.z, &b.r, &b.inverse_r, &b.mask, &b.repulsion_slope};
    for (vec** p : vectors) *p = arena.take<vec>(n);
    b.neighbor = arena.take<std::int32_t>(n * lanes);
    b.pair = arena.take<std::int32_t>(n * lanes);
    b.f = arena.take<vec>(n * m.n_mu);
    b.df = arena.take<vec>(n * m.n_mu);
    b.phi = arena.take<vec>(n * m.radial_size);
    b.dphi = arena.take<vec>(n * m.radial_size);
    return b;
}

// Puts the neighbours of one atom inside the cutoff into its lane. Returns false if one coincides with
// the atom.
inline bool load_lane(const Model& m, const System& s, Block& b, int lane, std::int64_t i) {
    double* x = reinterpret_cast<double*>(b.x) + lane;
    double* y = reinterpret_cast<double*>(b.y) + lane;
    double* z = reinterpret_cast<double*>(b.z) + lane;
    double* r2 = reinterpret_cast<double*>(b.r) + lane;
    const double* own = s.positions + 3 * i;
    const double* cell = s.cells + 9 * std::int64_t(s.structures[i]);
    const double cutoff2 = m.cutoff * m.cutoff;
    const std::int32_t row = s.types[i] * m.n_species;
    int n = 0;
    bool distinct = true;
    for (std::int64_t p = s.first[i]; p < s.first[i + 1]; ++p) {
        const std::int32_t j = s.neighbors[p];
        const double* other = s.positions + 3 * std::int64_t(j);
        const std::int32_t* t = s.shifts + 3 * p;
        double dx = other[0] - own[0], dy = other[1] - own[1], dz = other[2] - own[2];
        if (t[0] | t[1] | t[2]) {
            dx += t[0] * cell[0] + t[1] * cell[3] + t[2] * cell[6];
            dy += t[0] * cell[1] + t[1] * cell[4] + t[2] * cell[7];
            dz += t[0] * cell[2] + t[1] * cell[5] + t[2] * cell[8];
        }
        const double d2 = dx * dx + dy * dy + dz * dz;
        if (!(d2 < cutoff2)) continue;
        distinct &= d2 > 1e-16;
        x[n * lanes] = dx;
        y[n * lanes] = dy;
        z[n * lanes] = dz;
        r2[n * lanes] = d2;
        b.neighbor[n * lanes + lane] = j;
        b.pair[n * lanes + lane] = row + s.types[j];
        ++n;
    }
    b.count[lane] = n;
    return distinct;
}

// A neighbour that is not there: any unit vector, weight zero, and the pair of its slot's other lanes
// where there is one, so that it adds no further kind of pair.
MAXVOLT_INLINE void pad_lane(const Model& m, Block& b, int lane) {
    for (int n = b.count[lane]; n < b.n_slots; ++n) {
        b.x[n][lane] = b.y[n][lane] = 0.0;
        b.z[n][lane] = m.cutoff;
        b.r[n][lane] = m.cutoff * m.cutoff;
        b.neighbor[n * lanes + lane] = -1;
        b.pair[n * lanes + lane] = n ? b.pair[(n - 1) * lanes + lane] : 0;
    }
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

// Fills the block with atoms begin .. begin+lanes-1 (below end) and computes radial functions. Returns -1
// or an atom that coincides with a neighbour.
inline std::int64_t load_block(const Model& m, const System& s, std::int64_t begin, std::int64_t end,
                               Block& b) {
    int most = 0;
    for (int l = 0; l < lanes; ++l) {
        b.atom[l] = begin + l < end ? begin + l : -1;
        b.count[l] = 0;
        if (b.atom[l] >= 0 && !load_lane(m, s, b, l, b.atom[l])) return b.atom[l];
        if (b.count[l] > most) most = b.count[l];
    }
    b.n_slots = (most + slot_group - 1) / slot_group * slot_group;
    for (int l = 0; l < lanes; ++l) pad_lane(m, b, l);
    for (int n = 0; n < b.n_slots; ++n) {
        b.r[n] = square_root(b.r[n]);
        b.inverse_r[n] = 1.0 / b.r[n];
        b.x[n] *= b.inverse_r[n];
        b.y[n] *= b.inverse_r[n];
        b.z[n] *= b.inverse_r[n];
        for (int l = 0; l < lanes; ++l) b.mask[n][l] = n < b.count[l] ? 1.0 : 0.0;
        vec* phi = b.phi + std::int64_t(n) * m.radial_size;
        vec* dphi = b.dphi + std::int64_t(n) * m.radial_size;
        radial_basis(m, b.r[n], phi, dphi);
        radial_functions(m, phi, dphi, b.pair + n * lanes, b.mask[n], b.f + std::int64_t(n) * m.n_mu,
                         b.df + std::int64_t(n) * m.n_mu);
    }
    load_repulsion(m, b);
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
