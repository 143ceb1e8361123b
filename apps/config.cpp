#include "apps/config.h"

#include <array>
#include <cstdlib>

#include <boost/describe.hpp>
#include <fmt/format.h>

#include "apps/exit.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/text.h"
#include "io/files.h"
#include "io/yaml.h"

namespace shoal::apps {

/// The configuration file as people write it.
struct ConfigFile {
    std::string market;
    std::string key_file;
    std::string market_key;
    std::string data;
};
BOOST_DESCRIBE_STRUCT(ConfigFile, (), (market, key_file, market_key, data))

namespace {

constexpr std::string_view default_market = "http://127.0.0.1:7070";
constexpr std::string_view signature_of_up = "# Written by `shoal up`";
constexpr std::size_t key_size_max = 4'096;

std::filesystem::path base_folder(const Environment& environment, std::string_view variable,
                                  std::string_view below_home) {
    const std::string given = environment(variable);
    if (given.starts_with('/')) return given;
    return std::filesystem::path(environment("HOME")) / below_home;
}

Setting choose(Setting setting, std::string_view flag, std::string_view flag_value,
               const Environment& environment) {
    std::string variable = "SHOAL_";
    for (const char letter : setting.name) {
        variable += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    const std::string in_environment = environment(variable);
    if (!flag_value.empty()) {
        setting.value = flag_value;
        setting.source = flag;
    } else if (!in_environment.empty()) {
        setting.value = in_environment;
        setting.source = variable;
    }
    return setting;
}

Setting from_file(Setting setting, const std::string& value, const std::string& file) {
    if (value.empty()) return setting;
    setting.value = value;
    setting.source = file;
    return setting;
}

Result<ConfigFile> read_config(const std::filesystem::path& path) {
    auto text = io::read_file(path, limits::job_file_bytes);
    if (!text.ok() && text.error().code == Code::not_found) return ConfigFile{};
    if (!text.ok()) return std::move(text).error();
    auto document = io::yaml::parse(text.value());
    if (document.ok() && document.value().value.is_null()) return ConfigFile{};
    auto config = document.ok() ? io::yaml::read<ConfigFile>(document.value())
                                : Result<ConfigFile>(document.error());
    if (config.ok()) return config;
    return Error{config.error().code, path.string() + ": " + config.error().what};
}

Result<std::string> key_of(const std::string& path) {
    auto text = io::read_secret(path, key_size_max);
    if (!text.ok()) {
        if (text.error().code == Code::not_found) {
            return advise(std::move(text).error(),
                          "A key comes from `shoal up`, or from the market's operator.");
        }
        return advise(std::move(text).error(),
                      "A key file holds one line and has mode 0600: chmod 600 " + path);
    }
    std::string key = std::move(text).value();
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
    if (!key.empty() && is_printable(key) && key.find(' ') == std::string::npos) return key;
    return Error{Code::invalid, path + ": expected one line with a key"};
}

std::string quoted(const std::string& text) {
    return json::print(json::Value(text));
}

}  // namespace

std::string process_environment(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    return value ? value : "";
}

Result<Config> load_config(const Flags& flags, const Environment& environment) {
    Config config;
    const auto standard_file =
        base_folder(environment, "XDG_CONFIG_HOME", ".config") / "shoal" / "config.yaml";
    config.file = choose({"config", standard_file, "default", "the configuration file"}, "--config",
                         flags.config_file, environment);
    std::error_code failed;
    const bool is_named = config.file.source != "default" && !flags.makes_config;
    if (is_named && !std::filesystem::exists(config.file.value, failed)) {
        return Error{Code::not_found, fmt::format("{} ({}): there is no such file",
                                                  config.file.value, config.file.source)};
    }
    const ConfigFile file = TRY(read_config(config.file.value));
    const std::string& place = config.file.value;

    const auto standard_data = base_folder(environment, "XDG_DATA_HOME", ".local/share") / "shoal";
    config.market =
        choose(from_file({"market", std::string(default_market), "default", "where the market is"},
                         file.market, place),
               "--market", flags.market, environment);
    config.key_file = choose(
        from_file({"key_file", "", "default", "the file with your key"}, file.key_file, place),
        "--key-file", flags.key_file, environment);
    config.market_key = choose(
        from_file({"market_key", "", "default", "the key by which the market signs receipts"},
                  file.market_key, place),
        "", "", environment);
    config.data = choose(
        from_file({"data", standard_data, "default", "the folder of `shoal up`"}, file.data, place),
        "--data", flags.data, environment);
    return config;
}

Result<std::string> load_key(const Config& config, const Environment& environment) {
    if (config.key_file.source == "--key-file") return key_of(config.key_file.value);
    std::string key = environment("SHOAL_KEY");
    if (!key.empty()) return key;
    if (config.key_file.value.empty()) return std::string();
    return key_of(config.key_file.value);
}

Status write_config(const std::filesystem::path& path, const WrittenConfig& config) {
    const auto before = io::read_file(path, limits::job_file_bytes);
    if (before.ok() && !before.value().empty() && !before.value().starts_with(signature_of_up)) {
        return Error{Code::conflict, path.string() + " was written by hand and is left as it is"};
    }
    TRY(io::make_folder(path.parent_path()));
    std::string text =
        fmt::format("{}, which replaces it. `shoal config` shows what holds.\n", signature_of_up);
    text +=
        fmt::format("market: {}\nkey_file: {}\n", quoted(config.market), quoted(config.key_file));
    if (!config.market_key.empty())
        text += fmt::format("market_key: {}\n", quoted(config.market_key));
    text += fmt::format("data: {}\n", quoted(config.data));
    return io::write_file(path, text, 0600);
}

}  // namespace shoal::apps
