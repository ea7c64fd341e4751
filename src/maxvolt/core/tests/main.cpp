#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "systems.hpp"

int main(int argc, char** argv) {
    constexpr int skipped = 77;
    try {
        std::printf("kernels: %s\n", maxvolt::kernels().name);
    } catch (const std::invalid_argument& error) {
        std::printf("skipped: %s\n", error.what());
        return skipped;
    }
    return doctest::Context(argc, argv).run();
}
