#include "neighbor_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "checks.hpp"

namespace maxvolt {

namespace {

using Vector = std::array<double, 3>;

constexpr double largest_coordinate = 1e7;  // Angstrom, as neighbors/pairs.py has it
constexpr double smallest_height = 0.1;     // Angstrom between lattice planes; below, the caller looks closer
constexpr std::int32_t largest_translation = 1 << 29;  // sums of two are whole numbers still
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

struct Box {
    Vector low, high;
};

// Bins of equal size that fill a box; runs of them along x follow each other.
class Bins {
  public:
    // About as many bins as points at most; short along x, since runs have any length.
    Bins(const Box& box, double cutoff, std::int64_t n_points) : low_(box.low) {
        constexpr double parts[3] = {4.0, 2.0, 2.0};  // of the cutoff
        double counts[3];
        for (int c = 0; c < 3; ++c)
            counts[c] = std::max(1.0, std::floor((box.high[c] - box.low[c]) * parts[c] / cutoff));
        while (counts[0] * counts[1] * counts[2] > 2.0 * double(n_points)) {
            double* const most = std::max_element(counts, counts + 3);
            *most = std::ceil(0.5 * *most);
        }
        for (int c = 0; c < 3; ++c) {
            n_[c] = std::int64_t(counts[c]);
            side_[c] = (box.high[c] - box.low[c]) / counts[c];
            inverse_[c] = 1.0 / side_[c];
        }
    }
    std::int64_t count() const { return n_[0] * n_[1] * n_[2]; }
    std::int64_t along(int c, double x) const {
        const double place = (x - low_[c]) * inverse_[c];
        return place <= 0.0 ? 0 : std::min(n_[c] - 1, std::int64_t(place));
    }
    std::int64_t row(std::int64_t y, std::int64_t z) const { return (z * n_[1] + y) * n_[0]; }
    std::int64_t of(const double* x) const { return row(along(1, x[1]), along(2, x[2])) + along(0, x[0]); }
    // How far a coordinate is from a bin, or a little less.
    double distance(int c, double x, std::int64_t bin) const {
        const double from = low_[c] + double(bin) * side_[c], slack = 1e-6 * side_[c];
        return std::max(0.0, std::max(from - x, x - from - side_[c]) - slack);
    }

  private:
    Vector low_, side_, inverse_;
    std::array<std::int64_t, 3> n_;
};

// Memory that searches use one after the other.
struct SearchMemory {
    std::vector<double> points;          // [atoms of the structure and images][3]
    std::vector<float> x, y, z;          // the same, bin by bin
    std::vector<std::int32_t> numbers;   // of each
    std::vector<std::int32_t> bins;      // of each point
    std::vector<std::int64_t> first;     // of each bin
    std::vector<Run> runs;
    std::vector<std::int32_t> near;
};

// One structure, ready to be searched.
class Search {
  public:
    Search(const StructureList& list, std::int64_t s, double radius, const Kernels& kernels, SearchMemory& memory)
        : positions_(list.positions + 3 * list.offsets[s]), cell_(list.cells + 9 * s), periodic_(list.periodic + 3 * s),
          first_(list.offsets[s]), n_atoms_(list.offsets[s + 1] - first_), cutoff_(radius), kernels_(kernels),
          memory_(memory) {
        const std::array<Vector, 3> basis = completed(cell_, periodic_);
        for (int k = 0; k < 3; ++k) {
            const Vector area = cross(basis[(k + 1) % 3], basis[(k + 2) % 3]);
            reciprocal_[k] = scaled(area, 1.0 / dot(basis[k], area));
            reach_[k] = cutoff_ * std::sqrt(dot(reciprocal_[k], reciprocal_[k]));
        }
    }

