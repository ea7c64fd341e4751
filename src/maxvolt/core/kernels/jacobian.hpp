// Rows of the Jacobian: derivatives of energies, forces and virials with respect to all parameters, for
// linear and Gauss-Newton fitting (docs/formulation, "Elimination of the linear coefficients").
//
// For one atom and one parameter p, d/dp (dE/dr_ja) = sum_m d/dp (dE/dM_m) dM_m/dr_ja + (explicit part of
// radial parameters). What multiplies dM_m/dr_ja, the coupling of p to the basic moments m, is found for a
// block of atoms at once, one atom a lane; for scalars it is sparse. The sum itself runs atom by atom, one
// neighbour a lane. The columns of the linear and of the radial parameters can be had apart.
#pragma once
#include "gradients.hpp"
#include "neighbor_sums.hpp"

namespace maxvolt::MAXVOLT_VARIANT {

constexpr int most_vecs = lanes == 8 ? 8 : 4;  // neighbours handled at once, in vectors: fits registers

// One atom with its neighbours side by side: arrays [.. ][stride] of vectors of neighbours.
struct AtomWorkspace {
    std::int64_t stride;      // vectors
    vec *x, *y, *z, *r;       // unit vectors and distances
    vec *f, *df;              // [mu]
    vec *phi, *dphi;          // [k], zero behind the last neighbour
    vec* is_type;             // [type_j] one where a neighbour is of this species
    vec* derivatives;         // [basic][3] dM/dr
    vec* h;                   // [mu] sum_monomial G monomial
    vec* h_vector;            // [mu][3] sum_monomial G d(monomial)/dr
    vec* tile;                // monomials of one vector of neighbours, [monomial]
    vec* tile_gradients;      // [3][monomial]
    single_vec* single_derivatives;  // [basic][3] the same in single precision, [single_stride]
    std::int64_t single_stride;
    Targets<vec> targets;
    double* columns;          // [lanes][3][targets.places] results of a tile of columns
};

struct JacobianWorkspace {
    GradientWorkspace base;
    AtomWorkspace atom;
    vec* basis_moments;     // [type_j][k][monomial] sum_j phi_k monomial
    double* scalar_couplings;  // [lane][entry of the scalar graph] d(scalar)/d(basic moment)
    double* radial_couplings;  // [lane][radial column][basic] d/dc dE/d(basic moment)
    float* single_couplings;   // [radial column][basic] the same of one atom
    std::int64_t scalar_stride, radial_stride;
};

MAXVOLT_INLINE AtomWorkspace make_atom_workspace(const Model& m, const System& s, Arena& arena) {
    AtomWorkspace w{};
    const std::int64_t n = (rounded_slots(s) + lanes - 1) / lanes, count = m.monomial_counts[0];
    w.stride = n;
    vec** const vectors[] = {&w.x, &w.y, &w.z, &w.r};
    for (vec** p : vectors) *p = arena.take<vec>(n);
    w.f = arena.take<vec>(n * m.n_mu);
    w.df = arena.take<vec>(n * m.n_mu);
    w.phi = arena.take<vec>(n * m.radial_size);
    w.dphi = arena.take<vec>(n * m.radial_size);
    w.is_type = arena.take<vec>(n * m.n_species);
    w.derivatives = arena.take<vec>(n * m.n_independent * 3);
    w.h = arena.take<vec>(n * m.n_mu);
    w.h_vector = arena.take<vec>(n * m.n_mu * 3);
    w.tile = arena.take<vec>(count);
    w.tile_gradients = arena.take<vec>(3 * count);
    w.targets = make_targets<vec>(whole_vectors(n * lanes, 2 * lanes), arena);
    w.single_stride = w.targets.places / (2 * lanes);
    w.single_derivatives = arena.take<single_vec>(w.single_stride * m.n_independent * 3);
    w.columns = arena.take<double>(lanes * 3 * w.targets.places);
    return w;
}

MAXVOLT_INLINE JacobianWorkspace make_jacobian_workspace(const Model& m, const ScalarGraph& graph,
                                                         const System& s, Arena& arena) {
    JacobianWorkspace w{};
    w.base = make_gradient_workspace(m, s, arena);
    w.atom = make_atom_workspace(m, s, arena);
    w.basis_moments =
        arena.take<vec>(std::int64_t(m.n_species) * m.radial_size * m.monomial_counts[0]);
    w.scalar_stride = graph.basic_first[m.n_scalars];
    w.radial_stride = radial_row(m) * m.n_independent;
    w.scalar_couplings = arena.take<double>(lanes * w.scalar_stride);
    w.radial_couplings = arena.take<double>(lanes * w.radial_stride);
    w.single_couplings = arena.take<float>(w.radial_stride);
    return w;
}

// basis_moments of a block, from every slot and species of neighbour.
inline void load_basis_moments(const Model& m, JacobianWorkspace& w) {
    const Block& b = w.base.base.block;
    vec* tile = w.base.base.tile;
    const int count = m.monomial_counts[0];
    for (std::int64_t q = 0; q < std::int64_t(m.n_species) * m.radial_size * count; ++q)
        w.basis_moments[q] = zero();
    for (int n = 0; n < b.n_slots; ++n) {
        monomials<1>(m.max_degree, b.x + n, b.y + n, b.z + n, tile);
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
                for (int i = 0; i < count; ++i) out[i] += phi * tile[i];
            }
        }
    }
}

