#include "instruction_sets.hpp"

#include <stdexcept>

namespace maxvolt {

std::vector<const Kernels*> available_kernels() {
    std::vector<const Kernels*> out;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        out.push_back(&kernels_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out.push_back(&kernels_avx2);
#endif
    out.push_back(&kernels_baseline);
    return out;
}

const Kernels& find_kernels(const std::string& name) {
    for (const Kernels* k : available_kernels())
        if (name.empty() || name == k->name) return *k;
    throw std::invalid_argument("instruction set '" + name + "' is not available on this processor");
}

}  // namespace maxvolt
