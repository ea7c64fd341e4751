#include "model_file.hpp"

namespace maxvolt {

namespace {

constexpr char plan_prefix[] = "plan.", active_prefix[] = "active_set.", error_prefix[] = "errors.";

std::vector<std::string> split_symbols(const Field& f) {
    std::vector<std::string> out;
    std::string symbol;
    for (std::size_t i = 0; i < f.count; ++i) {
        if (f.values[i] == ' ') {
            out.push_back(symbol);
            symbol.clear();
        } else {
            symbol += f.values[i];
        }
    }
    if (!symbol.empty()) out.push_back(symbol);
    return out;
}

}  // namespace

const FileKind model_file_kind{{'M', 'A', 'X', 'V', 'O', 'L', 'T', '\n'}, 1, "compiled model", "write it again"};

std::string model_file_bytes(const ModelFile& file) {
    FieldWriter w;
    std::string symbols;
    for (const std::string& symbol : file.species) symbols += (symbols.empty() ? "" : " ") + symbol;
    w.field("species", symbols.data(), symbols.size());
    ModelArrays::each_field(file.arrays, w);
    if (file.arrays.plan)
        PlanArrays::each_field(*file.arrays.plan, PrefixedWriter{w, plan_prefix});
    if (file.active_set) ActiveSetArrays::each_field(*file.active_set, PrefixedWriter{w, active_prefix});
    if (file.errors) ErrorArrays::each_field(*file.errors, PrefixedWriter{w, error_prefix});
    return w.file(model_file_kind);
}

ModelFile parse_model_file(const char* data, std::size_t size) {
    const FieldFile fields(model_file_kind, data, size);
    ModelFile out;
    ModelArrays::each_field(out.arrays, Filler(fields));
    if (fields.contains(plan_prefix + std::string("n_components")))
        PlanArrays::each_field(out.arrays.plan.emplace(), Filler(fields, plan_prefix));
    if (fields.contains(active_prefix + std::string("inverse")))
        ActiveSetArrays::each_field(out.active_set.emplace(), Filler(fields, active_prefix));
    if (fields.contains(error_prefix + std::string("measures")))
        ErrorArrays::each_field(out.errors.emplace(), Filler(fields, error_prefix));
    out.species = split_symbols(fields.find("species", 'c'));
    if (!out.species.empty() && std::int64_t(out.species.size()) != out.arrays.radial.n_species)
        fields.wrong("species");
    return out;
}

ModelFile read_model_file(const std::string& path) {
    const std::string content = file_bytes(path);
    try {
        return parse_model_file(content.data(), content.size());
    } catch (const ModelFileError& error) {
        throw ModelFileError(path + ": " + error.what());
    }
}

}  // namespace maxvolt
