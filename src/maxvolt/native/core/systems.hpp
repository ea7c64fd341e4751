// Neighbour lists and atoms as Python hands them over; compiled with the module only.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "model.hpp"
#include "windows.hpp"

namespace maxvolt {

namespace nb = nanobind;
template <class T, class... Shape>
using Array = nb::ndarray<const T, nb::numpy, nb::device::cpu, nb::c_contig, Shape...>;
using Integers = Array<std::int32_t, nb::ndim<1>>;
using Vectors = Array<double, nb::shape<-1, 3>>;

inline void require(bool condition, const char* message) {
    if (!condition) throw std::invalid_argument(message);
}

// Lets other Python threads run while it lives. A daemon thread that would take the lock back after the
// interpreter has begun to end is ended there, by unwinding its stack (up to Python 3.13); that must not
// reach code that nothing may leave so, which would abort the program. Such a thread waits for the end here.
class Unlocked {
  public:
    Unlocked() : state_(PyEval_SaveThread()) {}
    ~Unlocked() {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    PyThreadState* state_;
};

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

// A neighbour list in windows; everything in it has been checked.
class NeighborWindows {
  public:
    NeighborWindows(Array<std::int32_t, nb::shape<-1, 2>> pairs, Array<std::int32_t, nb::shape<-1, 3>> shifts,
                    Vectors inside, Array<std::int32_t, nb::shape<-1, 3>> images, Integers structures,
                    Integers labels, std::int64_t window_atoms)
        : n_atoms(std::int64_t(inside.shape(0))) {
        const auto n_pairs = std::int64_t(pairs.shape(0));
        require(window_atoms > 0, "a window needs at least one atom");
        require(std::int64_t(shifts.shape(0)) == n_pairs, "shifts needs one row a pair");
        require(std::int64_t(structures.size()) == n_atoms && std::int64_t(labels.size()) == n_atoms &&
                    std::int64_t(images.shape(0)) == n_atoms,
                "images, structures and labels need one entry an atom");
        for (std::int64_t i = 0; i < n_atoms; ++i) {
            require(structures.data()[i] >= (i ? structures.data()[i - 1] : 0),
                    "structures must not decrease, from 0 or more");
            require(labels.data()[i] >= 0, "negative species index");
        }
        if (n_atoms) n_structures = structures.data()[n_atoms - 1] + 1;
        bool good = true;
        for (std::int64_t p = 0; p < 2 * n_pairs; ++p)
            good &= pairs.data()[p] >= 0 && pairs.data()[p] < n_atoms;
        require(good, "neighbour index out of range");
        for (std::int64_t p = 0; p < n_pairs; ++p)
            good &= structures.data()[pairs.data()[2 * p]] == structures.data()[pairs.data()[2 * p + 1]];
        require(good, "neighbours must belong to one structure");
        for (std::int64_t c = 0; c < 3 * n_pairs; ++c) good &= std::abs(std::int64_t(shifts.data()[c])) < most;
        for (std::int64_t c = 0; c < 3 * n_atoms; ++c) good &= std::abs(std::int64_t(images.data()[c])) < most;
        require(good, "lattice translation out of range");
        const PairList list{n_atoms, n_pairs, pairs.data(), shifts.data(), images.data()};
        const std::vector<std::int32_t> copied(structures.data(), structures.data() + n_atoms);
        const Unlocked unlocked;
        windows = std::make_unique<Windows>(list, copied, labels.data(), inside.data(),
                                            window_atoms);
    }

    static constexpr std::int64_t most = 1 << 28;  // sums of some of them are whole numbers still
    std::int64_t n_atoms, n_structures = 0;
    std::unique_ptr<Windows> windows;
};

// Atoms where they are now, with their neighbours; keeps the arrays alive, and the binding the list.
class AtomicSystem {
  public:
    AtomicSystem(Vectors positions, Array<double, nb::shape<-1, 3, 3>> cells, Integers types,
                 const NeighborWindows& list)
        : windows(list.windows.get()), positions_(positions), cells_(cells), types_(types) {
        const auto n = std::int64_t(positions.shape(0));
        require(list.n_atoms == n, "the neighbour list is that of another number of atoms");
        require(std::int64_t(types.size()) == n, "types needs one entry an atom");
        require(std::int64_t(cells.shape(0)) >= list.n_structures, "structure index out of range");
        for (std::int64_t i = 0; i < n; ++i) {
            max_type = types.data()[i] > max_type ? types.data()[i] : max_type;
            require(types.data()[i] >= 0, "negative species index");
        }
        atoms = {n, std::int64_t(cells.shape(0)), positions.data(), cells.data(), types.data(),
                 windows->structures().data()};
    }

    Atoms atoms{};
    const Windows* windows;
    std::int32_t max_type = -1;

  private:
    Vectors positions_;
    Array<double, nb::shape<-1, 3, 3>> cells_;
    Integers types_;
};

// Calls work(window number, system, workspace) for windows [begin, end) until one does not return -1, and
// returns what that returned: an atom that coincides with another.
template <class Bytes, class Work>
std::int64_t for_windows(const Kernels& k, const Model& m, const AtomicSystem& s, std::int64_t begin,
                         std::int64_t end, const Bytes& workspace_bytes, const Work& work) {
    std::unique_ptr<Memory> prepared, workspace;
    std::int64_t prepared_bytes = 0, bytes = 0;
    for (std::int64_t w = begin; w < end; ++w) {
        const Window window = (*s.windows)[w];
        const std::int64_t needed = k.prepared_bytes(m, window);
        if (!prepared || needed > prepared_bytes) {
            prepared = std::make_unique<Memory>(needed);
            prepared_bytes = needed;
        }
        const System system = k.prepare(m, s.atoms, window, prepared->data);
        const std::int64_t room = workspace_bytes(system);
        if (!workspace || room > bytes) {
            workspace = std::make_unique<Memory>(room);
            bytes = room;
        }
        const std::int64_t bad = work(w, system, workspace->data);
        if (bad >= 0) return bad;
    }
    return -1;
}

}  // namespace maxvolt
