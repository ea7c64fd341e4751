/* Moment tensor potentials for programs in any language: load a compiled model, evaluate it on neighbours that
 * the program has found itself.
 *
 * All functions give a status and, where it is not MAXVOLT_OK, a message; no exception crosses this border. A
 * model may be shared by threads; a list belongs to one thread at a time. Lengths are in Angstrom, energies in
 * eV. Arrays belong to the caller. */
#ifndef MAXVOLT_H
#define MAXVOLT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAXVOLT_API __attribute__((visibility("default")))
#else
#define MAXVOLT_API
#endif

#define MAXVOLT_INTERFACE 3 /* grows with each incompatible change of this file */

typedef enum {
    MAXVOLT_OK = 0,
    MAXVOLT_INVALID = 1,    /* arguments that are not possible */
    MAXVOLT_FILE = 2,       /* a file that is missing, damaged, foreign or of another version */
    MAXVOLT_COINCIDENT = 3, /* two atoms at one place; `atom` of the results says which */
    MAXVOLT_NOT_FINITE = 4, /* an energy, force or grade that is infinite or no number; likewise */
    MAXVOLT_MEMORY = 5,
    MAXVOLT_INTERNAL = 6    /* a fault of this library */
} maxvolt_status;

typedef struct {
    char text[512]; /* ends with 0 */
} maxvolt_message;

/* What has an extrapolation grade, by the active set of the potential. */
typedef enum {
    MAXVOLT_NO_GRADES = 0,
    MAXVOLT_CONFIGURATIONS = 1, /* all atoms together: sum the rows of all processes, then maxvolt_grade */
    MAXVOLT_NEIGHBORHOODS = 2,  /* each atom */
    MAXVOLT_OTHER_ROWS = 3      /* an active set with rows of forces or of both kinds, by which nothing is graded here */
} maxvolt_grading;

/* Measures of which the expected error of a force is made, added up; 0: the file has no calibration. */
typedef enum {
    MAXVOLT_BY_GRADE = 1,
    MAXVOLT_BY_DEVIATION = 2,
    MAXVOLT_BY_FORCE = 4 /* length of the force that the potential predicts, summed over all processes */
} maxvolt_measures;

typedef struct maxvolt_model maxvolt_model; /* a potential, with active set and calibration where the file has them */
typedef struct maxvolt_list maxvolt_list;   /* neighbours made ready for evaluations */

/* What a potential is. */
typedef struct {
    double cutoff;
    int32_t n_species;
    int32_t has_plan; /* 0: its scalars are evaluated as they stand, which is slower */
    int64_t n_parameters;
    int32_t grading;  /* a maxvolt_grading */
    int32_t measures; /* of maxvolt_measures */
    const char* const* species; /* symbols; NULL where the file does not name them. They live with the model. */
} maxvolt_about;

/* Neighbours of the first n_local of n_atoms atoms; the others are ghosts, which stand for atoms of the host or
 * of another process. Every neighbour within the cutoff of a local atom is in its list, whether local or ghost;
 * those beyond the cutoff are skipped. Neighbours of atom i are neighbors[first[i]] .. neighbors[first[i + 1] - 1]. */
typedef struct {
    int64_t n_atoms, n_local;
    const int64_t* first;     /* [n_local + 1] */
    const int32_t* neighbors;
    const int32_t* species;   /* [n_atoms], numbers of species from 0, as in the file */
    const double* positions;  /* [n_atoms][3], where the list was made; they may move before an evaluation */
} maxvolt_neighbors;

/* What to compute besides energies, forces and virial, and where to. */
typedef struct {
    double* energies; /* [n_local], energy of each local atom; NULL: not wanted */
    double* forces;   /* [n_atoms][3], added to, NULL only where there are no atoms; what local atoms do to ghosts is among them */
    double* shares;   /* [n_atoms][9], added to: share of each atom in the virial (centroid), component a of
                         the vector from an atom j to it times component b of the derivative of the energy of
                         j, at 3 a + b; NULL: not wanted. Shares of ghosts belong to the atoms they stand for. */
    double* grades;   /* [n_local], grade of each local atom; NULL: not wanted. Neighbourhoods only. */
    double* deviations; /* [n_local], eV, standard deviation of the energy of each local atom by the posterior; NULL: not
                         wanted. Only where MAXVOLT_BY_DEVIATION is among the measures. */
    double* row;      /* [n_parameters], gradient of the energy of the local atoms by the parameters, of which
                         maxvolt_grade makes the grade of the configuration; NULL: not wanted. Configurations only. */
    double energy;    /* sum of the energies of the local atoms */
    double virial[6]; /* dE/d(strain) of the local atoms' energies: xx yy zz yz xz xy */
    int64_t atom;     /* the atom a status speaks of, else -1 */
} maxvolt_results;