// Copies one lane of a block so that its neighbours lie side by side.
inline void load_atom(const Model& m, const Block& b, int lane, AtomWorkspace& w) {
    const int padded = (b.count[lane] + lanes - 1) / lanes * lanes;
    auto element = [](vec* v, int n) -> double& { return reinterpret_cast<double*>(v)[n]; };
    for (int n = 0; n < padded; ++n) {
        const bool real = n < b.count[lane];
        element(w.x, n) = real ? b.x[n][lane] : 0.0;
        element(w.y, n) = real ? b.y[n][lane] : 0.0;
        element(w.z, n) = real ? b.z[n][lane] : 1.0;
        element(w.r, n) = real ? b.r[n][lane] : 1.0;
        for (int mu = 0; mu < m.n_mu; ++mu) {
            element(w.f + mu * w.stride, n) = real ? b.f[std::int64_t(n) * m.n_mu + mu][lane] : 0.0;
            element(w.df + mu * w.stride, n) = real ? b.df[std::int64_t(n) * m.n_mu + mu][lane] : 0.0;
        }
        for (int k = 0; k < m.radial_size; ++k) {
            const std::int64_t at = std::int64_t(n) * m.radial_size + k;
            element(w.phi + k * w.stride, n) = real ? b.phi[at][lane] : 0.0;
            element(w.dphi + k * w.stride, n) = real ? b.dphi[at][lane] : 0.0;
        }
        for (int type = 0; type < m.n_species; ++type)
            element(w.is_type + type * w.stride, n) =
                real && b.pair[n * lanes + lane] % m.n_species == type ? 1.0 : 0.0;
    }
}

// derivatives, h and h_vector of one vector of neighbours; adjoint holds G = dE/dM in lane `lane`.
inline void load_derivatives(const Model& m, const vec* adjoint, int lane, int v, AtomWorkspace& w) {
    const int count = m.monomial_counts[0];
    const vec u[3] = {w.x[v], w.y[v], w.z[v]};
    const vec inverse_r = 1.0 / w.r[v];
    monomials<1>(m.max_degree, u, u + 1, u + 2, w.tile);
    for (int a = 0; a < 3; ++a) {
        vec d[3];
        for (int c = 0; c < 3; ++c) d[c] = ((c == a ? 1.0 : 0.0) - u[a] * u[c]) * inverse_r;
        monomials_tangent<1>(m.max_degree, u, u + 1, u + 2, d, d + 1, d + 2, w.tile,
                             w.tile_gradients + a * count);
    }
    for (int mu = 0; mu < m.n_mu; ++mu) {
        const vec f = w.f[mu * w.stride + v], df = w.df[mu * w.stride + v];
        const int at = m.moment_offsets[mu];
        vec h = zero(), h_vector[3] = {zero(), zero(), zero()};
        for (int i = 0; i < m.monomial_counts[mu]; ++i) {
            const vec value = w.tile[i], radial = df * value;
            const double g = adjoint[at + i][lane];
            h += g * value;
            vec* out = w.derivatives + std::int64_t(at + i) * 3 * w.stride + v;
            for (int a = 0; a < 3; ++a) {
                const vec slope = w.tile_gradients[a * count + i];
                h_vector[a] += g * slope;
                out[a * w.stride] = radial * u[a] + f * slope;
            }
        }
        w.h[mu * w.stride + v] = h;
        for (int a = 0; a < 3; ++a) w.h_vector[(mu * 3 + a) * w.stride + v] = h_vector[a];
    }
}

