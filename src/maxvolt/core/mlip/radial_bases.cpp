#include "mlip/radial_bases.hpp"

#include <cmath>

#include "model.hpp"

namespace maxvolt::mlip {

namespace {

enum class Recurrence { chebyshev, powers, jacobi };

struct Basis {
    const char* name;
    Envelope envelope;
    Recurrence recurrence;
    bool clamped;  // functions are constant below min_dist
    bool repulsive;
    int largest_size;
};

constexpr int most_functions = 100, most_jacobi = 12;  // RBShapeev is a closed list of twelve functions
constexpr Basis bases[] = {
    {"RBChebyshev", Envelope::smooth, Recurrence::chebyshev, false, false, most_functions},
    {"RBChebyshev_repuls", Envelope::smooth, Recurrence::chebyshev, true, true, most_functions},
    {"RBShapeev", Envelope::inverse, Recurrence::jacobi, false, false, most_jacobi},
    {"RBTaylor", Envelope::constant, Recurrence::powers, false, false, most_functions},
    {"BChebyshev", Envelope::constant, Recurrence::chebyshev, false, false, most_functions},
    {"BChebyshev_repuls", Envelope::constant, Recurrence::chebyshev, true, false, most_functions},
};

const Basis* find(const std::string& kind) {
    for (const Basis& basis : bases)
        if (kind == basis.name) return &basis;
    return nullptr;
}

// a, b, c of N_k P_k^(5,1) / N_0, from the three-term recurrence of the Jacobi polynomials.
void set_jacobi(std::int32_t size, double* a, double* b, double* c) {
    const auto norm = [](double n) {
        return std::sqrt((2 * n + 7) * (n + 6) / (8 * ((n + 1) * (n + 1) * (n + 1))));
    };
    for (std::int32_t k = 1; k < size; ++k) {
        const double ratio = norm(k) / norm(k - 1);
        a[k] = ratio * (2 * k + 5) * (k + 3) / (k * (k + 6));
        b[k] = ratio * 6 * (2 * k + 5) / (k * (k + 6) * (k + 2));
        if (k > 1) c[k] = norm(k) / norm(k - 2) * (k + 4) * (k + 3) / ((k + 6) * (k + 2));
    }
}

}  // namespace

int largest_radial_size(const std::string& kind) {
    const Basis* basis = find(kind);
    return basis ? basis->largest_size : 0;
}

std::string radial_basis_names() {
    std::string out;
    for (const Basis& basis : bases) out += (out.empty() ? "" : ", ") + std::string(basis.name);
    return out;
}

bool is_repulsive(const std::string& kind) {
    const Basis* basis = find(kind);
    return basis && basis->repulsive;
}

void set_radial_basis(const std::string& kind, RadialArrays& to) {
    const Basis& basis = *find(kind);
    const std::int32_t size = to.radial_size;
    const double width = to.cutoff - to.min_dist;
    to.envelope = static_cast<std::int32_t>(basis.envelope);
    to.clamp = basis.clamped;
    to.envelope_factor =
        basis.recurrence == Recurrence::jacobi ? std::pow(5.25, 0.25) * to.min_dist / width : 0.0;
    to.slope = 2.0 / width;
    to.offset = -(to.min_dist + to.cutoff) / width;
    to.recurrence.assign(3 * std::size_t(size), 0.0);
    double *a = to.recurrence.data(), *b = a + size, *c = b + size;
    if (basis.recurrence == Recurrence::jacobi) {
        set_jacobi(size, a, b, c);
    } else if (basis.recurrence == Recurrence::powers) {
        to.slope = 1.0;
        to.offset = 0.0;
        for (std::int32_t k = 0; k < size; ++k) a[k] = 1.0;
    } else {
        for (std::int32_t k = 0; k < size; ++k) {
            a[k] = k == 1 ? 1.0 : 2.0;
            c[k] = 1.0;
        }
    }
}

}  // namespace maxvolt::mlip
