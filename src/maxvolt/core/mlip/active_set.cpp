#include "mlip/active_set.hpp"

#include <cctype>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace maxvolt::mlip {

namespace {

constexpr const char* weight_names[] = {"energy_weight", "force_weight", "stress_weight", "site_en_weight",
                                        "weight_scaling"};

constexpr std::size_t most_letters = 40;  // of a name or a weight

class Reader {
  public:
    Reader(const Scanner& file, std::size_t begin, std::int64_t n) : file_(file), at_(begin), n_(n) {}

    ActiveSetArrays read() {
        const std::size_t begin = at_;
        bool new_line = false;
        while (at_ < size() && is_space(here())) new_line |= file_.data[at_++] == '\n';
        if (new_line && accept_line("#MVS_v1.1")) return mlip_3();
        if (new_line && accept("^")) return mlip_2();
        at_ = begin;
        fail("expected a new line with '#MVS_v1.1' (MLIP-3) or '^' (MLIP-2) after the potential");
    }

  private:
    ActiveSetArrays mlip_3() {
        std::map<std::string, double> found;
        for (std::string name = weight_name(); !name.empty(); name = weight_name()) {
            bool known = false;
            for (const char* wanted : weight_names) known |= name == wanted;
            if (!known || found.contains(name)) fail(quoted(name) + " is unknown, or occurs twice");
            found[name] = weight(name);
        }
        for (const char* wanted : weight_names)
            if (!found.contains(wanted)) fail(quoted(wanted) + " is missing");
        const double scaling = found["weight_scaling"];
        if (scaling != 0.0 && scaling != 1.0 && scaling != 2.0)
            fail("expected 0, 1 or 2 for weight_scaling");
        skip_space();
        expect("#");
        ActiveSetArrays out{found["energy_weight"], found["force_weight"], found["stress_weight"],
                            found["site_en_weight"], std::int32_t(scaling), inverse()};
        expect_line_end();
        expect("#");
        expect_line_end();
        for (const auto& [structure, equation] : pairs()) {
            const bool initial = structure == -1 && equation == -1;  // a row that was never replaced
            if (!initial && (structure < 0 || equation < 0))
                fail("a row has a negative number of a structure or equation");
        }
        skip_space();
        if (!accept_line("#")) expect("# and a new line");
        return out;
    }

    ActiveSetArrays mlip_2() {
        const Reals weights = doubles(4);  // site energy, energy, force, stress
        expect_line_end();
        expect("#");
        ActiveSetArrays out{weights[1], weights[2], weights[3], weights[0], 2, inverse()};
        expect_line_end();
        std::vector<bool> seen(std::size_t(n_), false);
        for (const auto& [row, structure] : pairs()) {
            if (row < 0 || row >= n_ || seen[std::size_t(row)])
                fail("expected each row from 0 to " + std::to_string(n_ - 1) + " once before the structures");
            if (structure < 0) fail("a row names a structure with a negative number");
            seen[std::size_t(row)] = true;
        }
        return out;
    }

    // The matrix is checked and passed over; its inverse is stored transposed.
    Reals inverse() {
        need_doubles(2 * n_ * n_);
        doubles(n_ * n_);
        const Reals transposed = doubles(n_ * n_);
        const auto n = std::size_t(n_);
        Reals out(n * n);
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) out[i * n + j] = transposed[j * n + i];
        return out;
    }

    void need_doubles(std::int64_t count) const {
        if (std::uint64_t(count) > (size() - at_) / sizeof(double))
            fail(std::to_string(count) + " numbers for the " + std::to_string(n_) +
                 " parameters of the potential are expected, the file ends before; is it cut off, or of another "
                 "potential?");
    }

    Reals doubles(std::int64_t count) {
        need_doubles(count);
        Reals out(static_cast<std::size_t>(count));
        std::memcpy(out.data(), file_.data.data() + at_, out.size() * sizeof(double));
        for (const double value : out) {
            if (!std::isfinite(value)) fail("a number is not finite");
            at_ += sizeof value;
        }
        return out;
    }

    // n lines of two whole numbers.
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs() {
        std::vector<std::pair<std::int64_t, std::int64_t>> out;
        for (std::int64_t row = 0; row < n_; ++row) {
            std::int64_t first = 0, second = 0;
            skip_space();
            const bool has_first = whole(first) && is_blank();
            skip_blanks();
            if (!has_first || !whole(second) || at_ == size() || !is_space(here()))
                fail("expected " + std::to_string(n_) + " lines of two whole numbers, found " + std::to_string(row));
            out.emplace_back(first, second);
        }
        return out;
    }

    bool whole(std::int64_t& to) {
        const bool negative = accept("-");
        int digits = 0;
        for (to = 0; digits < 10 && at_ < size() && is_digit(here()); ++digits, ++at_) to = 10 * to + (here() - '0');
        if (negative) to = -to;
        return digits >= 1 && digits <= 9;
    }

    // The next word of up to 40 characters; empty where something else follows.
    std::string weight_name() {
        skip_space();
        std::string out;
        while (at_ < size() && out.size() < most_letters && (std::isalnum(std::uint8_t(here())) || here() == '_'))
            out += file_.data[at_++];
        return out;
    }

    double weight(const std::string& name) {
        skip_blanks();
        std::size_t end = at_;
        while (end < size() && !is_space(file_.data[end]) && file_.data[end] != '#') ++end;
        const std::string_view raw = file_.data.substr(at_, end - at_);
        const bool is_number = !raw.empty() && raw.size() <= most_letters && real_length(raw) == raw.size();
        const double value = is_number ? to_real(raw) : INFINITY;
        if (!std::isfinite(value)) fail("expected a number after '" + name + "', found " + quoted(raw));
        at_ = end;
        return value;
    }

    void skip_space() {
        while (at_ < size() && is_space(here())) ++at_;
    }
    void skip_blanks() {
        while (is_blank()) ++at_;
    }
    bool is_blank() const { return at_ < size() && (here() == ' ' || here() == '\t'); }

    bool accept(std::string_view wanted) {
        const bool found = file_.data.substr(at_, wanted.size()) == wanted;
        if (found) at_ += wanted.size();
        return found;
    }

    bool accept_line(std::string_view wanted) {
        const std::string_view rest = file_.data.substr(at_);
        const std::string_view line = rest.substr(0, rest.find('\n'));
        if (line.size() == rest.size() || line.substr(0, wanted.size()) != wanted ||
            !trimmed(line.substr(wanted.size())).empty())
            return false;
        at_ += line.size() + 1;
        return true;
    }

    void expect(const char* wanted) {
        if (!accept(wanted))
            fail(std::string("expected '") + wanted + "', found " + quoted(file_.data.substr(at_, 20)) +
                 "; is the file damaged?");
    }
    void expect_line_end() {
        accept("\r");
        if (!accept("\n"))
            fail("expected the end of a line, found " + quoted(file_.data.substr(at_, 20)) + "; is the file damaged?");
    }

    char here() const { return file_.data[at_]; }
    std::size_t size() const { return file_.data.size(); }
    [[noreturn]] void fail(const std::string& message) const { file_.fail_at_byte("active set: " + message, at_); }

    const Scanner& file_;
    std::size_t at_;
    std::int64_t n_;
};

}  // namespace

ActiveSetArrays read_active_set(const Scanner& file, std::size_t begin, std::int64_t n) {
    return Reader(file, begin, n).read();
}

}  // namespace maxvolt::mlip
