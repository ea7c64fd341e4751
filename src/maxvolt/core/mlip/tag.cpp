#include "mlip/tag.hpp"

#include <cmath>
#include <stdexcept>

#include "mlip/tokens.hpp"

namespace maxvolt::mlip {

namespace {

constexpr std::string_view symbols =
    " H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts "
    "Og";
constexpr std::string_view species_mark = "species:", repulsion_mark = "zbl:";

// The first word of a text, which it is taken off; empty where no white space stands before it.
std::string_view take_word(std::string_view& text) {
    if (text.empty() || !is_space(text[0])) return {};
    while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
    std::size_t end = 0;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string_view out = text.substr(0, end);
    text.remove_prefix(end);
    return out;
}

// The words of a text that is nothing but symbols of elements; empty for any other text.
std::vector<std::string> elements(std::string_view text) {
    std::vector<std::string> out;
    for (std::string_view word = take_word(text); !word.empty(); word = take_word(text)) {
        if (atomic_number(word) == 0) return {};
        out.emplace_back(word);
    }
    return out;
}

// Takes the elements off the end of a text that names some.
std::vector<std::string> take_species(std::string_view& text) {
    for (std::size_t at = text.find(species_mark); at != text.npos; at = text.find(species_mark, at + 1)) {
        if (at > 0 && !is_space(text[at - 1])) continue;
        std::vector<std::string> found = elements(text.substr(at + species_mark.size()));
        if (found.empty()) continue;
        text = trimmed(text.substr(0, at));
        return found;
    }
    return {};
}

double distance(std::string_view word) {
    if (real_length(word) != word.size())
        throw std::invalid_argument("expected two distances after 'zbl:' in potential_tag, found " + quoted(word));
    return to_real(word);
}

std::optional<Repulsion> find_repulsion(std::string_view text) {
    for (std::size_t at = text.find(repulsion_mark); at != text.npos; at = text.find(repulsion_mark, at + 1)) {
        std::string_view rest = text.substr(at + repulsion_mark.size());
        const std::string_view inner = take_word(rest), outer = take_word(rest);
        if (inner.empty() || outer.empty()) continue;
        const Repulsion found{distance(inner), distance(outer)};
        if (!(0.0 <= found.inner && found.inner < found.outer && std::isfinite(found.outer)))
            throw std::invalid_argument("expected 0 <= inner < outer for the radii of the ZBL repulsion, found " +
                                        quoted(inner) + " and " + quoted(outer) + " A");
        return found;
    }
    return std::nullopt;
}

}  // namespace

int atomic_number(std::string_view symbol) {
    std::string_view all = symbols;
    int number = 0;
    for (std::string_view known = take_word(all); !known.empty(); known = take_word(all)) {
        ++number;
        if (known == symbol) return number;
    }
    return 0;
}

Tag read_tag(const std::string& text) {
    std::string_view rest = text;
    Tag out;
    out.species = take_species(rest);
    if (!take_species(rest).empty())
        throw std::invalid_argument("two lists of elements stand after potential_tag; delete one of them");
    out.repulsion = find_repulsion(rest);
    return out;
}

}  // namespace maxvolt::mlip
