// Rows of the Jacobian: derivatives of energies, forces and virials with respect to all parameters, for
// linear and Gauss-Newton fitting (docs/formulation, section 6).
//
// For one atom and one parameter p, d/dp (dE/dr_ja) = sum_m d/dp (dE/dM_m) dM_m/dr_ja + (explicit part of
// radial parameters). The sum over basic moments m is a matrix product of a panel [m][p] with
// derivatives [m][j a]; it takes nearly all of the time, so both are packed for it.
#pragma once
#include "gradients.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int column_vecs = lanes == 8 ? 3 : 2;
constexpr int tile_columns = column_vecs * lanes;
constexpr int tile_rows = 6;  // two neighbours, three directions

struct JacobianWorkspace {
    GradientWorkspace base;
    double* derivatives;     // [lane][neighbour pair][basic][tile_rows] dM/dr
    double* panel;           // [lane][basic][tile_columns]
    std::int32_t* listed;    // basic moments of the panel
    std::int32_t* position;  // place of a basic moment in `listed`, -1 if absent
    vec* basis_moments;      // [type_j][k][monomial] sum_j phi_k monomial
    vec* h;                  // [slot][mu] sum_monomial G monomial
    vec* h_vector;           // [slot][mu][3] sum_monomial G d(monomial)/dr
    vec* gradients;          // [3][monomial]
    std::int64_t lane_stride, pair_stride;
};

MAXVOLT_INLINE JacobianWorkspace make_jacobian_workspace(const Model& m, const System& s, Arena& arena) {
    JacobianWorkspace w{};
    const std::int64_t slots = rounded_slots(s), monomial_count = m.monomial_counts[0];
    w.base = make_gradient_workspace(m, s, arena);
    w.pair_stride = std::int64_t(m.n_basic) * tile_rows;
    w.lane_stride = slots / 2 * w.pair_stride;
    w.derivatives = arena.take<double>(lanes * w.lane_stride);
    w.panel = arena.take<double>(std::int64_t(lanes) * m.n_basic * tile_columns);
    w.listed = arena.take<std::int32_t>(m.n_basic);
    w.position = arena.take<std::int32_t>(m.n_basic);
    w.basis_moments = arena.take<vec>(std::int64_t(m.n_species) * m.radial_size * monomial_count);
    w.h = arena.take<vec>(slots * m.n_mu);
    w.h_vector = arena.take<vec>(slots * m.n_mu * 3);
    w.gradients = arena.take<vec>(3 * monomial_count);
    return w;
}

MAXVOLT_INLINE void scatter_derivative(JacobianWorkspace& w, const Block& b, int n, int basic, int axis,
                                       vec value) {
    double* out = w.derivatives + (n / 2) * w.pair_stride + std::int64_t(basic) * tile_rows +
                  (n % 2) * 3 + axis;
    for (int l = 0; l < lanes; ++l, out += w.lane_stride) *out = n < b.count[l] ? value[l] : 0.0;
}

// Monomials of one slot and their gradients with respect to the neighbour's position.
MAXVOLT_INLINE void slot_gradients(const Model& m, JacobianWorkspace& w, int n) {
    const Block& b = w.base.base.block;
    const int count = m.monomial_counts[0];
    monomials<1>(m.max_degree, b.x + n, b.y + n, b.z + n, w.base.base.tile);
    const vec u[3] = {b.x[n], b.y[n], b.z[n]};
    for (int a = 0; a < 3; ++a) {
        vec d[3];
        for (int c = 0; c < 3; ++c) d[c] = ((c == a ? 1.0 : 0.0) - u[a] * u[c]) * b.inverse_r[n];
        monomials_tangent<1>(m.max_degree, u, u + 1, u + 2, d, d + 1, d + 2, w.base.base.tile,
                             w.gradients + a * count);
    }
}

// basis_moments of one slot, once for each species of neighbour in it.
inline void add_basis_moments(const Model& m, JacobianWorkspace& w, int n) {
    const Block& b = w.base.base.block;
    const int count = m.monomial_counts[0];
    for (int type = 0; type < m.n_species; ++type) {
        vec weight = zero();
        bool any = false;
        for (int l = 0; l < lanes; ++l)
            if (n < b.count[l] && b.pair[n * lanes + l] % m.n_species == type) {
                weight[l] = 1.0;
                any = true;
            }
        if (!any) continue;
        for (int k = 0; k < m.radial_size; ++k) {
            const vec phi = weight * b.phi[std::int64_t(n) * m.radial_size + k];
            vec* out = w.basis_moments + (std::int64_t(type) * m.radial_size + k) * count;
            for (int i = 0; i < count; ++i) out[i] += phi * w.base.base.tile[i];
        }
    }
}