    // Whether the search has as many images as it should, and is surely right; false where a number is not finite.
    bool is_simple() const {
        double images = 1.0;
        for (int k = 0; k < 3; ++k) {
            if (!periodic_[k]) continue;
            if (!(reach_[k] * smallest_height <= cutoff_)) return false;
            images *= 2.0 * reach_[k] + 1.0;
        }
        if (!(images * double(n_atoms_) <= most_images)) return false;
        bool near = true;
        for (std::int64_t c = 0; c < 3 * n_atoms_; ++c) near &= std::abs(positions_[c]) <= largest_coordinate;
        return near;
    }

    // Moves the atoms into the cell; those on a side of it, up to rounding, count as inside.
    void put_inside(FoundNeighbors& found) {
        memory_.points.clear();
        for (std::int64_t i = 0; i < n_atoms_; ++i) {
            Vector x{positions_[3 * i], positions_[3 * i + 1], positions_[3 * i + 2]};
            const Vector given = x;
            Shift& translation = found.list.images[first_ + i].translation;
            for (int k = 0; k < 3; ++k) {
                if (!periodic_[k]) continue;
                const double images = std::floor(dot(reciprocal_[k], given) + 1e-6);
                translation[k] = -std::int32_t(images);
                x = moved(x, -images, cell_ + 3 * k);
            }
            memory_.points.insert(memory_.points.end(), x.begin(), x.end());
        }
        std::copy(memory_.points.begin(), memory_.points.end(), found.inside.begin() + 3 * first_);
    }

    // Appends the images within the cutoff of the box around the atoms.
    void add_images(FoundNeighbors& found) {
        first_image_ = std::int64_t(found.list.images.size());
        const Box own = bounds();
        const double margin = cutoff_ * (1.0 + rounding);
        for (int c = 0; c < 3; ++c) {
            box_.low[c] = own.low[c] - margin - rounding * std::abs(own.low[c]);
            box_.high[c] = own.high[c] + margin + rounding * std::abs(own.high[c]);
        }
        const std::array<std::int32_t, 3> most = translations();
        for (std::int32_t a = -most[0]; a <= most[0]; ++a)
            for (std::int32_t b = -most[1]; b <= most[1]; ++b)
                for (std::int32_t c = -most[2]; c <= most[2]; ++c) {
                    if (a == 0 && b == 0 && c == 0) continue;
                    const Vector t = moved(moved(scaled({cell_[0], cell_[1], cell_[2]}, a), b, cell_ + 3), c, cell_ + 6);
                    bool is_near = true;
                    for (int x = 0; x < 3; ++x)
                        is_near &= own.low[x] + t[x] <= box_.high[x] && own.high[x] + t[x] >= box_.low[x];
                    if (is_near) add_images(t, {a, b, c}, found);
                }
    }

    // Neighbours of all atoms; false where too many others had to be looked at.
    bool add_neighbors(double most_in_vain, FoundNeighbors& found) {
        const auto n_points = std::int64_t(memory_.points.size()) / 3;
        // Few points are looked at all: what bins cost would not pay.
        constexpr std::int64_t few = 300;
        const Bins bins(box_, n_points <= few ? largest_coordinate : cutoff_, n_points);
        sort(bins, n_points);
        const double allowed = most_in_vain * (double(n_atoms_) + double(few));
        double looked_at = 0.0;
        const auto before = std::int64_t(found.list.neighbors.size());
        reserve_neighbors(n_points, found.list.neighbors);
        for (std::int64_t i = 0; i < n_atoms_; ++i) {
            looked_at += double(find_runs(bins, memory_.points.data() + 3 * i));
            add_near(i, found.list);
            found.list.first[first_ + i + 1] = std::int64_t(found.list.neighbors.size());
            if (looked_at - double(std::int64_t(found.list.neighbors.size()) - before) > allowed) return false;
        }
        return true;
    }

  private:
    static constexpr double most_images = 3e7;

