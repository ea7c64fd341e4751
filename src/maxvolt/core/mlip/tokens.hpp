// The words, numbers and lists in braces of a text potential, read from its bytes in one pass.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model_arrays.hpp"

namespace maxvolt::mlip {

bool is_space(char);
bool is_digit(char);

// Without white space at both ends.
std::string_view trimmed(std::string_view text);

// Bytes of a file for a message: in quotes, not longer than a line, what is not printable as \xNN.
std::string quoted(std::string_view bytes);

// A place in the bytes of a file, and what can be read from there.
class Scanner {
  public:
    Scanner(std::string_view data, std::string path) : data(data), path(std::move(path)) {}

    // Throws ModelFileError that names the file and the line of a byte, by default of the present one.
    [[noreturn]] void fail(const std::string& message) const { fail(message, position); }
    [[noreturn]] void fail(const std::string& message, std::size_t at) const;

    // Names the byte instead, for parts that are binary.
    [[noreturn]] void fail_at_byte(const std::string& message, std::size_t at) const;

    void skip_space();
    // The next word; empty, with the position unchanged, where something else follows.
    std::string_view word();
    // The '=' between a key and its value.
    void equals(const std::string& key);
    // The rest of the line, without outer blanks.
    std::string text();
    std::int32_t integer(const std::string& key);
    double real(const std::string& key);
    // The label of a pair of species, such as 0-1.
    std::optional<std::pair<std::int32_t, std::int32_t>> labels();
    // Whether a list in braces follows; goes to it if so.
    bool at_brace();
    Integers32 integers(const std::string& key);  // {1, 2, ...}
    Integers32 rows(const std::string& key);      // {{1, 2, 3, 4}, ...}
    Reals reals(const std::string& key);          // {1.0, 2.0, ...}

    std::string_view data;
    std::string path;
    std::size_t position = 0;

  private:
    std::string_view value(const std::string& key);
    bool read_integer(Integers32& to);
    bool read_row(Integers32& to);
    bool accept(char wanted);
    template <class Numbers, class ReadItem>
    Numbers list(const std::string& key, const char* expected, ReadItem read_item);
};

// How many bytes at the beginning are a number of the format: digits with point and exponent, no hexadecimal, no
// infinity; 0 where there is none.
std::size_t real_length(std::string_view bytes);

// The number that such bytes are, rounded to the nearest double; infinite where it is too large. The same in every
// locale of the host program.
double to_real(std::string_view bytes);

}  // namespace maxvolt::mlip
