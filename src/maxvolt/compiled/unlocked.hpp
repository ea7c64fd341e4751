// Work without the lock of the interpreter.
#pragma once
#include <Python.h>

#include <chrono>
#include <thread>

namespace maxvolt {

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

}  // namespace maxvolt