    Box bounds() const {
        Box box;
        for (int c = 0; c < 3; ++c) {
            box.low[c] = box.high[c] = memory_.points[c];
            for (std::int64_t i = 1; i < n_atoms_; ++i) {
                box.low[c] = std::min(box.low[c], memory_.points[3 * i + c]);
                box.high[c] = std::max(box.high[c], memory_.points[3 * i + c]);
            }
        }
        return box;
    }

    // Largest lattice translation, each way, that takes an atom within the cutoff of another.
    std::array<std::int32_t, 3> translations() const {
        std::array<std::int32_t, 3> most{};
        for (int k = 0; k < 3; ++k) {
            if (!periodic_[k]) continue;
            double low = INFINITY, high = -INFINITY;
            for (std::int64_t i = 0; i < n_atoms_; ++i) {
                const double* x = memory_.points.data() + 3 * i;
                const double f = dot(reciprocal_[k], {x[0], x[1], x[2]});
                low = std::min(low, f);
                high = std::max(high, f);
            }
            most[k] = std::int32_t(std::floor(high - low + reach_[k] + rounding * (1.0 + reach_[k])));
        }
        return most;
    }

    void add_images(const Vector& t, const Shift& translation, FoundNeighbors& found) {
        std::vector<Image>& images = found.list.images;
        const std::size_t n_points = memory_.points.size(), n_images = images.size(), n = std::size_t(n_atoms_);
        memory_.points.resize(n_points + 3 * n);
        images.resize(n_images + n);
        double* point = memory_.points.data() + n_points;
        Image* to = images.data() + n_images;
        for (std::int64_t i = 0; i < n_atoms_; ++i) {
            const double* x = memory_.points.data() + 3 * i;
            bool is_near = true;
            for (int c = 0; c < 3; ++c) {
                point[c] = x[c] + t[c];
                is_near &= point[c] >= box_.low[c] && point[c] <= box_.high[c];
            }
            to->atom = std::int32_t(first_ + i);
            const Shift& inside = images[std::size_t(first_ + i)].translation;
            for (int c = 0; c < 3; ++c) to->translation[c] = inside[c] + translation[c];
            point += is_near ? 3 : 0;
            to += is_near;
        }
        memory_.points.resize(std::size_t(point - memory_.points.data()));
        images.resize(std::size_t(to - images.data()));
    }

    // Room for what atoms that fill their box would have.
    void reserve_neighbors(std::int64_t n_points, std::vector<std::int32_t>& neighbors) const {
        double volume = 1.0;
        for (int c = 0; c < 3; ++c) volume *= box_.high[c] - box_.low[c];
        const double around = 4.2 * cutoff_ * cutoff_ * cutoff_ / volume * double(n_points);
        const double room = double(neighbors.size()) + 1.1 * double(n_atoms_) * std::min(around, double(n_points));
        if (room > double(neighbors.capacity())) neighbors.reserve(std::max(2 * neighbors.capacity(), std::size_t(room)));
    }

    // Sorts all points by bins, as small numbers in single precision.
    void sort(const Bins& bins, std::int64_t n_points) {
        constexpr std::int64_t padding = 8;
        for (std::vector<float>* one : {&memory_.x, &memory_.y, &memory_.z}) one->resize(std::size_t(n_points + padding));
        memory_.numbers.resize(std::size_t(n_points + padding));
        memory_.bins.resize(std::size_t(n_points));
        memory_.first.assign(std::size_t(bins.count()) + 2, 0);
        for (int c = 0; c < 3; ++c) middle_[c] = 0.5 * (box_.low[c] + box_.high[c]);
        for (std::int64_t p = 0; p < n_points; ++p) {
            memory_.bins[p] = bins.count() == 1 ? 0 : std::int32_t(bins.of(memory_.points.data() + 3 * p));
            ++memory_.first[memory_.bins[p] + 2];
        }
        for (std::int64_t b = 0; b < bins.count(); ++b) memory_.first[b + 2] += memory_.first[b + 1];
        for (std::int64_t p = 0; p < n_points; ++p) {
            const std::int64_t at = memory_.first[memory_.bins[p] + 1]++;
            const double* x = memory_.points.data() + 3 * p;
            memory_.x[at] = float(x[0] - middle_[0]);
            memory_.y[at] = float(x[1] - middle_[1]);
            memory_.z[at] = float(x[2] - middle_[2]);
            memory_.numbers[at] = std::int32_t(p);
        }
        double largest = 0.0;
        for (int c = 0; c < 3; ++c) largest = std::max(largest, box_.high[c] - middle_[c]);
        // Single precision is off by no more than this in any distance.
        const double reach = cutoff_ + 8.0 * 0x1p-24 * (largest + cutoff_);
        bound_ = float(reach * reach * (1.0 + 0x1p-20));
    }