// out[a][neighbour] = sum_q coupling[q] dM_basics[q]/dr_a for V vectors of neighbours from v0; all basic
// moments in turn where basics is null.
template <int V>
MAXVOLT_INLINE void couple(const AtomWorkspace& w, int v0, const std::int32_t* basics,
                           const double* coupling, std::int64_t n, double* out) {
    vec sum[3][V];
    for (auto& row : sum)
        for (auto& s : row) s = zero();
    for (std::int64_t q = 0; q < n; ++q) {
        const vec* d = w.derivatives + (basics ? basics[q] : q) * 3 * w.stride + v0;
        const double c = coupling[q];
        for (int a = 0; a < 3; ++a)
            for (int v = 0; v < V; ++v) sum[a][v] += c * d[a * w.stride + v];
    }
    for (int a = 0; a < 3; ++a)
        for (int v = 0; v < V; ++v) store(out + (a * w.stride + v0 + v) * lanes, sum[a][v]);
}

inline void couple_all(const AtomWorkspace& w, int vecs, const std::int32_t* basics,
                       const double* coupling, std::int64_t n, double* out) {
    for (int v0 = 0; v0 < vecs;) {
        const int left = vecs - v0 < most_vecs ? vecs - v0 : most_vecs;
        if (left >= 8)
            couple<8>(w, v0, basics, coupling, n, out), v0 += 8;
        else if (left == 7)
            couple<7>(w, v0, basics, coupling, n, out), v0 += 7;
        else if (left == 6)
            couple<6>(w, v0, basics, coupling, n, out), v0 += 6;
        else if (left == 5)
            couple<5>(w, v0, basics, coupling, n, out), v0 += 5;
        else if (left == 4)
            couple<4>(w, v0, basics, coupling, n, out), v0 += 4;
        else if (left == 3)
            couple<3>(w, v0, basics, coupling, n, out), v0 += 3;
        else if (left == 2)
            couple<2>(w, v0, basics, coupling, n, out), v0 += 2;
        else
            couple<1>(w, v0, basics, coupling, n, out), v0 += 1;
    }
}

// Radial functions depend on their parameters themselves: f_mu' = phi_k for neighbours of one species.
inline void add_explicit_part(const Model& m, const AtomWorkspace& w, int vecs, int column, double* out) {
    const int per_type = m.n_mu * m.radial_size, type = column / per_type,
              mu = column % per_type / m.radial_size, k = column % m.radial_size;
    for (int v = 0; v < vecs; ++v) {
        const vec mask = w.is_type[type * w.stride + v];
        const vec radial = mask * w.dphi[k * w.stride + v] * w.h[mu * w.stride + v];
        const vec phi = mask * w.phi[k * w.stride + v];
        const vec u[3] = {w.x[v], w.y[v], w.z[v]};
        for (int a = 0; a < 3; ++a) {
            double* at = out + a * w.targets.places + v * lanes;
            store(at, load(at) + radial * u[a] + phi * w.h_vector[(mu * 3 + a) * w.stride + v]);
        }
    }
}

// to[c] += v[c] for the n <= lanes columns of a tile.
MAXVOLT_INLINE void add_row(double* to, vec v, int n) {
    if (n == lanes)
        store(to, load(to) + v);
    else
        for (int c = 0; c < n; ++c) to[c] += v[c];
}