// Fills derivatives, h, h_vector and basis_moments of a block; adjoint holds dE/dM.
inline void load_derivatives(const Model& m, JacobianWorkspace& w) {
    const Workspace& base = w.base.base;
    const Block& b = base.block;
    const int count = m.monomial_counts[0];
    for (std::int64_t q = 0; q < std::int64_t(m.n_species) * m.radial_size * count; ++q)
        w.basis_moments[q] = zero();
    for (int n = 0; n < b.n_slots; ++n) {
        slot_gradients(m, w, n);
        add_basis_moments(m, w, n);
        const vec u[3] = {b.x[n], b.y[n], b.z[n]};
        for (int mu = 0; mu < m.n_mu; ++mu) {
            const vec f = b.f[std::int64_t(n) * m.n_mu + mu], df = b.df[std::int64_t(n) * m.n_mu + mu];
            const int at = m.moment_offsets[mu];
            vec h = zero(), h_vector[3] = {zero(), zero(), zero()};
            for (int i = 0; i < m.monomial_counts[mu]; ++i) {
                const vec value = base.tile[i], g = base.adjoint[at + i];
                h += g * value;
                for (int a = 0; a < 3; ++a) {
                    const vec slope = w.gradients[a * count + i];
                    h_vector[a] += g * slope;
                    scatter_derivative(w, b, n, at + i, a, df * u[a] * value + f * slope);
                }
            }
            w.h[std::int64_t(n) * m.n_mu + mu] = h;
            for (int a = 0; a < 3; ++a) w.h_vector[(std::int64_t(n) * m.n_mu + mu) * 3 + a] = h_vector[a];
        }
    }
}

// out[row][column] = sum over the listed moments of derivatives * panel.
MAXVOLT_INLINE void tile_product(const double* derivatives, const std::int32_t* listed, int n,
                                 const double* panel, double (*out)[tile_columns]) {
    vec sum[tile_rows][column_vecs];
    for (auto& row : sum)
        for (auto& v : row) v = zero();
    for (int q = 0; q < n; ++q, panel += tile_columns) {
        const double* a = derivatives + std::int64_t(listed[q]) * tile_rows;
        vec d[column_vecs];
        for (int v = 0; v < column_vecs; ++v) d[v] = load(panel + v * lanes);
        for (int row = 0; row < tile_rows; ++row)
            for (int v = 0; v < column_vecs; ++v) sum[row][v] += a[row] * d[v];
    }
    for (int row = 0; row < tile_rows; ++row)
        for (int v = 0; v < column_vecs; ++v) store(out[row] + v * lanes, sum[row][v]);
}

// Columns [column, column + n) of the parameters; for radial columns `local` is the index within
// [type_j][mu][k], for scalars it is -1.
struct ColumnTile {
    std::int64_t column;
    int n, local;
};

// Radial functions depend on the parameters themselves: f_mu' = phi_k.
MAXVOLT_INLINE void add_explicit_part(const Model& m, const JacobianWorkspace& w, int lane, int n,
                                      const ColumnTile& t, double (*out)[tile_columns]) {
    const Block& b = w.base.base.block;
    const int type = b.pair[n * lanes + lane] % m.n_species, width = m.n_mu * m.radial_size;
    const double u[3] = {b.x[n][lane], b.y[n][lane], b.z[n][lane]};
    for (int c = 0; c < t.n; ++c) {
        const int local = t.local + c;
        if (local / width != type) continue;
        const int mu = local % width / m.radial_size, k = local % m.radial_size;
        const double phi = b.phi[std::int64_t(n) * m.radial_size + k][lane];
        const double radial = b.dphi[std::int64_t(n) * m.radial_size + k][lane] *
                              w.h[std::int64_t(n) * m.n_mu + mu][lane];
        const vec* vector = w.h_vector + (std::int64_t(n) * m.n_mu + mu) * 3;
        for (int a = 0; a < 3; ++a) out[a][c] += radial * u[a] + phi * vector[a][lane];
    }
}