    // Runs of points that may be near; returns how many points these are.
    std::int64_t find_runs(const Bins& bins, const double* x) {
        memory_.runs.clear();
        const double square = cutoff_ * cutoff_ * (1.0 + rounding);
        std::int64_t n = 0;
        const std::int64_t first_y = bins.along(1, x[1] - cutoff_), last_y = bins.along(1, x[1] + cutoff_),
                           last_z = bins.along(2, x[2] + cutoff_);
        for (std::int64_t z = bins.along(2, x[2] - cutoff_); z <= last_z; ++z) {
            const double dz = bins.distance(2, x[2], z);
            for (std::int64_t y = first_y; y <= last_y; ++y) {
                const double dy = bins.distance(1, x[1], y), left = square - dy * dy - dz * dz;
                if (left < 0.0) continue;
                const double width = std::sqrt(left);
                const std::int64_t row = bins.row(y, z), begin = memory_.first[row + bins.along(0, x[0] - width)],
                                   end = memory_.first[row + bins.along(0, x[0] + width) + 1];
                if (begin == end) continue;
                memory_.runs.push_back({begin, end});
                n += end - begin;
            }
        }
        memory_.near.resize(std::size_t(n) + 8);
        return n;
    }

    void add_near(std::int64_t i, ImageList& list) {
        const double* x = memory_.points.data() + 3 * i;
        const float from[3] = {float(x[0] - middle_[0]), float(x[1] - middle_[1]), float(x[2] - middle_[2])};
        const std::int32_t* end =
            kernels_.near_points({memory_.x.data(), memory_.y.data(), memory_.z.data(), memory_.numbers.data()},
                                 memory_.runs.data(), std::int64_t(memory_.runs.size()), from, bound_, memory_.near.data());
        const double square = cutoff_ * cutoff_;
        const std::size_t before = list.neighbors.size();
        list.neighbors.resize(before + std::size_t(end - memory_.near.data()));
        std::int32_t* to = list.neighbors.data() + before;
        for (const std::int32_t* number = memory_.near.data(); number != end; ++number) {
            const double* y = memory_.points.data() + 3 * std::int64_t(*number);
            const Vector r{y[0] - x[0], y[1] - x[1], y[2] - x[2]};
            *to = std::int32_t(*number < n_atoms_ ? first_ + *number : first_image_ + *number - n_atoms_);
            to += dot(r, r) < square && *number != i;
        }
        list.neighbors.resize(std::size_t(to - list.neighbors.data()));
    }