// Adds a tile of n <= lanes columns of dE/dr to the force rows of atom and neighbours and to the virial
// rows; first is the parameter of the first column, row the distance of two rows of columns.
inline void add_columns(const System& s, const Block& b, int lane, const AtomWorkspace& w, std::int64_t row,
                        std::int64_t width, std::int64_t first, int n, const JacobianOutput& out) {
    vec own[3] = {}, virial[6] = {};
    for (int i0 = 0; i0 < b.count[lane]; i0 += lanes) {
        vec g[3][lanes];  // one row per neighbour, one lane per column
        for (int a = 0; a < 3; ++a) {
            for (int c = 0; c < lanes; ++c)
                g[a][c] = load(w.columns + (c * 3 + a) * row + i0);
            transpose(g[a]);
        }
        for (int q = 0; q < lanes && i0 + q < b.count[lane]; ++q) {
            const int i = i0 + q;
            const double r = b.r[i][lane];
            const double v[3] = {b.x[i][lane] * r, b.y[i][lane] * r, b.z[i][lane] * r};
            double* other = out.forces + 3 * std::int64_t(b.neighbor[i * lanes + lane]) * width + first;
            for (int a = 0; a < 3; ++a) {
                own[a] += g[a][q];
                virial[a] += v[a] * g[a][q];
                add_row(other + a * width, -g[a][q], n);
            }
            virial[3] += v[2] * g[1][q];
            virial[4] += v[2] * g[0][q];
            virial[5] += v[1] * g[0][q];
        }
    }
    double* force = out.forces + 3 * b.atom[lane] * width + first;
    double* stress = out.virials + 6 * std::int64_t(s.structures[b.atom[lane]]) * width + first;
    for (int a = 0; a < 3; ++a) add_row(force + a * width, own[a], n);
    for (int v = 0; v < 6; ++v) add_row(stress + v * width, virial[v], n);
}

// scalar_couplings of a block, by reverse accumulation from each scalar.
inline void load_scalar_couplings(const Model& m, const ScalarGraph& graph, JacobianWorkspace& w) {
    const vec* moments = w.base.base.moments;
    vec* adjoint = w.base.adjoint_tangent;
    for (int k = 0; k < m.n_scalars; ++k) {
        for (std::int64_t q = graph.node_first[k]; q < graph.node_first[k + 1]; ++q)
            adjoint[graph.nodes[q]] = zero();
        for (std::int64_t q = graph.basic_first[k]; q < graph.basic_first[k + 1]; ++q)
            adjoint[graph.basics[q]] = zero();
        adjoint[m.scalars[k]] = broadcast(1.0);
        for (std::int64_t q = graph.run_first[k]; q < graph.run_first[k + 1]; ++q)
            contract_run_reverse(m, graph.runs[q], moments, adjoint);
        for (std::int64_t q = graph.trace_first[k]; q < graph.trace_first[k + 1]; ++q)
            fold_trace(m, graph.traces[q], adjoint);
        for (std::int64_t q = graph.basic_first[k]; q < graph.basic_first[k + 1]; ++q)
            for (int l = 0; l < lanes; ++l)
                w.scalar_couplings[l * w.scalar_stride + q] = adjoint[graph.basics[q]][l];
    }
}

