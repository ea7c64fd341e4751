// Aligned memory for the kernels.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <new>

namespace maxvolt {

struct Memory {
    explicit Memory(std::int64_t bytes)
        : data(std::aligned_alloc(64, std::size_t((bytes + 63) / 64 * 64 + 64))) {
        if (!data) throw std::bad_alloc();
    }
    ~Memory() { std::free(data); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    void* data;
};

}  // namespace maxvolt