// Adds rows of one neighbour: to its forces (negative), and to the sums of the atom itself.
MAXVOLT_INLINE void add_neighbour(const Block& b, int lane, int n, const ColumnTile& t,
                                  const double (*g)[tile_columns], double (*own)[tile_columns],
                                  double (*virial)[tile_columns], std::int64_t width, double* forces) {
    const double r = b.r[n][lane];
    const double v[3] = {b.x[n][lane] * r, b.y[n][lane] * r, b.z[n][lane] * r};
    double* other = forces + 3 * std::int64_t(b.neighbor[n * lanes + lane]) * width + t.column;
    for (int c = 0; c < tile_columns; ++c) {
        for (int a = 0; a < 3; ++a) own[a][c] += g[a][c];
        virial[0][c] += g[0][c] * v[0];
        virial[1][c] += g[1][c] * v[1];
        virial[2][c] += g[2][c] * v[2];
        virial[3][c] += g[1][c] * v[2];
        virial[4][c] += g[0][c] * v[2];
        virial[5][c] += g[0][c] * v[1];
    }
    for (int a = 0; a < 3; ++a)
        for (int c = 0; c < t.n; ++c) other[a * width + c] -= g[a][c];
}

// Force and virial rows of one atom for a tile of columns.
inline void add_tile(const Model& m, const System& s, const JacobianWorkspace& w, int lane, int listed,
                     const ColumnTile& t, const JacobianOutput& out) {
    const Block& b = w.base.base.block;
    const std::int64_t width = n_parameters(m);
    const double* panel = w.panel + std::int64_t(lane) * m.n_basic * tile_columns;
    const double* derivatives = w.derivatives + lane * w.lane_stride;
    double own[3][tile_columns] = {}, virial[6][tile_columns] = {}, g[tile_rows][tile_columns];
    for (int n = 0; n < b.count[lane]; n += 2) {
        tile_product(derivatives + (n / 2) * w.pair_stride, w.listed, listed, panel, g);
        for (int q = 0; q < 2 && n + q < b.count[lane]; ++q) {
            if (t.local >= 0) add_explicit_part(m, w, lane, n + q, t, g + 3 * q);
            add_neighbour(b, lane, n + q, t, g + 3 * q, own, virial, width, out.forces);
        }
    }
    double* force = out.forces + 3 * b.atom[lane] * width + t.column;
    double* stress = out.virials + 6 * std::int64_t(s.structures[b.atom[lane]]) * width + t.column;
    for (int c = 0; c < t.n; ++c) {
        for (int a = 0; a < 3; ++a) force[a * width + c] += own[a][c];
        for (int v = 0; v < 6; ++v) stress[v * width + c] += virial[v][c];
    }
}

// Columns of the moment coefficients: the panel holds d(scalar)/d(basic moment).
inline void scalar_columns(const Model& m, const ScalarGraph& graph, const System& s, JacobianWorkspace& w,
                           const JacobianOutput& out) {
    const Block& b = w.base.base.block;
    const vec* moments = w.base.base.moments;
    vec* adjoint = w.base.adjoint_tangent;
    const std::int64_t first = n_parameters(m) - m.n_scalars, width = n_parameters(m);
    for (int k0 = 0; k0 < m.n_scalars; k0 += tile_columns) {
        const int n = m.n_scalars - k0 < tile_columns ? m.n_scalars - k0 : tile_columns;
        for (int i = 0; i < m.n_basic; ++i) w.position[i] = -1;
        for (std::int64_t q = graph.basic_first[k0]; q < graph.basic_first[k0 + n]; ++q)
            w.position[graph.basics[q]] = 0;
        int listed = 0;
        for (int i = 0; i < m.n_basic; ++i)
            if (w.position[i] == 0) {
                w.listed[listed] = i;
                w.position[i] = listed++;
            }
        for (int l = 0; l < lanes; ++l) {
            double* panel = w.panel + std::int64_t(l) * m.n_basic * tile_columns;
            for (int q = 0; q < listed * tile_columns; ++q) panel[q] = 0.0;
        }
        for (int c = 0; c < n; ++c) {
            const int k = k0 + c;
            for (std::int64_t q = graph.node_first[k]; q < graph.node_first[k + 1]; ++q)
                adjoint[graph.nodes[q]] = zero();
            for (std::int64_t q = graph.basic_first[k]; q < graph.basic_first[k + 1]; ++q)
                adjoint[graph.basics[q]] = zero();
            adjoint[m.scalars[k]] = broadcast(1.0);
            for (std::int64_t q = graph.run_first[k]; q < graph.run_first[k + 1]; ++q)
                contract_run_reverse(m, graph.runs[q], moments, adjoint);
            for (std::int64_t q = graph.basic_first[k]; q < graph.basic_first[k + 1]; ++q) {
                const std::int32_t i = graph.basics[q];
                double* at = w.panel + std::int64_t(w.position[i]) * tile_columns + c;
                for (int l = 0; l < lanes; ++l)
                    at[std::int64_t(l) * m.n_basic * tile_columns] = adjoint[i][l];
            }
        }
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            add_tile(m, s, w, l, listed, {first + k0, n, -1}, out);
            double* energy = out.energies + std::int64_t(s.structures[b.atom[l]]) * width + first + k0;
            for (int c = 0; c < n; ++c) energy[c] += moments[m.scalars[k0 + c]][l];
        }
    }
}

