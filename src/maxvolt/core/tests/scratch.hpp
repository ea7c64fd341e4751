// A folder for files of a test, gone with it.
#pragma once
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace maxvolt {

struct Scratch {
    Scratch() : folder(std::filesystem::temp_directory_path() / ("maxvolt-" + std::to_string(std::random_device{}()))) {
        std::filesystem::create_directory(folder);
    }
    ~Scratch() { std::filesystem::remove_all(folder); }
    std::string write(const std::string& name, const std::string& bytes) const {
        std::ofstream(folder / name, std::ios::binary) << bytes;
        return (folder / name).string();
    }
    std::filesystem::path folder;
};

}  // namespace maxvolt