// Also adds the derivatives of the energies by the radial coefficients.
inline void load_radial_couplings(const Model& m, const ScalarGraph& graph, const System& s,
                                  JacobianWorkspace& w, const JacobianOutput& out) {
    const Workspace& base = w.base.base;
    const Block& b = base.block;
    vec *tangent = w.base.tangent, *adjoint_tangent = w.base.adjoint_tangent;
    const int per_type = m.n_mu * m.radial_size, columns = int(radial_row(m));
    const std::int64_t width = n_columns(m, out.radial, out.linear);
    for (int p = 0; p < columns; ++p) {
        const int type = p / per_type, mu = p % per_type / m.radial_size, k = p % m.radial_size;
        const vec* moved =
            w.basis_moments + (std::int64_t(type) * m.radial_size + k) * m.monomial_counts[0];
        for (int i = 0; i < m.n_moments; ++i) tangent[i] = adjoint_tangent[i] = zero();
        vec energy = zero();
        for (int i = 0, at = m.moment_offsets[mu]; i < m.monomial_counts[mu]; ++i, ++at) {
            tangent[at] = moved[i];
            energy += base.adjoint[at] * moved[i];
        }
        expand_traces(m, tangent);
        for (std::int64_t q = graph.forward_first[mu]; q < graph.forward_first[mu + 1]; ++q)
            contract_run_tangent(m, graph.forward_runs[q], base.moments, tangent);
        for (std::int64_t q = graph.reverse_first[mu]; q < graph.reverse_first[mu + 1]; ++q)
            contract_run_reverse_tangent(m, graph.reverse_runs[q], base.moments, base.adjoint, tangent,
                                         adjoint_tangent);
        fold_traces(m, adjoint_tangent);
        for (int l = 0; l < lanes; ++l) {
            double* to = w.radial_couplings + l * w.radial_stride + std::int64_t(p) * m.n_independent;
            for (int i = 0; i < m.n_independent; ++i) to[i] = adjoint_tangent[i][l];
            if (b.atom[l] < 0) continue;
            const std::int64_t column = s.types[b.atom[l]] * std::int64_t(columns) + p;
            out.energies[std::int64_t(s.structures[b.atom[l]]) * width + column] += energy[l];
        }
    }
}

inline void scalar_columns(const Model& m, const ScalarGraph& graph, const System& s, JacobianWorkspace& w,
                           int lane, const JacobianOutput& out) {
    const Block& b = w.base.base.block;
    const std::int64_t width = n_columns(m, out.radial, out.linear), first = width - m.n_scalars;
    const int vecs = (b.count[lane] + lanes - 1) / lanes;
    const double* couplings = w.scalar_couplings + lane * w.scalar_stride;
    double* energy = out.energies + std::int64_t(s.structures[b.atom[lane]]) * width + first;
    for (int k0 = 0; k0 < m.n_scalars; k0 += lanes) {
        const int n = m.n_scalars - k0 < lanes ? m.n_scalars - k0 : lanes;
        for (int c = 0; c < n; ++c) {
            const std::int64_t begin = graph.basic_first[k0 + c], end = graph.basic_first[k0 + c + 1];
            couple_all(w.atom, vecs, graph.basics + begin, couplings + begin, end - begin,
                       w.atom.columns + c * 3 * w.atom.stride * lanes);
            energy[k0 + c] += w.base.base.moments[m.scalars[k0 + c]][lane];
        }
        add_columns(s, b, lane, w.atom, w.atom.stride * lanes, width, first + k0, n, out);
    }
}

// What radial_columns takes of an atom in single precision.
inline void load_single(const Model& m, int lane, int vecs, JacobianWorkspace& w) {
    const AtomWorkspace& a = w.atom;
    for (std::int64_t q = 0; q < std::int64_t(m.n_independent) * 3; ++q) {
        auto* const to = reinterpret_cast<float*>(a.single_derivatives + q * a.single_stride);
        for (int v = 0; v < vecs; ++v) store_as(to + v * lanes, a.derivatives[q * a.stride + v]);
        if (vecs % 2) store_as(to + vecs * lanes, zero());
    }
    const double* from = w.radial_couplings + lane * w.radial_stride;
    for (std::int64_t q = 0; q < w.radial_stride; ++q) w.single_couplings[q] = float(from[q]);
}

