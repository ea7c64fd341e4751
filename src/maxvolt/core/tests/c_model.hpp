// A model and a list, as a program that uses the C header holds them.
#pragma once
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "hosted.hpp"
#include "maxvolt.h"

namespace maxvolt {

struct CModel {
    explicit CModel(const std::string& path) { REQUIRE(maxvolt_read_model(path.c_str(), &model, &message) == MAXVOLT_OK); }
    CModel(const CModel&) = delete;
    CModel& operator=(const CModel&) = delete;
    ~CModel() {
        maxvolt_free_list(list);
        maxvolt_free_model(model);
    }
    maxvolt_status make(const Hosted& h) {
        const FullList l = h.list();
        const maxvolt_neighbors n{l.n_atoms, l.n_local, l.first, l.neighbors, h.types.data(), h.positions.data()};
        return maxvolt_make_list(&n, &list, &message);
    }
    bool says(const char* text) const { return std::strstr(message.text, text) != nullptr; }

    maxvolt_model* model = nullptr;
    maxvolt_list* list = nullptr;
    maxvolt_message message{};
};

}  // namespace maxvolt
