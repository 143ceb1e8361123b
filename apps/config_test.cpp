#include "apps/config.h"

#include <filesystem>
#include <map>

#include <doctest/doctest.h>

#include "io/files.h"
#include "io/scratch.h"

namespace shoal::apps {
namespace {

/// An environment of a test, with its home in a folder of its own.
struct Home {
    io::ScratchFolder folder;
    std::map<std::string, std::string, std::less<>> variables{{"HOME", folder.path().string()}};

    Environment environment() const {
        return [this](std::string_view name) {
            const auto found = variables.find(name);
            return found == variables.end() ? std::string() : found->second;
        };
    }
    std::filesystem::path file() const { return folder.path() / ".config/shoal/config.yaml"; }
    void write(std::string_view text) const {
        REQUIRE(io::make_folder(file().parent_path()).ok());
        REQUIRE(io::write_file(file(), text).ok());
    }
};

TEST_CASE("a flag goes before the environment, the environment before the file") {
    Home home;
    CHECK(load_config({}, home.environment()).value().market.source == "default");

    home.write("market: http://file.example:1\n");
    Config config = load_config({}, home.environment()).value();
    CHECK(config.market.value == "http://file.example:1");
    CHECK(config.market.source == home.file().string());

    home.variables["SHOAL_MARKET"] = "http://variable.example:2";
    CHECK(load_config({}, home.environment()).value().market.source == "SHOAL_MARKET");

    Flags flags;
    flags.market = "http://flag.example:3";
    config = load_config(flags, home.environment()).value();
    CHECK(config.market.value == "http://flag.example:3");
    CHECK(config.market.source == "--market");
}

TEST_CASE("the XDG folders are respected, relative ones are not") {
    Home home;
    home.variables["XDG_DATA_HOME"] = "/somewhere";
    CHECK(load_config({}, home.environment()).value().data.value == "/somewhere/shoal");
    home.variables["XDG_DATA_HOME"] = "relative";
    CHECK(load_config({}, home.environment()).value().data.value ==
          (home.folder.path() / ".local/share/shoal").string());
}

TEST_CASE("a mistake in the file is refused with its place") {
    Home home;
    home.write("# mine\nmarkt: http://file.example:1\n");
    const auto config = load_config({}, home.environment());
    REQUIRE(!config.ok());
    CHECK(config.error().what.find("line 2") != std::string::npos);
    CHECK(config.error().what.find("market") != std::string::npos);
}

TEST_CASE("the key comes from the named file, the environment, then the configured file") {
    Home home;
    const auto key_file = home.folder.path() / "buyer.key";
    REQUIRE(io::write_secret(key_file, "shoal_of_file\n").ok());
    Flags flags;
    CHECK(load_key(load_config(flags, home.environment()).value(), home.environment()).value() ==
          "");

    home.write("key_file: " + key_file.string() + "\n");
    CHECK(load_key(load_config(flags, home.environment()).value(), home.environment()).value() ==
          "shoal_of_file");

    home.variables["SHOAL_KEY"] = "shoal_of_variable";
    CHECK(load_key(load_config(flags, home.environment()).value(), home.environment()).value() ==
          "shoal_of_variable");

    flags.key_file = key_file;
    CHECK(load_key(load_config(flags, home.environment()).value(), home.environment()).value() ==
          "shoal_of_file");
}

TEST_CASE("a key file that others may read is refused") {
    Home home;
    const auto key_file = home.folder.path() / "buyer.key";
    REQUIRE(io::write_file(key_file, "shoal_1\n", 0644).ok());
    Flags flags;
    flags.key_file = key_file;
    const auto key = load_key(load_config(flags, home.environment()).value(), home.environment());
    REQUIRE(!key.ok());
    CHECK(key.error().code == Code::denied);
    CHECK(key.error().what.find("shoal_1") == std::string::npos);
}

TEST_CASE("a configuration file that was named must be there, unless it is about to be written") {
    Home home;
    Flags flags;
    flags.config_file = (home.folder.path() / "none.yaml").string();
    CHECK(load_config(flags, home.environment()).error().code == Code::not_found);
    flags.makes_config = true;
    CHECK(load_config(flags, home.environment()).ok());
}

TEST_CASE("what up writes can be read, and a file of a person is left alone") {
    Home home;
    const WrittenConfig written{"http://127.0.0.1:7070", "/a \"b\"/buyer.key", "1234e5", "/data"};
    REQUIRE(write_config(home.file(), written).ok());
    REQUIRE(write_config(home.file(), written).ok());
    const Config config = load_config({}, home.environment()).value();
    CHECK(config.key_file.value == "/a \"b\"/buyer.key");
    CHECK(config.market_key.value == "1234e5");

    home.write("market: http://mine.example\n");
    const auto refused = write_config(home.file(), written);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == Code::conflict);
    CHECK(load_config({}, home.environment()).value().market.value == "http://mine.example");
}

}  // namespace
}  // namespace shoal::apps
