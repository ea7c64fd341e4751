// How the core refuses what it cannot work with.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "model_arrays.hpp"

namespace maxvolt {

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

// "(3, 8)", "(any, 2)"
template <class Lengths>
std::string shape_text(const Lengths& shape) {
    std::string text = "(";
    for (const std::int64_t length : shape)
        text += (text.size() > 1 ? ", " : "") + (length == any_length ? "any" : std::to_string(length));
    return text + ")";
}

// A visitor of each_field: vectors have as many entries as their shapes say. Shapes are made of numbers that
// somebody gave, so check first that those are small enough to be multiplied.
struct SizeCheck {
    std::string owner = "";  // what the arrays belong to, for messages

    template <class T>
    void operator()(const char*, const T&) const {}

    template <class T>
    void operator()(const char* name, const std::vector<T>& values, Shape shape) const {
        std::int64_t row = 1;
        bool open = false;
        for (const std::int64_t length : shape) {
            if (length == any_length) open = true;
            else row *= length;
        }
        const auto size = std::int64_t(values.size());
        if (open ? size % row != 0 : size != row)
            throw std::invalid_argument(owner + name + " has " + std::to_string(size) + " entries; expected shape " +
                                        shape_text(shape));
    }

    // One entry for each of something that is counted elsewhere.
    template <class T>
    void same(const char* name, const std::vector<T>& values, std::int64_t expected, const char* one_for) const {
        if (std::int64_t(values.size()) != expected)
            throw std::invalid_argument(owner + name + " has " + std::to_string(values.size()) +
                                        " entries; expected " + std::to_string(expected) + ", one for each " + one_for);
    }
};

}  // namespace maxvolt
