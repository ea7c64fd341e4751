#include "single_inverse.hpp"

#include <algorithm>
#include <cmath>

namespace maxvolt {

namespace {

constexpr double single_unit = 0x1p-24, double_unit = 0x1p-53;
constexpr double far_out = 4.0;          // times the median length of columns: a direction to be left out
constexpr std::int64_t worthwhile = 48;  // parameters from which on it is faster

using Columns = std::vector<std::vector<double>>;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
    return sum;
}

void subtract(std::vector<double>& from, double factor, const std::vector<double>& what) {
    for (std::size_t k = 0; k < from.size(); ++k) from[k] -= factor * what[k];
}

Columns columns_of(const std::vector<double>& matrix, std::int64_t n) {
    const auto size = static_cast<std::size_t>(n);
    Columns out(size, std::vector<double>(size));
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t j = 0; j < n; ++j) out[std::size_t(j)][std::size_t(k)] = matrix[std::size_t(k * n + j)];
    return out;
}

// Orthonormal directions of the few columns that are far longer than the others, by pivoted Gram-Schmidt; false where
// they are many.
bool find_large_directions(Columns columns, Columns& found) {
    const std::size_t n = columns.size();
    std::vector<double> lengths(n);
    for (std::size_t most = n / 4; found.size() <= most;) {
        for (std::size_t j = 0; j < n; ++j) lengths[j] = std::sqrt(dot(columns[j], columns[j]));
        const auto longest = std::size_t(std::max_element(lengths.begin(), lengths.end()) - lengths.begin());
        const double length = lengths[longest];
        if (!std::isfinite(length)) return false;
        std::nth_element(lengths.begin(), lengths.begin() + std::ptrdiff_t(n / 2), lengths.end());
        if (!(length > far_out * lengths[n / 2])) return true;
        std::vector<double> direction = columns[longest];
        for (int twice = 0; twice < 2; ++twice) {
            for (const auto& other : found) subtract(direction, dot(direction, other), other);
            const double rest = std::sqrt(dot(direction, direction));
            if (!(rest > 0.0)) return false;
            for (double& x : direction) x /= rest;
        }
        for (auto& column : columns) subtract(column, dot(column, direction), direction);
        found.push_back(std::move(direction));
    }
    return false;
}

template <class T>
void to_panels(std::vector<T>& panels, std::int64_t width, std::int64_t n, std::int64_t n_columns,
               const auto& entry) {
    panels.assign(std::size_t((n_columns + width - 1) / width * width * n), T(0));
    for (std::int64_t k = 0; k < n; ++k)
        for (std::int64_t j = 0; j < n_columns; ++j)
            panels[std::size_t(j / width * width * n + k * width + j % width)] = T(entry(k, j));
}

// A float that is not below a number.
float above(double x) { return float(x * (1.0 + 1e-6)) + 1e-36f; }

}  // namespace

std::unique_ptr<const PreparedInverse> PreparedInverse::of(const std::vector<double>& inverse, std::int64_t n) {
    if (n < worthwhile) return nullptr;
    Columns directions;
    if (!find_large_directions(columns_of(inverse, n), directions)) return nullptr;
    std::unique_ptr<PreparedInverse> out(new PreparedInverse(n));
    out->take(inverse, directions);
    for (const float e : out->errors_)
        if (!std::isfinite(e)) return nullptr;
    for (const float e : out->of_left_out_)
        if (!std::isfinite(e)) return nullptr;
    return out;
}

void PreparedInverse::take(const std::vector<double>& inverse, const Columns& directions) {
    const auto n = std::size_t(n_), n_directions = directions.size();
    const Columns columns = columns_of(inverse, n_);
    Columns rest = columns, magnitude = columns, shares(n, std::vector<double>(n_directions));
    for (std::size_t j = 0; j < n; ++j) {
        for (double& x : magnitude[j]) x = std::fabs(x);
        for (std::size_t q = 0; q < n_directions; ++q) {
            const double share = shares[j][q] = dot(columns[j], directions[q]);
            subtract(rest[j], share, directions[q]);
            for (std::size_t k = 0; k < n; ++k) magnitude[j][k] += std::fabs(share * directions[q][k]);
        }
        columns_.insert(columns_.end(), columns[j].begin(), columns[j].end());
    }
    scales_.assign(n, 0.0);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t j = 0; j < n; ++j) scales_[k] = std::max(scales_[k], std::fabs(rest[j][k]));
        if (!(scales_[k] > 0.0)) scales_[k] = 1e-300;
    }
    const auto padded = std::size_t((n_ + single_width - 1) / single_width * single_width);
    errors_.assign(padded, 0.0f);
    of_left_out_.assign(padded, 0.0f);
    for (std::size_t j = 0; j < n; ++j) {
        double squares = 0.0, squares_of_magnitude = 0.0;
        for (std::size_t k = 0; k < n; ++k) {
            squares += std::pow(rest[j][k] / scales_[k], 2);
            squares_of_magnitude += std::pow(magnitude[j][k] / scales_[k], 2);
        }
        // The product and its factors in single precision; what the rest of a column was rounded by.
        const double rounded = std::min(double(n_), single_chunk + double(n_) / single_chunk) + 16.0;
        errors_[j] = above(rounded * single_unit * std::sqrt(squares) +
                           double(n_directions + 4) * double_unit * std::sqrt(squares_of_magnitude) + 1e-35);
        of_left_out_[j] = above(std::sqrt(dot(shares[j], shares[j])));
    }
    double squares = 0.0;
    for (const auto& direction : directions)
        for (std::size_t k = 0; k < n; ++k) squares += std::pow(direction[k] / scales_[k], 2);
    left_out_error_ = double(n_) * double_unit * std::sqrt(squares);
    n_left_out_ = std::int64_t(n_directions);
    to_panels(panels_, single_width, n_, n_, [&](std::int64_t k, std::int64_t j) {
        return rest[std::size_t(j)][std::size_t(k)] / scales_[std::size_t(k)];
    });
    to_panels(left_out_, panel_width, n_, n_left_out_,
              [&](std::int64_t k, std::int64_t q) { return directions[std::size_t(q)][std::size_t(k)]; });
}

void PreparedInverse::grades(const Kernels& kernels, const double* panels, const double* rows, std::int64_t count,
                             GradingMemory& memory, double* grades) const {
    const SingleInverse view{panels_.data(), scales_.data(), errors_.data(), of_left_out_.data(), left_out_.data(),
                             n_left_out_,    left_out_error_, columns_.data()};
    const bool is_first = !memory.single;
    if (is_first) memory.single = std::make_unique<Memory>(kernels.single_coordinates_bytes(n_));
    kernels.largest_coordinates_single(panels, view, n_, rows, count, memory.used.data(), memory.single->data, is_first,
                                       grades);
}

}  // namespace maxvolt
