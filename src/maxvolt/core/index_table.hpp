// Small whole numbers by keys made of integers; a hash table that is cleared without being freed.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace maxvolt {

// Compilers make a call of memcmp from ==, which is slow for so few.
template <std::size_t N>
bool same(const std::array<std::int32_t, N>& a, const std::array<std::int32_t, N>& b) {
    bool equal = true;
    for (std::size_t k = 0; k < N; ++k) equal &= a[k] == b[k];
    return equal;
}

template <std::size_t N>
class IndexTable {
  public:
    using Key = std::array<std::int32_t, N>;

    IndexTable() { grow(); }

    // The number of a key; -1, to be set, where it is new.
    std::int32_t& operator[](const Key& key) {
        if (2 * used_.size() >= slots_.size()) grow();
        std::size_t at = place(key);
        while (slots_[at].taken && !same<N>(slots_[at].key, key)) at = (at + 1) & mask();
        Slot& slot = slots_[at];
        if (!slot.taken) {
            slot = {key, -1, true};
            used_.push_back(at);
        }
        return slot.number;
    }

    void clear() {
        for (const std::size_t at : used_) slots_[at].taken = false;
        used_.clear();
    }

  private:
    struct Slot {
        Key key{};
        std::int32_t number = -1;
        bool taken = false;
    };

    std::size_t mask() const { return slots_.size() - 1; }

    std::size_t place(const Key& key) const {
        std::uint64_t h = 0;
        for (const std::int32_t part : key) {
            h = (h ^ std::uint32_t(part)) * 0x9E3779B97F4A7C15u;
            h ^= h >> 32;
        }
        return std::size_t(h) & mask();
    }

    void grow() {
        std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
        old.swap(slots_);
        used_.clear();
        for (const Slot& slot : old)
            if (slot.taken) (*this)[slot.key] = slot.number;
    }

    std::vector<Slot> slots_;
    std::vector<std::size_t> used_;
};

}  // namespace maxvolt
