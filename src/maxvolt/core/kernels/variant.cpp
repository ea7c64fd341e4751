// One instruction set's kernels; compiled once per set with MAXVOLT_VARIANT and MAXVOLT_LANES.
#include "coordinates.hpp"
#include "invariant_rows.hpp"
#include "jacobian.hpp"
#include "near.hpp"
#include "rows.hpp"
#include "single.hpp"
#include "single_coordinates.hpp"

namespace maxvolt {
namespace MAXVOLT_VARIANT {

inline std::int64_t prepared_bytes(const Model& m, const Window& w) {
    Arena arena{nullptr};
    make_window_memory(m, w, arena);
    return arena.used;
}

inline std::int64_t workspace_bytes(const Model& m, const System& s) {
    Arena for_gradients{nullptr}, for_evaluation{nullptr};
    make_gradient_workspace(m, s, for_gradients);
    make_twin_workspace(m, s, for_evaluation);
    return for_gradients.used > for_evaluation.used ? for_gradients.used : for_evaluation.used;
}

inline std::int64_t single_workspace_bytes(const Model& m, const System& s) {
    Arena arena{nullptr};
    make_single_workspace(m, s, arena);
    return arena.used;
}

inline std::int64_t jacobian_workspace_bytes(const Model& m, const ScalarGraph& graph, const System& s) {
    Arena arena{nullptr};
    make_jacobian_workspace(by_table(m), graph, s, arena);
    return arena.used;
}

template <class V>
inline std::int64_t invariant_workspace_bytes(const Model& m, const InvariantGraph& graph, const System& s) {
    Arena arena{nullptr};
    make_invariant_workspace<V>(m, graph, s, arena);
    return arena.used;
}

}  // namespace MAXVOLT_VARIANT

#define MAXVOLT_JOIN(a, b) a##b
#define MAXVOLT_TABLE(v) MAXVOLT_JOIN(kernels_, v)
#define MAXVOLT_TEXT_(v) #v
#define MAXVOLT_TEXT(v) MAXVOLT_TEXT_(v)

extern const Kernels MAXVOLT_TABLE(MAXVOLT_VARIANT) = {
    MAXVOLT_TEXT(MAXVOLT_VARIANT),
    MAXVOLT_LANES,
    MAXVOLT_VARIANT::prepared_bytes,
    MAXVOLT_VARIANT::prepare,
    MAXVOLT_VARIANT::workspace_bytes,
    MAXVOLT_VARIANT::single_workspace_bytes,
    MAXVOLT_VARIANT::jacobian_workspace_bytes,
    MAXVOLT_VARIANT::invariant_workspace_bytes<MAXVOLT_VARIANT::vec>,
    MAXVOLT_VARIANT::invariant_workspace_bytes<MAXVOLT_VARIANT::single_vec>,
    MAXVOLT_VARIANT::evaluate,
    MAXVOLT_VARIANT::evaluate_single,
    MAXVOLT_VARIANT::gradient_rows,
    MAXVOLT_VARIANT::directional_gradient,
    MAXVOLT_VARIANT::jacobian,
    MAXVOLT_VARIANT::invariant_rows<MAXVOLT_VARIANT::vec>,
    MAXVOLT_VARIANT::invariant_rows<MAXVOLT_VARIANT::single_vec>,
    MAXVOLT_VARIANT::largest_coordinates,
    MAXVOLT_VARIANT::largest_coordinates_single,
    MAXVOLT_VARIANT::single_coordinates_bytes,
    MAXVOLT_VARIANT::product_lengths,
    MAXVOLT_VARIANT::near_points,
};

}  // namespace maxvolt
