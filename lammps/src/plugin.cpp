// What LAMMPS asks of a plugin; the types are those of its documentation (Developer_plugins).
#include <dlfcn.h>

#include <filesystem>
#include <string>
#include <utility>

#include "error.h"
#include "lammps.h"
#include "pair_maxvolt.h"

namespace {

using Factory = void*(void*);

struct Registration {
    const char *version, *style, *name, *info, *author;
    union {
        Factory* one;
        void* (*three)(void*, int, char**);
    } creator;
    void* handle;
};

using Register = void(Registration*, void*);

// Beside this library; or where it was built, MAXVOLT_PLANS.
std::string plans_folder() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<const void*>(&plans_folder), &info) && info.dli_fname) {
        const auto folder = std::filesystem::path(info.dli_fname).parent_path() / "plans";
        std::error_code ignored;
        if (std::filesystem::is_directory(folder, ignored)) return folder.string();
    }
    return MAXVOLT_PLANS;
}

void* make_pair(void* lmp, const char* name) {
    return new LAMMPS_NS::PairMaxvolt(static_cast<LAMMPS_NS::LAMMPS*>(lmp), name, plans_folder());
}
void* make_maxvolt(void* lmp) { return make_pair(lmp, "maxvolt"); }
void* make_mlip(void* lmp) { return make_pair(lmp, "mlip"); }

}  // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void* lmp, void* handle, void* regfunc) {
    auto* lammps = static_cast<LAMMPS_NS::LAMMPS*>(lmp);
    // Another version lays out its classes in another way: LAMMPS prints a notice and goes on, which is not safe.
    if (lammps->num_ver != MAXVOLT_LAMMPS_VERSION)
        lammps->error->all(FLERR,
                           "The maxvolt plugin was built for version {} of LAMMPS, this is version {}: "
                           "build it against this one",
                           MAXVOLT_LAMMPS_VERSION, lammps->num_ver);
    for (const auto& [style, make] : {std::pair{"maxvolt", make_maxvolt}, std::pair{"mlip", make_mlip}}) {
        Registration pair{lammps->version, "pair", style, "moment tensor potentials of maxvolt",
                          "the developers of maxvolt", {make}, handle};
        reinterpret_cast<Register*>(regfunc)(&pair, lmp);
    }
}
