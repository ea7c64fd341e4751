#include "settings.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

namespace maxvolt_lammps {

namespace {

double positive(const std::string& name, const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end || !std::isfinite(value) || value <= 0.0)
        throw SettingsError(name + " is '" + text + "'; expected a number above 0");
    return value;
}

int count(const std::string& name, const std::string& text) {
    const double value = positive(name, text);
    if (value != std::floor(value) || value > 1e9) throw SettingsError(name + " is '" + text + "'; expected a whole number");
    return int(value);
}

bool is_keyword(const std::string& name) {
    for (const char* known : {"select", "break", "every", "frames", "frames_every", "cut", "stop", "unit", "coverage"})
        if (name == known) return true;
    return false;
}

// Whether thresholds are expected force errors.
bool is_unit_of_errors(const std::string& unit) {
    if (unit != "eV/A" && unit != "none")
        throw SettingsError("unit is '" + unit + "'; expected eV/A for expected force errors, or none for grades");
    return unit == "eV/A";
}

bool is_cfg(const std::string& path) { return path.size() > 4 && path.substr(path.size() - 4) == ".cfg"; }

bool truth(const std::string& name, std::string text) {
    for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
    if (text == "true" || text == "yes" || text == "1" || text == "on") return true;
    if (text == "false" || text == "no" || text == "0" || text == "off" || text.empty()) return false;
    throw SettingsError(name + " is '" + text + "'; expected TRUE or FALSE");
}

// Settings by name that are used up one after the other.
class Named {
  public:
    void add(const std::string& name, const std::string& value) { values_[name] = value; }
    std::string take(const std::string& name, const std::string& otherwise = "") {
        const auto found = values_.find(name);
        if (found == values_.end()) return otherwise;
        const std::string value = found->second;
        values_.erase(found);
        return value;
    }
    // Above 0; "0" means never.
    double threshold(const std::string& name, const std::string& otherwise) {
        const std::string text = take(name, otherwise);
        return text == "0" ? Settings::never : positive(name, text);
    }
    bool is_true(const std::string& name, const std::string& otherwise) { return truth(name, take(name, otherwise)); }
    const std::map<std::string, std::string>& left() const { return values_; }

  private:
    std::map<std::string, std::string> values_;
};

void note_what_is_left(const Named& named, Settings& out) {
    for (const auto& [name, value] : named.left()) out.notices.push_back("'" + name + "' has no effect here");
}

Settings by_types() {
    Settings out;
    out.style = "mlip";
    out.by_type = true;
    out.as_cfg = true;
    out.frames.clear();
    return out;
}

Named read_ini(const std::string& path) {
    std::ifstream stream(path);
    if (!stream) throw SettingsError(path + ": cannot be opened");
    Named out;
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string name, value, more;
        if (!(words >> name)) continue;
        words >> value;
        if (words >> more)
            throw SettingsError(path + ", line " + std::to_string(number) + ": '" + more +
                                "' follows a name and a value; expected nothing more");
        if (name.size() > 200 || value.size() > 4096)
            throw SettingsError(path + ", line " + std::to_string(number) + ": this is no setting of MLIP");
        out.add(name, value);
    }
    return out;
}

// The selection of MLIP-2: by an active set that was saved, frames above the threshold are kept.
void read_selection(const std::string& path, Named& ini, Settings& out) {
    const std::string state = ini.take("select:load-state");
    if (state.empty())
        throw SettingsError(path + ": select is TRUE without select:load-state; name an active set (.als), for example of "
                            "mlp calc-grade or maxvolt select POT TRAIN --save-active-set state.als");
    out.same_as = out.potential;
    out.potential = state;
    out.every = 1;
    out.select = ini.threshold("select:threshold", "1.001");
    out.stop = ini.threshold("select:threshold-break", "0");
    out.frames = ini.take("select:save-selected");
}

