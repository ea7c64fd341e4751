// Random numbers whose state is four words, the same on all machines: xoshiro256++ of Blackman and Vigna.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

namespace maxvolt::lattice {

class Random {
  public:
    using State = std::array<std::uint64_t, 4>;

    explicit Random(std::uint64_t seed) {
        for (auto& word : state_) word = split(seed);
    }
    explicit Random(const State& state) : state_(state) {}

    const State& state() const { return state_; }

    std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    // From 0 to 1, without 1.
    double uniform() { return double(next() >> 11) * 0x1.0p-53; }

    // One of n numbers; for n below 2^32 none is preferred by more than 2^-32 of its share.
    std::uint32_t below(std::uint32_t n) { return std::uint32_t(((next() >> 32) * std::uint64_t(n)) >> 32); }

  private:
    static std::uint64_t split(std::uint64_t& seed) {
        std::uint64_t z = (seed += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }

    State state_{};
};

}  // namespace maxvolt::lattice
