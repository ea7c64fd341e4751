// How the core refuses what it cannot work with.
#pragma once
#include <stdexcept>
#include <string>

namespace maxvolt {

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

}  // namespace maxvolt