MAXVOLT_API int maxvolt_interface(void);

/* Reads a compiled model file. */
MAXVOLT_API maxvolt_status maxvolt_read_model(const char* path, maxvolt_model** model, maxvolt_message* message);
/* Reads a potential in any of the formats: a compiled model, or a text potential of MLIP-2, MLIP-3, motep or maxvolt
 * (.mtp, .almtp, .als). `plans` is the folder of evaluation plans that came with this library, NULL for none; a text
 * potential whose table has no plan there is evaluated as it stands (has_plan = 0). */
MAXVOLT_API maxvolt_status maxvolt_read_potential(const char* path, const char* plans, maxvolt_model** model,
                                                  maxvolt_message* message);
MAXVOLT_API void maxvolt_free_model(maxvolt_model* model);
MAXVOLT_API maxvolt_about maxvolt_about_model(const maxvolt_model* model);

/* Whether two models are the same potential, whatever their active sets: 1 or 0. */
MAXVOLT_API int maxvolt_same_potential(const maxvolt_model* one, const maxvolt_model* other);

/* What evaluating a potential as its table stands costs, for a notice where it has no plan. */
typedef struct {
    int64_t n_products; /* products of two moments for each atom */
    double slowdown;    /* about how many times longer evaluations take than they would by a plan; 1 by a plan */
} maxvolt_table_cost;

MAXVOLT_API maxvolt_table_cost maxvolt_cost_of_table(const maxvolt_model* model);

/* Name of the instruction set that evaluations run on. */
MAXVOLT_API const char* maxvolt_instruction_set(void);

MAXVOLT_API maxvolt_status maxvolt_make_list(const maxvolt_neighbors* neighbors, maxvolt_list** list,
                                             maxvolt_message* message);
MAXVOLT_API void maxvolt_free_list(maxvolt_list* list);

/* Evaluates on one thread. positions: [n_atoms][3], of the atoms of the list where they are now. */
MAXVOLT_API maxvolt_status maxvolt_evaluate(const maxvolt_model* model, maxvolt_list* list, const double* positions,
                                            maxvolt_results* results, maxvolt_message* message);

/* The grade of a configuration of n_atoms atoms from its row, [n_parameters]: the sum of the rows of all processes. */
MAXVOLT_API maxvolt_status maxvolt_grade(const maxvolt_model* model, const double* row, int64_t n_atoms, double* grade,
                                         maxvolt_message* message);

/* Measures of atoms, [n]; NULL where one is not among those of the model. */
typedef struct {
    const double* grades;
    const double* deviations;    /* eV */
    const double* force_lengths; /* eV/Angstrom */
} maxvolt_measured;

/* Expected errors of the forces on n atoms, errors: [n], eV/Angstrom: the mean length of the error of force vectors with such
 * measures. beyond: [n], 1 where a measure is larger than all that the calibration has seen, else 0; NULL: not wanted. */
MAXVOLT_API maxvolt_status maxvolt_expected_errors(const maxvolt_model* model, int64_t n, const maxvolt_measured* measured,
                                                   double* errors, int32_t* beyond, maxvolt_message* message);

/* Bounds that a share of the errors keeps, from errors that are expected; infinite where the calibration is too small for
 * one. coverage: the share, like 0.9. strict: 0 or 1, by conformal prediction, which covers more where it has seen few
 * structures. bounds: [n], may be the same array as errors. */
MAXVOLT_API maxvolt_status maxvolt_error_bounds(const maxvolt_model* model, double coverage, int32_t strict, int64_t n,
                                                const double* errors, double* bounds, maxvolt_message* message);

/* Gradients of the energies of the local atoms by all parameters, rows: [n_local][n_parameters]; by radial
 * coefficients they are those of the product of coefficient and scaling of the potential's file. */
MAXVOLT_API maxvolt_status maxvolt_site_gradients(const maxvolt_model* model, maxvolt_list* list,
                                                  const double* positions, double* rows, maxvolt_message* message);

#ifdef __cplusplus
}
#endif

#endif
