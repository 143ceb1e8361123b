#pragma once

// What every command must know, and where each value came from: a flag, the environment, the
// configuration file, or the default, in this order.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace shoal::apps {

/// The value of an environment variable, empty if it is not set.
using Environment = std::function<std::string(std::string_view name)>;
std::string process_environment(std::string_view name);

struct Setting {
    std::string name;
    std::string value;
    std::string source;  // "--market", "SHOAL_MARKET", the file's path, "default"
    std::string meaning;
};

/// What flags say; empty where they say nothing.
struct Flags {
    std::string market;
    std::string key_file;
    std::string data;
    std::string config_file;
    bool makes_config = false;  // the command writes the file if there is none
};

struct Config {
    Setting market;      // where the market is
    Setting key_file;    // the file with the key of the account that asks
    Setting market_key;  // the key by which the market signs receipts
    Setting data;        // the folder of `shoal up`
    Setting file;        // the configuration file

    std::vector<Setting> all() const { return {market, key_file, market_key, data, file}; }
};

/// invalid: the file, with the position. denied: it cannot be read. not_found: one was named that
/// is not there.
Result<Config> load_config(const Flags&, const Environment&);

/// The secret that requests are authorised by: of --key-file, else SHOAL_KEY, else of the
/// configured file; empty if there is none at all. denied: others may read the file.
/// not_found, invalid: there is no key in it.
Result<std::string> load_key(const Config&, const Environment&);

/// What `shoal up` writes for the commands that follow.
struct WrittenConfig {
    std::string market;
    std::string key_file;
    std::string market_key;
    std::string data;
};

/// Replaces the configuration file, unless a person wrote it. conflict: a person did.
Status write_config(const std::filesystem::path&, const WrittenConfig&);

}  // namespace shoal::apps
