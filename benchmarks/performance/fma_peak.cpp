// How many multiply-adds a second one core can do, and at what clock it runs.
//
// Independent chains x = a x + b in vector registers, enough of them to hide the latency: nothing is
// loaded, stored or predicted, so no program can do more. The build gives VECTOR_BYTES and the flags of
// an instruction set; a set without fused multiply-adds does a multiplication and an addition.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#ifndef VECTOR_BYTES
#error "define VECTOR_BYTES, the length of a vector register"
#endif

namespace {

typedef double doubles __attribute__((vector_size(VECTOR_BYTES)));
typedef float singles __attribute__((vector_size(VECTOR_BYTES)));

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Best rate, in repetitions of `work(count)` a second, that is found in so many seconds.
template <class Work>
double best_rate(Work work, double seconds) {
    const std::int64_t count = 1 << 16;
    double best = 0.0;
    for (const double begin = now(); now() - begin < seconds;) {
        const double before = now();
        work(count);
        const double rate = double(count) / (now() - before);
        if (rate > best) best = rate;
    }
    return best;
}

// Multiply-adds a second.
template <class Vector, class Number>
double multiply_add_rate(double seconds) {
    constexpr int chains = 12;  // of 16 registers, on machines that have no more
    constexpr int lanes = VECTOR_BYTES / sizeof(Number);
    volatile Number given_a = Number(0.999), given_b = Number(0.001), result = 0;
    const Vector a = Vector{} + given_a, b = Vector{} + given_b;
    Vector x[chains];
    for (int c = 0; c < chains; ++c) x[c] = b * Number(c);
    const double rate = best_rate(
        [&](std::int64_t count) {
            for (std::int64_t i = 0; i < count; ++i)
#pragma GCC unroll 12
                for (int c = 0; c < chains; ++c) x[c] = a * x[c] + b;
        },
        seconds);
    for (int c = 0; c < chains; ++c) result = result + x[c][0];
    return rate * chains * lanes;
}

// Cycles a second: an addition of registers that waits for the one before takes one cycle.
double clock_rate(double seconds) {
    volatile std::uint64_t given = 3;
    std::uint64_t x = given;
    const std::uint64_t step = given;
    constexpr int chain = 16;
    return chain * best_rate(
                       [&](std::int64_t count) {
                           for (std::int64_t i = 0; i < count; ++i)
#pragma GCC unroll 16
                               for (int c = 0; c < chain; ++c) {
                                   x += step;
                                   asm volatile("" : "+r"(x));
                               }
                       },
                       seconds);
}

}  // namespace

int main(int, char** arguments) {
    const double seconds = arguments[1] ? std::atof(arguments[1]) / 3.0 : 0.2;
    const double in_double = multiply_add_rate<doubles, double>(seconds);
    const double in_single = multiply_add_rate<singles, float>(seconds);
    std::printf("%.9g %.9g %.9g\n", in_double, in_single, clock_rate(seconds));
}
