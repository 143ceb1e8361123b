#include "io/logging.h"

#include <limits>
#include <string>

#include <doctest/doctest.h>

namespace shoal::io {
namespace {

struct Written {
    std::string text;

    Log log(LogForm form, Level level = Level::info) {
        return Log({.level = level,
                    .form = form,
                    .write = [this](std::string_view line) { text += line; },
                    .now = [] { return Time{Duration{1'700'000'000'123}}; }});
    }
};

TEST_CASE("a line for programs has OpenTelemetry's names") {
    Written written;
    const Log log = written.log(LogForm::json);
    log.info("lease granted", {{"lease", LeaseId{7}}, {"count", 3U}, {"rate", 0.5}, {"ok", true}});
    CHECK(written.text ==
          "{\"time_unix_nano\":\"1700000000123000000\",\"severity_number\":9,\"severity_text\":"
          "\"INFO\",\"body\":\"lease granted\",\"attributes\":{\"lease\":\"lease_7\",\"count\":3,"
          "\"rate\":5E-1,\"ok\":true}}\n");
}

TEST_CASE("a number that is not finite is still JSON") {
    Written written;
    written.log(LogForm::json).info("x", {{"loss", std::numeric_limits<double>::infinity()}});
    CHECK(written.text.find("\"loss\":\"Infinity\"") != std::string::npos);
}

TEST_CASE("a line for people is short") {
    Written written;
    written.log(LogForm::plain).warning("disk nearly full", {{"free", "1 GiB"}, {"path", "/data"}});
    CHECK(written.text.substr(written.text.find(':') + 1)
              .find(".123 WARN  disk nearly full free=\"1 GiB\" path=/data\n") !=
          std::string::npos);
    written.text.clear();
    written.log(LogForm::coloured).error("x", Error{Code::timeout, "too late"});
    CHECK(written.text.starts_with("\x1b[31m"));
    CHECK(written.text.ends_with("ERROR x why=\"too late\"\x1b[0m\n"));
}

TEST_CASE("what is below the level is left out") {
    Written written;
    const Log log = written.log(LogForm::json, Level::warning);
    log.debug("x");
    log.info("x");
    CHECK(written.text.empty());
    CHECK(!log.shows(Level::info));
    log.warning("x");
    CHECK(!written.text.empty());
}

TEST_CASE("strangers' text cannot forge a line or reach the terminal") {
    for (const LogForm form : {LogForm::json, LogForm::plain}) {
        Written written;
        written.log(form).info("a\nERROR b\x1b[2J", {{"x\n", "\r\x07\xFF\t"}});
        CHECK(written.text.find('\n') == written.text.size() - 1);
        for (const char letter : written.text.substr(0, written.text.size() - 1)) {
            CHECK(static_cast<unsigned char>(letter) >= 0x20);
        }
        CHECK(written.text.find("\xEF\xBF\xBD") != std::string::npos);
    }
}

TEST_CASE("a line has an end") {
    Written written;
    written.log(LogForm::plain).info(std::string(100'000, 'x'));
    CHECK(written.text.size() < 10'000);
}

TEST_CASE("a secret does not print") {
    const Secret secret("hunter2");
    Written written;
    written.log(LogForm::json).info("key made", {{"key", secret}});
    CHECK(written.text.find("hunter2") == std::string::npos);
    CHECK(written.text.find("\"key\":\"***\"") != std::string::npos);
    CHECK(to_string(secret) == "***");
    CHECK(to_string(Secret()).empty());
    CHECK(secret.reveal() == "hunter2");
}

}  // namespace
}  // namespace shoal::io
