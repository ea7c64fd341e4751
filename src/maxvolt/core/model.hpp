// Plain data that every kernel variant shares: no constructors, no ownership, C layout.
//
// Symbols follow docs/formulation: M[mu, n] basic moments, "products" the rows of the contraction
// table, "scalars" the basis functions B of the energy.
#pragma once
#include <cstdint>

namespace maxvolt {

// First function of a radial basis.
enum class Envelope : std::int32_t {
    smooth = 0,    // (r - cutoff)^2
    constant = 1,  // 1
    inverse = 2,   // (envelope_factor (cutoff - r) / r)^2
};

// One row of the contraction table: target += factor * left * right.
struct Product {
    std::int32_t left, right;
    double factor;
};

// Scalars of a potential as invariants of harmonic moments; the arrays of potentials/mtp/binding/harmonic_layout.py.
template <class Real>
struct HarmonicPlan {
    std::int32_t n_components, n_slots, n_harmonic_rows, n_moment_rows, n_pairs, n_rows, n_invariants;
    std::int32_t constant;                 // component that is the number 1, or -1
    const std::int32_t* harmonic_rows;     // [n_harmonic_rows][2] component, entries
    const std::int32_t* harmonic_columns;  // independent basic moments
    const Real* harmonic_values;
    const std::int32_t* moment_rows;     // [n_moment_rows][2] independent basic moment, entries
    const std::int32_t* moment_columns;  // components
    const Real* moment_values;
    const std::int32_t* couplings;         // [..][4] begins of real products, of complex ones, of blocks
    const std::int32_t* real_products;     // [..][3]
    const std::int32_t* complex_products;  // [..][6]
    const std::int32_t* blocks;            // [..][7]
    const std::int32_t* block_ranks;
    const Real* block_values;
    const std::int32_t* pairs;    // [n_pairs][4] components of both factors, coupling, start of targets
    const std::int32_t* targets;  // component at which each rank of each pair begins
    const std::int32_t* rows;     // [n_rows][3] component, 2 L + 1, entries
    const std::int32_t* columns;  // components
    const Real* form;             // coefficients of the quadratic form
    const std::int32_t* invariants;       // [n_invariants][3] components of both channels, 2 L + 1
    const std::int32_t* expansion_first;  // [n_scalars + 1]
    const std::int32_t* expansion_columns;
    const Real* expansion_values;
};

struct Model {
    std::int32_t n_species, n_mu, radial_size;
    std::int32_t max_degree;  // highest rank nu of a basic moment
    // Moments in order: independent basic ones, dependent basic ones, products.
    std::int32_t n_independent, n_basic, n_moments, n_scalars, n_runs;
    Envelope envelope;
    std::int32_t clamp;  // 1: r below min_dist is replaced by min_dist in the radial basis
    double min_dist, cutoff, envelope_factor;
    double slope, offset;  // x = slope r + offset in the recurrence
    double exponential_repulsion;  // 1: the pair term of the *_repuls bases, 0: none
    double zbl_inner, zbl_outer;   // switching interval; zbl_outer = 0: none
    const double* recurrence;      // [3][radial_size]: a, b, c of phi_k = (a x + b) phi_k-1 - c phi_k-2
    double zbl_coulomb, zbl_bohr;  // e^2/(4 pi eps0) in eV Angstrom; Bohr radius in Angstrom
    const double* zbl_charges;     // [n_species] atomic numbers
    const double* radial_coeffs;   // [n_species][n_species][n_mu][radial_size], scaling included
    // The same with the coefficients of the derivative, for the kernels that need no more than f_mu and
    // f_mu': f_mu = envelope sum_k series[k][mu][0] p_k(x), f_mu' = envelope' (..) + envelope sum_k
    // series[k][mu][1] p_k(x), p_0 = 1.
    const double* series;          // [n_species][n_species][radial_size][n_mu][2]
    const double* series_by_type;  // [n_species][radial_size][n_mu][2][type_stride], last the neighbour
    std::int32_t type_stride;      // n_species rounded up to whole vectors
    std::int32_t chebyshev;        // 1: the recurrence is that of Chebyshev polynomials
    const double* species_coeffs;  // [n_species]
    const double* moment_coeffs;   // [n_scalars]
    // Independent basic moments of mu: monomials 0..monomial_counts[mu] in the order of moments.hpp,
    // stored from moment_offsets[mu]; monomial_counts never increases with mu.
    const std::int32_t* monomial_counts;
    const std::int32_t* degrees;  // [n_mu] highest rank of each mu
    const std::int32_t* moment_offsets;
    // Dependent basic moment n_independent + t is moment traces[t][0] - traces[t][1] - traces[t][2].
    const std::int32_t* traces;  // [n_basic - n_independent][3]
    // Runs of products with one target each, in an order that one forward pass can follow.
    const std::int32_t* run_targets;  // [n_runs]
    const std::int64_t* run_first;    // [n_runs + 1]
    const Product* products;
    const std::int32_t* scalars;      // [n_scalars] moment index of each scalar
    const HarmonicPlan<double>* plan;  // how evaluate and the gradients compute the scalars; null: by the table
    const HarmonicPlan<float>* single_plan;  // the same in single precision
};

// What the Jacobian kernel needs beyond the model: what depends on what.
struct ScalarGraph {
    const std::int64_t* run_first;    // [n_scalars + 1]
    const std::int32_t* runs;         // runs a scalar depends on, last first
    const std::int64_t* node_first;   // [n_scalars + 1]
    const std::int32_t* nodes;        // other than independent basic moments that a scalar depends on
    const std::int64_t* trace_first;  // [n_scalars + 1]
    const std::int32_t* traces;       // traces a scalar depends on, last first
    const std::int64_t* basic_first;  // [n_scalars + 1]
    const std::int32_t* basics;       // independent basic moments a scalar depends on, ascending
    // For a change of the basic moments of one mu: runs whose target changes, in order, and runs through
    // which the adjoints of other moments change, last first.
    const std::int64_t* forward_first;  // [n_mu + 1]
    const std::int32_t* forward_runs;
    const std::int64_t* reverse_first;  // [n_mu + 1]
    const std::int32_t* reverse_runs;
};

// What the rows of the invariants of a plan need beyond the model.
struct InvariantGraph {
    std::int32_t n_harmonics, n_angular;  // components of harmonic moments; different angular parts among them
    const std::int32_t* components;       // [n_harmonics] in the vector of all components
    const std::int32_t* functions;        // [n_harmonics] radial function
    const std::int32_t* angular;          // [n_harmonics] angular part
    const std::int32_t* monomial_first;   // [n_angular + 1]
    const std::int32_t* monomials;        // of an angular part
    const double* monomial_values;
    const std::int64_t* factor_first;  // [n_invariants + 1]
    const std::int32_t* factors;       // harmonics an invariant depends on, ascending
    const std::int64_t* side_first;    // [n_invariants + 1]
    const std::int32_t* sides;         // [..][4] coupling tensor or -1, component, component of the other channel, 2 L + 1
    const std::int64_t* tensor_first;  // [coupled channels + 1]
    const std::int32_t* tensors;       // [..][3] component of the channel, components of both factors
    const double* tensor_values;
};

// Atoms of one or several structures, as the caller has them.
struct Atoms {
    std::int64_t n_atoms, n_structures;
    const double* positions;         // [n_atoms][3], Angstrom
    const double* cells;             // [n_structures][3][3], rows are lattice vectors
    const std::int32_t* types;       // [n_atoms] species index
    const std::int32_t* structures;  // [n_atoms] structure of each atom, not decreasing
};

// A lattice translation that some row of a window lies at.
struct Place {
    std::int32_t structure, origin;  // origin: an atom of it, from which positions are counted
    std::int32_t shift[3];           // lattice translation
};

// A window: some atoms ("own") and whatever surrounds them, each image a row of numbers. Windows are
// evaluated one by one, so that memory does not grow with the number of threads, and results do not
// depend on it. Made once for a neighbour list (windows.hpp), used while atoms move.
struct Window {
    std::int64_t n_own, n_rows;     // own atoms come first
    std::int32_t first_structure, n_structures;
    const std::int32_t* atoms;      // [n_rows] the caller's index of each row
    const std::int32_t* places;     // [n_rows]
    const Place* translations;      // [n_places]
    std::int64_t n_places;
    const std::int64_t* first;      // [n_own + 1] into neighbors, multiples of list_padding apart
    const std::int32_t* neighbors;  // rows, within the cutoff and a skin; n_rows fills up
};

constexpr int list_padding = 8;  // as long as the longest vector
constexpr int panel_width = 24;  // columns of the inverse of an active set that lie together: whole tiles of each variant

constexpr int tile_group = 8;    // tiles of rows that a panel is multiplied by one after the other, while it is in a cache
constexpr int single_group = 16; // the same in single precision

constexpr int single_width = 48;  // the same of its part in single precision
constexpr int single_chunk = 48;  // terms of a sum in single precision; such sums are added up

// The inverse B of the matrix of an active set, prepared for products in single precision, equations (37a) and (37b):
// B = Q W + S b, where the few columns of Q span what makes B large (directions in which no structure differs), S is a
// diagonal of scales, and no entry of b is larger than 1.
struct SingleInverse {
    const float* panels;       // b, single_width columns after the other, [..][n][single_width], zeros at the end
    const double* scales;      // [n]
    const float* errors;       // of columns: what a product may be off by, for a scaled row of length one
    const float* of_left_out;  // of columns of W: their lengths
    const double* left_out;    // Q, as ActiveSet::panels
    std::int64_t n_left_out;   // its columns
    double left_out_error;     // what a product with Q may be off by, for a scaled row of length one
    const double* columns;     // B by columns, [n][n]
};

// What kernels run over: a window with the atoms where they are now (window.hpp).
struct System {
    std::int64_t n_own, n_rows, max_neighbors;
    const double* rows;              // [n_rows + 1][4] x, y, z, type; the last is far from everything
    const std::int32_t* atoms;       // [n_rows] the caller's index of each row
    const std::int32_t* types;       // [n_atoms] by the caller's index
    const std::int32_t* structures;  // [n_atoms] by the caller's index
    const std::int32_t* order;       // [n_own] own rows, atoms that are alike next to each other
    const std::int32_t* count;       // [n_own] neighbours, by row: those inside the cutoff, few beyond it
    const std::int64_t* first;       // [n_own] where they begin in near, by row
    const std::int32_t* near;        // rows
};

// Output of evaluate: site energies and rows of forces are set, virials added to.
struct EvaluationOutput {
    double* site_energies;  // [n_atoms] by the caller's index
    double* rows;           // [n_rows + 1][4] forces on every row
    double* virials;        // [structures of the window][6], dE/d(strain)
    std::int32_t first_structure;
    double* moments[3];     // or null; of `evaluate` only: [n_rows + 1][4] each, equation (13a)
};

// Rows of structures, added to: gradients by radial and species coefficients, then by those of the invariants of the
// plan, or of the scalars where there is none.
struct StructureRows {
    double* rows;  // [structures of the window][stride]
    std::int64_t stride;
    std::int32_t first_structure;
};

// Gradients with respect to the parameters, of atoms or of structures.
struct RowOutput {
    double* const* of_atoms;  // [entry of the order][n_parameters], set; null: of structures
    StructureRows of_structures;
};

// A direction in configuration space and weights of the energies: the kernel differentiates
// sum_s energy_weights[s] E_s + dE(displacements, strains) with respect to all parameters.
struct Direction {
    const double* energy_weights;  // [n_structures]
    const double* displacements;   // [n_atoms][3]
    const double* strains;         // [n_structures][3][3]
};

// Rows of the columns wanted: those of the radial coefficients, then those of the linear ones.
struct JacobianOutput {
    double* energies;  // [n_structures][columns]
    double* forces;    // [n_atoms][3][columns]
    double* virials;   // [n_structures][6][columns]
    bool radial, linear;
    bool single = false;  // what an atom adds to the columns of the radial coefficients, in single precision
};

// Rows of the invariants of a plan and of the energies of the species: columns [invariants][species], as many as
// whole vectors take, of either precision.
template <class Real>
struct InvariantOutput {
    double* energies;        // [n_structures][width]
    Real* forces;            // [n_atoms][3][width]
    double* virials;         // [n_structures][6][width]
    const bool* has_virial;  // [n_structures] false: its rows of the virial are not made
    std::int64_t width;
};

// Points in space with their numbers, and some that follow each other.
struct Points {
    const float *x, *y, *z;
    const std::int32_t* numbers;
};
struct Run {
    std::int64_t begin, end;
};

// Every kernel of atoms handles entries [begin, end) of a system's order and returns -1, or an atom that coincides
// with one of its neighbours (no derivative exists there).
struct Kernels {
    const char* name;
    int lanes;
    std::int64_t (*prepared_bytes)(const Model&, const Window&);
    System (*prepare)(const Model&, const Atoms&, const Window&, void* memory);
    std::int64_t (*workspace_bytes)(const Model&, const System&);
    std::int64_t (*single_workspace_bytes)(const Model&, const System&);
    std::int64_t (*jacobian_workspace_bytes)(const Model&, const ScalarGraph&, const System&);
    std::int64_t (*invariant_workspace_bytes)(const Model&, const InvariantGraph&, const System&);
    std::int64_t (*single_invariant_workspace_bytes)(const Model&, const InvariantGraph&, const System&);
    // Also the share that each row has in the virial where there is an output for it.
    std::int64_t (*evaluate)(const Model&, const System&, std::int64_t begin, std::int64_t end,
                             void* workspace, const EvaluationOutput&);
    // The energies, forces and virials in single precision; the model must have a plan.
    std::int64_t (*evaluate_single)(const Model&, const System&, std::int64_t begin, std::int64_t end,
                                    void* workspace, const EvaluationOutput&);
    // Energies and forces in the same pass where there is an output for them, which entry 0 clears; virials are added when
    // the last entry is done.
    std::int64_t (*gradient_rows)(const Model&, const System&, std::int64_t begin, std::int64_t end,
                                  void* workspace, const EvaluationOutput* evaluation, const RowOutput&);
    // gradient[n_parameters] is added to.
    std::int64_t (*directional_gradient)(const Model&, const System&, const Direction&,
                                         std::int64_t begin, std::int64_t end, void* workspace,
                                         double* gradient);
    // Rows are added to.
    std::int64_t (*jacobian)(const Model&, const ScalarGraph&, const System&, std::int64_t begin,
                             std::int64_t end, void* workspace, const JacobianOutput&);
    // The same for the invariants of a plan.
    std::int64_t (*invariant_rows)(const Model&, const InvariantGraph&, const System&, std::int64_t begin,
                                   std::int64_t end, void* workspace, const InvariantOutput<double>&);
    // In single precision but for the sums of energies and virials.
    std::int64_t (*single_invariant_rows)(const Model&, const InvariantGraph&, const System&, std::int64_t begin,
                                          std::int64_t end, void* workspace, const InvariantOutput<float>&);
    // Grades of rows; coordinates.hpp.
    void (*largest_coordinates)(const double* panels, std::int64_t n, const double* rows, std::int64_t count,
                                std::int32_t* used, double* grades);
    // The same, most of it in single precision; single_coordinates.hpp.
    void (*largest_coordinates_single)(const double* panels, const SingleInverse&, std::int64_t n, const double* rows,
                                       std::int64_t count, std::int32_t* used, void* memory, bool is_first,
                                       double* grades);
    std::int64_t (*single_coordinates_bytes)(std::int64_t n);
    // Lengths of the products of rows with a factor; coordinates.hpp.
    void (*product_lengths)(const double* panels, const std::int32_t* first, std::int64_t n, std::int64_t n_columns,
                            const double* rows, std::int64_t count, std::int32_t* used, double* lengths);
    // Points near one; near.hpp.
    std::int32_t* (*near_points)(const Points&, const Run* runs, std::int64_t n_runs, const float* from, float bound,
                                 std::int32_t* to);
};

// static: each instruction set keeps its own copy.
static inline std::int64_t n_columns(const Model& m, bool radial, bool linear) {
    return (radial ? std::int64_t(m.n_species) * m.n_species * m.n_mu * m.radial_size : 0) +
           (linear ? m.n_species + m.n_scalars : 0);
}

static inline std::int64_t n_parameters(const Model& m) { return n_columns(m, true, true); }

// From a row whose scalars are still invariants, of a structure, to one with n_parameters entries.
static inline void expand_row(const Model& m, std::int64_t scalars_at, const double* from, double* to) {
    for (std::int64_t q = 0; q < scalars_at; ++q) to[q] = from[q];
    from += scalars_at;
    to += scalars_at;
    for (std::int32_t k = 0; k < m.n_scalars; ++k) {
        if (!m.plan) {
            to[k] = from[k];
            continue;
        }
        const HarmonicPlan<double>& p = *m.plan;
        double value = 0.0;
        for (std::int32_t i = p.expansion_first[k]; i < p.expansion_first[k + 1]; ++i)
            value += p.expansion_values[i] * from[p.expansion_columns[i]];
        to[k] = value;
    }
}

extern const Kernels kernels_baseline;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx512;

}  // namespace maxvolt