    const double* positions_;
    const double* cell_;
    const bool* periodic_;
    std::int64_t first_, n_atoms_, first_image_ = 0;
    double cutoff_;
    const Kernels& kernels_;
    SearchMemory& memory_;
    std::array<Vector, 3> reciprocal_;
    Vector reach_{};  // of the cutoff, in fractional coordinates
    Vector middle_{};
    Box box_{};       // around all points
    float bound_ = 0.0f;
};

// Takes back what the search of a structure has found.
void leave_out(std::int64_t s, const StructureList& list, std::size_t n_images, std::size_t n_neighbors,
               FoundNeighbors& found) {
    found.left_out.push_back(s);
    found.list.images.resize(n_images);
    found.list.neighbors.resize(n_neighbors);
    for (std::int64_t i = list.offsets[s]; i < list.offsets[s + 1]; ++i)
        found.list.first[i + 1] = std::int64_t(n_neighbors);
}

}  // namespace

FoundNeighbors search_neighbors(const StructureList& list, double cutoff, double most_in_vain, const Kernels& kernels) {
    require(cutoff > 0 && std::isfinite(cutoff), "the cutoff must be a positive number");
    const std::int64_t n_atoms = list.offsets[list.n_structures];
    require(list.offsets[0] == 0, "atoms must begin with the first structure");
    FoundNeighbors found;
    for (std::int64_t i = 0; i < n_atoms; ++i) found.list.images.push_back({std::int32_t(i), {0, 0, 0}});
    found.list.first.assign(std::size_t(n_atoms) + 1, 0);
    found.structures.resize(std::size_t(n_atoms));
    found.inside.assign(list.positions, list.positions + 3 * n_atoms);
    SearchMemory memory;
    for (std::int64_t s = 0; s < list.n_structures; ++s) {
        const std::int64_t begin = list.offsets[s], end = list.offsets[s + 1];
        if (begin == end) continue;
        std::fill(found.structures.begin() + begin, found.structures.begin() + end, std::int32_t(s));
        const std::size_t n_images = found.list.images.size(), n_neighbors = found.list.neighbors.size();
        Search search(list, s, cutoff, kernels, memory);
        bool is_done = search.is_simple();
        if (is_done) {
            search.put_inside(found);
            search.add_images(found);
            is_done = found.list.images.size() <= std::size_t(INT32_MAX) && search.add_neighbors(most_in_vain, found);
        }
        if (!is_done) leave_out(s, list, n_images, n_neighbors, found);
    }
    return found;
}

void check_found(const FoundNeighbors& found) {
    const ImageList& list = found.list;
    const std::int64_t n = list.n_atoms(), n_images = std::int64_t(list.images.size());
    require(n_images >= n && list.first[0] == 0 && list.first[n] == std::int64_t(list.neighbors.size()),
            "images or neighbours of another number of atoms");
    bool good = true;
    for (std::int64_t q = 0; q < n_images; ++q) {
        const Image& image = list.images[q];
        good &= q < n ? image.atom == q : image.atom >= 0 && image.atom < n;
        for (const std::int32_t t : image.translation) good &= t > -largest_translation && t < largest_translation;
    }
    for (std::int64_t i = 0; i < n; ++i) {
        good &= list.first[i] <= list.first[i + 1];
        good &= found.structures[i] >= (i ? found.structures[i - 1] : 0);
    }
    require(good, "image, translation or structure out of range");
    for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t e = list.first[i]; e < list.first[i + 1]; ++e) {
            const std::int32_t q = list.neighbors[e];
            require(q >= 0 && q < n_images, "neighbour index out of range");
            require(found.structures[list.images[q].atom] == found.structures[i],
                    "neighbours must belong to one structure");
        }
}

FoundPairs pairs_of(const ImageList& list) {
    FoundPairs found;
    found.pairs.reserve(list.neighbors.size());
    found.shifts.reserve(list.neighbors.size() / 2 * 3);
    for (std::int64_t i = 0; i < list.n_atoms(); ++i)
        for (std::int64_t e = list.first[i]; e < list.first[i + 1]; ++e) {
            const Image& image = list.images[list.neighbors[e]];
            Shift shift = image.translation;
            for (int c = 0; c < 3; ++c) shift[c] -= list.images[i].translation[c];
            // Of the images of the atom itself one of each two opposite ones.
            if (image.atom < i || (image.atom == i && shift < Shift{0, 0, 0})) continue;
            found.pairs.insert(found.pairs.end(), {std::int32_t(i), image.atom});
            found.shifts.insert(found.shifts.end(), shift.begin(), shift.end());
        }
    return found;
}

}  // namespace maxvolt
