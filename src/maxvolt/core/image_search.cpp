#include "image_search.hpp"

#include <array>
#include <cmath>

#include "checks.hpp"

namespace maxvolt {

namespace {

using Vector = std::array<double, 3>;

constexpr double largest_coordinate = 1e7;  // Angstrom, as neighbors/pairs.py has it
constexpr double smallest_height = 0.1;     // Angstrom between lattice planes; below, the caller looks closer
constexpr double rounding = 1e-9;           // of fractional coordinates

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Vector cross(const Vector& a, const Vector& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector scaled(const Vector& a, double factor) { return {factor * a[0], factor * a[1], factor * a[2]}; }

Vector moved(const Vector& a, double factor, const double* b) {
    return {a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]};
}

// A vector of length one that is normal to `a`.
Vector normal_to(const Vector& a) {
    int least = 0;
    for (int c = 1; c < 3; ++c)
        if (std::abs(a[c]) < std::abs(a[least])) least = c;
    Vector axis{};
    axis[least] = 1.0;
    const Vector n = cross(a, axis);
    return scaled(n, 1.0 / std::sqrt(dot(n, n)));
}

// The cell with unit vectors, normal to the others, in the directions that are not periodic.
std::array<Vector, 3> completed(const double* cell, const bool* periodic) {
    std::array<Vector, 3> basis;
    int n_periodic = 0;
    for (int k = 0; k < 3; ++k) {
        basis[k] = {cell[3 * k], cell[3 * k + 1], cell[3 * k + 2]};
        n_periodic += periodic[k];
    }
    if (n_periodic == 0) return {Vector{1, 0, 0}, Vector{0, 1, 0}, Vector{0, 0, 1}};
    for (int k = 0; k < 3; ++k) {
        const int p = (k + 1) % 3, q = (k + 2) % 3;
        if (n_periodic == 2 && !periodic[k]) {
            const Vector n = cross(basis[p], basis[q]);
            basis[k] = scaled(n, 1.0 / std::sqrt(dot(n, n)));
        }
        if (n_periodic == 1 && periodic[k]) {
            basis[p] = normal_to(basis[k]);
            const Vector n = cross(basis[k], basis[p]);
            basis[q] = scaled(n, 1.0 / std::sqrt(dot(n, n)));
        }
    }
    return basis;
}

// One structure, ready to be searched.
struct Search {
    const double* positions;
    const double* cell;
    const bool* periodic;
    std::int64_t first, n_atoms;
    double cutoff;
    std::array<Vector, 3> reciprocal;
    Vector reach{};  // of the cutoff, in fractional coordinates

    Search(const StructureList& list, std::int64_t s, double radius)
        : positions(list.positions + 3 * list.offsets[s]), cell(list.cells + 9 * s), periodic(list.periodic + 3 * s),
          first(list.offsets[s]), n_atoms(list.offsets[s + 1] - first), cutoff(radius) {
        const std::array<Vector, 3> basis = completed(cell, periodic);
        for (int k = 0; k < 3; ++k) {
            const Vector area = cross(basis[(k + 1) % 3], basis[(k + 2) % 3]);
            reciprocal[k] = scaled(area, 1.0 / dot(basis[k], area));
            reach[k] = cutoff * std::sqrt(dot(reciprocal[k], reciprocal[k]));
        }
    }

    // Whether the search is short, and surely right; false where a number is not finite.
    bool is_short(double most_images) const {
        double images = 0.5 * double(n_atoms) * double(n_atoms + 1);
        for (int k = 0; k < 3; ++k) {
            if (!periodic[k]) continue;
            if (!(reach[k] * smallest_height <= cutoff)) return false;
            images *= 2.0 * reach[k] + 1.0;
        }
        if (!(images <= most_images)) return false;
        bool near = true;
        for (std::int64_t c = 0; c < 3 * n_atoms; ++c) near &= std::abs(positions[c]) <= largest_coordinate;
        return near;
    }

    void add_pairs(FoundPairs& found) const {
        for (std::int64_t i = 0; i < n_atoms; ++i)
            for (std::int64_t j = i; j < n_atoms; ++j) add_images(i, j, found);
    }

  private:
    // Images of j that are neighbours of i; of the images of i itself one of each two opposite ones.
    void add_images(std::int64_t i, std::int64_t j, FoundPairs& found) const {
        const double *x = positions + 3 * i, *y = positions + 3 * j;
        const Vector r{y[0] - x[0], y[1] - x[1], y[2] - x[2]};
        std::array<std::int32_t, 3> low{}, high{};
        for (int k = 0; k < 3; ++k) {
            if (!periodic[k]) continue;
            const double fraction = dot(reciprocal[k], r), slack = rounding * (1.0 + std::abs(fraction));
            low[k] = std::int32_t(std::ceil(-reach[k] - fraction - slack));
            high[k] = std::int32_t(std::floor(reach[k] - fraction + slack));
        }
        const bool same = i == j;
        if (same) low[0] = 0;
        for (std::int32_t a = low[0]; a <= high[0]; ++a) {
            const Vector along = moved(r, a, cell);
            for (std::int32_t b = same && a == 0 ? 0 : low[1]; b <= high[1]; ++b) {
                const Vector across = moved(along, b, cell + 3);
                for (std::int32_t c = same && a == 0 && b == 0 ? 1 : low[2]; c <= high[2]; ++c) {
                    const Vector image = moved(across, c, cell + 6);
                    if (dot(image, image) >= cutoff * cutoff) continue;
                    found.pairs.insert(found.pairs.end(), {std::int32_t(first + i), std::int32_t(first + j)});
                    found.shifts.insert(found.shifts.end(), {a, b, c});
                }
            }
        }
    }
};

}  // namespace

FoundPairs search_images(const StructureList& list, double cutoff, double most_images) {
    require(cutoff > 0 && std::isfinite(cutoff), "the cutoff must be a positive number");
    FoundPairs found;
    for (std::int64_t s = 0; s < list.n_structures; ++s) {
        const Search search(list, s, cutoff);
        if (search.is_short(most_images))
            search.add_pairs(found);
        else
            found.left_out.push_back(s);
    }
    return found;
}

}  // namespace maxvolt