Settings read_mlip2(const std::string& path) {
    Named ini = read_ini(path);
    Settings out = by_types();
    out.potential = ini.take("mtp-filename");
    if (out.potential.empty()) throw SettingsError(path + ": mtp-filename is missing: which potential?");
    if (!ini.is_true("calculate-efs", "TRUE"))
        throw SettingsError(path + ": calculate-efs is FALSE; expected TRUE, forces are what LAMMPS asks for");
    if (ini.is_true("fit", "FALSE"))
        throw SettingsError(path + ": fit is TRUE; fitting during a run is not available, train with maxvolt train");
    if (ini.is_true("select", "FALSE")) read_selection(path, ini, out);
    note_what_is_left(ini, out);
    return out;
}

Settings read_mlip3(const std::vector<std::string>& words) {
    Named named;
    for (const std::string& word : words) {
        const std::size_t at = word.find('=');
        if (at == 0 || at == std::string::npos)
            throw SettingsError("'" + word + "' is no setting; expected NAME=VALUE, for example load_from=pot.almtp");
        named.add(word.substr(0, at), word.substr(at + 1));
    }
    Settings out = by_types();
    out.potential = named.take("load_from");
    if (out.potential.empty()) throw SettingsError("load_from is missing: which potential? For example load_from=pot.almtp");
    const std::string prefix = "extrapolation_control";
    if (named.is_true(prefix, "false")) {
        out.every = 1;
        out.select = named.threshold(prefix + ":threshold_save", "2");
        out.stop = named.threshold(prefix + ":threshold_break", "10");
        out.frames = named.take(prefix + ":save_extrapolative_to", "preselected.cfg");
    }
    note_what_is_left(named, out);
    return out;
}

}  // namespace

Settings read_settings(const std::vector<std::string>& words) {
    Settings out;
    out.style = "maxvolt";
    for (std::size_t k = 0; k < words.size(); k += 2) {
        const std::string& name = words[k];
        if (!is_keyword(name))
            throw SettingsError("'" + name + "' is not known; expected select, break, unit, every, frames, frames_every, cut, stop or "
                                "coverage");
        if (k + 1 == words.size()) throw SettingsError("'" + name + "' needs a value");
        const std::string& value = words[k + 1];
        if (name == "select") out.select = positive(name, value);
        if (name == "break") out.stop = positive(name, value);
        if (name == "every") out.every = count(name, value);
        if (name == "frames") out.frames = value;
        if (name == "frames_every") out.frames_every = count(name, value);
        if (name == "cut") out.cut = positive(name, value);
        if (name == "stop" && value != "error" && value != "soft")
            throw SettingsError("stop is '" + value + "'; expected error or soft");
        if (name == "stop") out.soft = value == "soft";
        if (name == "unit") out.by_errors = is_unit_of_errors(value);
        if (name == "coverage") out.coverage = positive(name, value);
        if (out.coverage >= 1.0) throw SettingsError("coverage is '" + value + "'; expected a number between 0 and 1, like 0.9");
    }
    if (out.stop < out.select && out.select < Settings::never)
        throw SettingsError("break is below select; expected thresholds with select below break");
    if (out.every == 0 && out.has_thresholds()) out.every = 1;
    if (out.frames_every > 0 && (out.every == 0 || out.frames_every % out.every != 0))
        throw SettingsError("frames_every is " + std::to_string(out.frames_every) +
                            "; expected a multiple of every, since only steps with a grade can be written");
    out.as_cfg = is_cfg(out.frames);
    return out;
}

Settings read_mlip_settings(const std::vector<std::string>& words) {
    if (words.size() == 1 && words[0].find('=') == std::string::npos) return read_mlip2(words[0]);
    if (words.empty())
        throw SettingsError("settings are missing; expected a file, mlip.ini, or NAME=VALUE, for example load_from=pot.almtp");
    return read_mlip3(words);
}

}  // namespace maxvolt_lammps
