// What this package notes behind `potential_tag`, a line that MLIP ignores: names of elements and a repulsion, as in
//     potential_tag = zbl: 0.8 1.6 species: Ti Al
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maxvolt::mlip {

struct Repulsion {
    double inner, outer;  // Angstrom, between which the repulsion of Ziegler, Biersack and Littmark fades out
};

struct Tag {
    std::vector<std::string> species;  // empty where none are named
    std::optional<Repulsion> repulsion;
};

// Throws std::invalid_argument where the text is neither a note nor something else.
Tag read_tag(const std::string& text);

// 0 for what is no element.
int atomic_number(std::string_view symbol);

}  // namespace maxvolt::mlip
