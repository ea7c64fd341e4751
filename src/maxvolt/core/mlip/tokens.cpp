#include "mlip/tokens.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include "model_file.hpp"

namespace maxvolt::mlip {

namespace {

constexpr std::size_t most_digits = 9;  // of an integer, which then fits into 32 bits

bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

std::size_t digits_at(std::string_view bytes, std::size_t at) {
    std::size_t n = 0;
    while (at + n < bytes.size() && is_digit(bytes[at + n])) ++n;
    return n;
}

bool is_sign_at(std::string_view bytes, std::size_t at) {
    return at < bytes.size() && (bytes[at] == '+' || bytes[at] == '-');
}

// How many bytes at the beginning are an integer of at most nine digits; 0 where there is none.
std::size_t integer_length(std::string_view bytes) {
    const std::size_t sign = is_sign_at(bytes, 0), n = digits_at(bytes, sign);
    return n >= 1 && n <= most_digits ? sign + n : 0;
}

std::int32_t to_integer(std::string_view bytes) {
    std::int32_t value = 0;
    for (const char c : bytes.substr(is_sign_at(bytes, 0))) value = 10 * value + (c - '0');
    return bytes[0] == '-' ? -value : value;
}

}  // namespace

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string quoted(std::string_view bytes) {
    constexpr std::size_t most_shown = 40;
    if (bytes.empty()) return "the end of the file";
    std::string out = "'";
    for (const char c : bytes.substr(0, most_shown)) {
        if (c == '\n') out += "\\n";
        else if (c == '\r') out += "\\r";
        else if (c == '\t') out += "\\t";
        else if (c >= ' ' && c <= '~') out += c;
        else {
            constexpr char digits[] = "0123456789abcdef";
            out += std::string("\\x") + digits[std::uint8_t(c) >> 4] + digits[std::uint8_t(c) & 15];
        }
    }
    return out + "'";
}

std::size_t real_length(std::string_view bytes) {
    std::size_t n = is_sign_at(bytes, 0);
    const std::size_t whole = digits_at(bytes, n);
    n += whole;
    if (n < bytes.size() && bytes[n] == '.') {
        const std::size_t fraction = digits_at(bytes, n + 1);
        if (!whole && !fraction) return 0;
        n += 1 + fraction;
    } else if (!whole) {
        return 0;
    }
    if (n < bytes.size() && (bytes[n] == 'e' || bytes[n] == 'E')) {
        const std::size_t sign = is_sign_at(bytes, n + 1), exponent = digits_at(bytes, n + 1 + sign);
        if (exponent) n += 1 + sign + exponent;
    }
    return n < bytes.size() && (is_word(bytes[n]) || bytes[n] == '.') ? 0 : n;
}

double to_real(std::string_view bytes) {
    // Not strtod, which takes the decimal point of the locale, nor from_chars, which few libraries have for doubles.
    static const std::locale plain = std::locale::classic();
    std::istringstream stream{std::string(bytes)};
    stream.imbue(plain);
    double value = 0.0;
    stream >> value;
    if (stream.fail() && std::fabs(value) >= 1.0) return std::copysign(std::numeric_limits<double>::infinity(), value);
    return value;
}

void Scanner::fail(const std::string& message, std::size_t at) const {
    const auto end = data.begin() + std::ptrdiff_t(std::min(at, data.size()));
    throw ModelFileError(path + ", line " + std::to_string(1 + std::count(data.begin(), end, '\n')) + ": " + message);
}

void Scanner::fail_at_byte(const std::string& message, std::size_t at) const {
    throw ModelFileError(path + ", byte " + std::to_string(at) + ": " + message);
}

void Scanner::skip_space() {
    while (position < data.size() && is_space(data[position])) ++position;
}

std::string_view Scanner::word() {
    std::size_t begin = position;
    while (begin < data.size() && is_space(data[begin])) ++begin;
    if (begin == data.size() || !is_word(data[begin]) || is_digit(data[begin])) return {};
    std::size_t end = begin;
    while (end < data.size() && is_word(data[end])) ++end;
    position = end;
    return data.substr(begin, end - begin);
}

void Scanner::equals(const std::string& key) {
    std::size_t at = position;
    while (at < data.size() && (data[at] == ' ' || data[at] == '\t')) ++at;
    if (at == data.size() || data[at] != '=') fail("expected '=' after " + quoted(key));
    position = at + 1;
}

std::string Scanner::text() {
    const std::size_t begin = position;
    position = std::min(data.find('\n', begin), data.size());
    return std::string(trimmed(data.substr(begin, position - begin)));
}

std::string_view Scanner::value(const std::string& key) {
    std::size_t begin = position;
    while (begin < data.size() && is_space(data[begin])) ++begin;
    std::size_t end = begin;
    while (end < data.size() && !is_space(data[end]) && data[end] != '{' && data[end] != '}') ++end;
    if (end == begin || (end < data.size() && !is_space(data[end])))
        fail("expected one value after '" + key + " ='");
    position = end;
    return data.substr(begin, end - begin);
}

std::int32_t Scanner::integer(const std::string& key) {
    const std::string_view raw = value(key);
    if (integer_length(raw) != raw.size())
        fail("expected an integer of at most nine digits after '" + key + " =', found " + quoted(raw));
    return to_integer(raw);
}

double Scanner::real(const std::string& key) {
    const std::string_view raw = value(key);
    const double found = real_length(raw) == raw.size() ? to_real(raw) : INFINITY;
    if (!std::isfinite(found)) fail("expected a finite number after '" + key + " =', found " + quoted(raw));
    return found;
}

std::optional<std::pair<std::int32_t, std::int32_t>> Scanner::labels() {
    std::size_t at = position;
    while (at < data.size() && is_space(data[at])) ++at;
    const std::size_t first = digits_at(data, at), dash = at + first;
    if (first < 1 || first > most_digits || dash == data.size() || data[dash] != '-') return std::nullopt;
    const std::size_t second = digits_at(data, dash + 1), end = dash + 1 + second;
    if (second < 1 || second > most_digits || end == data.size() || !is_space(data[end])) return std::nullopt;
    position = end;
    return std::pair(to_integer(data.substr(at, first)), to_integer(data.substr(dash + 1, second)));
}

bool Scanner::at_brace() {
    std::size_t at = position;
    while (at < data.size() && is_space(data[at])) ++at;
    if (at == data.size() || data[at] != '{') return false;
    position = at;
    return true;
}

bool Scanner::accept(char wanted) {
    skip_space();
    if (position == data.size() || data[position] != wanted) return false;
    ++position;
    return true;
}

// Items with commas between them, none behind the last; read_item says whether it has found one.
template <class Numbers, class ReadItem>
Numbers Scanner::list(const std::string& key, const char* expected, ReadItem read_item) {
    const auto refuse = [&](const std::string& found) {
        fail(std::string("expected ") + expected + " for " + quoted(key) + found);
    };
    if (!at_brace()) refuse("");
    ++position;
    Numbers out;
    skip_space();
    bool more = position < data.size() && data[position] != '}';
    std::size_t item = position;
    while (more) {
        item = position;
        if (!read_item(out)) break;
        more = accept(',');
        if (more) skip_space();
        else if (position == data.size() || data[position] != '}') break;
    }
    if (more || position == data.size() || data[position] != '}') {
        position = item;
        refuse(", found " + quoted(data.substr(item, 20)));
    }
    ++position;
    return out;
}

bool Scanner::read_integer(Integers32& to) {
    const std::size_t n = integer_length(data.substr(position, most_digits + 2));
    if (!n) return false;
    to.push_back(to_integer(data.substr(position, n)));
    position += n;
    return true;
}

bool Scanner::read_row(Integers32& to) {
    if (!accept('{')) return false;
    for (int column = 0; column < 4; ++column) {
        if (column && !accept(',')) return false;
        skip_space();
        if (!read_integer(to)) return false;
    }
    return accept('}');
}

Integers32 Scanner::integers(const std::string& key) {
    return list<Integers32>(key, "a list of integers of at most nine digits in braces",
                            [this](Integers32& to) { return read_integer(to); });
}

Integers32 Scanner::rows(const std::string& key) {
    return list<Integers32>(key, "a list of rows {i, i, i, i} of integers in braces",
                            [this](Integers32& to) { return read_row(to); });
}

Reals Scanner::reals(const std::string& key) {
    return list<Reals>(key, "a list of finite numbers in braces", [&](Reals& to) {
        const std::size_t n = real_length(data.substr(position));
        if (!n) return false;
        to.push_back(to_real(data.substr(position, n)));
        if (!std::isfinite(to.back())) fail("a number of '" + key + "' is too large");
        position += n;
        return true;
    });
}

}  // namespace maxvolt::mlip