// Columns of the radial coefficients: the panel holds d/dc (dE/d(basic moment)).
inline void radial_columns(const Model& m, const System& s, JacobianWorkspace& w,
                           const JacobianOutput& out) {
    const Block& b = w.base.base.block;
    const Workspace& base = w.base.base;
    vec* tangent = w.base.tangent;
    vec* adjoint_tangent = w.base.adjoint_tangent;
    const int total = int(radial_row(m)), count = m.monomial_counts[0], per_type = m.n_mu * m.radial_size;
    const std::int64_t width = n_parameters(m);
    for (int i = 0; i < m.n_basic; ++i) w.listed[i] = i;
    for (int p0 = 0; p0 < total; p0 += tile_columns) {
        const int n = total - p0 < tile_columns ? total - p0 : tile_columns;
        for (int c = 0; c < n; ++c) {
            const int type = (p0 + c) / per_type, mu = (p0 + c) % per_type / m.radial_size,
                      k = (p0 + c) % m.radial_size, at = m.moment_offsets[mu];
            const vec* moved = w.basis_moments + (std::int64_t(type) * m.radial_size + k) * count;
            for (int i = 0; i < m.n_basic; ++i) tangent[i] = zero();
            vec energy = zero();
            for (int i = 0; i < m.monomial_counts[mu]; ++i) {
                tangent[at + i] = moved[i];
                energy += base.adjoint[at + i] * moved[i];
            }
            contract_tangent(m, base.moments, tangent);
            for (int i = 0; i < m.n_moments; ++i) adjoint_tangent[i] = zero();
            contract_reverse_tangent(m, base.moments, base.adjoint, tangent, adjoint_tangent);
            for (int l = 0; l < lanes; ++l) {
                double* panel = w.panel + std::int64_t(l) * m.n_basic * tile_columns + c;
                for (int i = 0; i < m.n_basic; ++i) panel[i * tile_columns] = adjoint_tangent[i][l];
                if (b.atom[l] < 0) continue;
                const std::int64_t column = s.types[b.atom[l]] * std::int64_t(total) + p0 + c;
                out.energies[std::int64_t(s.structures[b.atom[l]]) * width + column] += energy[l];
            }
        }
        for (int c = n; c < tile_columns; ++c)
            for (int q = 0; q < lanes * m.n_basic; ++q) w.panel[std::int64_t(q) * tile_columns + c] = 0.0;
        for (int l = 0; l < lanes; ++l)
            if (b.atom[l] >= 0)
                add_tile(m, s, w, l, m.n_basic, {s.types[b.atom[l]] * std::int64_t(total) + p0, n, p0}, out);
    }
}

inline std::int64_t jacobian(const Model& m, const ScalarGraph& graph, const System& s, std::int64_t begin,
                             std::int64_t end, void* memory, const JacobianOutput& out) {
    Arena arena{static_cast<char*>(memory)};
    JacobianWorkspace w = make_jacobian_workspace(m, s, arena);
    Workspace& base = w.base.base;
    const Block& b = base.block;
    const std::int64_t width = n_parameters(m), species_at = radial_row(m) * m.n_species;
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block(m, s, i, end, base.block);
        if (bad >= 0) return bad;
        basic_moments(m, b, base.tile, base.moments);
        contract(m, base.moments);
        energy_adjoint(m, base.moments, base.adjoint);
        load_derivatives(m, w);
        scalar_columns(m, graph, s, w, out);
        radial_columns(m, s, w, out);
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            out.energies[std::int64_t(s.structures[b.atom[l]]) * width + species_at + s.types[b.atom[l]]] +=
                1.0;
        }
    }
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