// A tile of n columns from p0 on: C at a time, which share what they load.
template <class V>
MAXVOLT_INLINE void radial_tile_columns(const Model& m, const AtomWorkspace& w, const V* derivatives, std::int64_t stride,
                                        int count, const ElementOf<V>* couplings, int p0, int n) {
    const int vecs = (count + lanes_of<V> - 1) / lanes_of<V>, moments = m.n_independent;
    const std::int64_t places = w.targets.places;
    constexpr int together = 4;
    int c = 0;
    for (; c + together <= n; c += together)
        couple_columns<together>(derivatives, stride, vecs, nullptr, couplings + std::int64_t(p0 + c) * moments, moments,
                                 moments, w.columns + c * 3 * places, places);
    for (; c < n; ++c)
        couple_columns<1>(derivatives, stride, vecs, nullptr, couplings + std::int64_t(p0 + c) * moments, moments, moments,
                          w.columns + c * 3 * places, places);
}

inline void radial_columns(const Model& m, const System& s, JacobianWorkspace& w, int lane, const JacobianOutput& out) {
    const Block& b = w.base.base.block;
    const AtomWorkspace& a = w.atom;
    const int count = b.count[lane], vecs = (count + lanes - 1) / lanes, columns = int(radial_row(m));
    const std::int64_t width = n_columns(m, out.radial, out.linear),
                       first = s.types[b.atom[lane]] * std::int64_t(columns);
    if (out.single) load_single(m, lane, vecs, w);
    load_targets(b, lane, vecs * lanes, width, a.targets);
    double* const force = out.forces + 3 * b.atom[lane] * width;
    double* const stress = out.virials + 6 * std::int64_t(s.structures[b.atom[lane]]) * width;
    for (int p0 = 0; p0 < columns; p0 += lanes) {
        const int n = columns - p0 < lanes ? columns - p0 : lanes;
        if (out.single)
            radial_tile_columns(m, a, a.single_derivatives, a.single_stride, count, w.single_couplings, p0, n);
        else
            radial_tile_columns(m, a, a.derivatives, a.stride, count, w.radial_couplings + lane * w.radial_stride, p0, n);
        for (int c = 0; c < n; ++c) add_explicit_part(m, a, vecs, p0 + c, a.columns + c * 3 * a.targets.places);
        const std::int64_t at = first + p0;
        if (n == lanes)
            add_tile(a.targets, a.columns, count, force + at, stress + at, out.forces + at, width);
        else
            add_columns(s, b, lane, a, a.targets.places, width, at, n, out);
    }
}

// The model without its plan: scalars one by one need the table.
MAXVOLT_INLINE Model by_table(const Model& m) {
    Model out = m;
    out.plan = nullptr;
    return out;
}

inline std::int64_t jacobian(const Model& given, const ScalarGraph& graph, const System& s, std::int64_t begin,
                             std::int64_t end, void* memory, const JacobianOutput& out) {
    const Model m = by_table(given);
    Arena arena{static_cast<char*>(memory)};
    JacobianWorkspace w = make_jacobian_workspace(m, graph, s, arena);
    Workspace& base = w.base.base;
    const Block& b = base.block;
    const std::int64_t width = n_columns(m, out.radial, out.linear),
                       species_at = n_columns(m, out.radial, false);
    for (std::int64_t i = begin; i < end; i += lanes) {
        const std::int64_t bad = load_block(m, s, i, end, base.block);
        if (bad >= 0) return bad;
        basic_moments(m, slots(b), base.tile, base.moments);
        contract(m, base.moments);
        energy_adjoint(m, base.moments, base.adjoint);
        if (out.linear) load_scalar_couplings(m, graph, w);
        if (out.radial) {
            load_basis_moments(m, w);
            load_radial_couplings(m, graph, s, w, out);
        }
        for (int l = 0; l < lanes; ++l) {
            if (b.atom[l] < 0) continue;
            load_atom(m, b, l, w.atom);
            for (int v = 0; v < (b.count[l] + lanes - 1) / lanes; ++v)
                load_derivatives(m, base.adjoint, l, v, w.atom);
            if (out.radial) radial_columns(m, s, w, l, out);
            if (!out.linear) continue;
            scalar_columns(m, graph, s, w, l, out);
            const std::int64_t structure = s.structures[b.atom[l]];
            out.energies[structure * width + species_at + s.types[b.atom[l]]] += 1.0;
        }
    }
    return -1;
}

}  // namespace maxvolt::MAXVOLT_VARIANT
