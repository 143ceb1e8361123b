#include "sandbox/scrubber.h"

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::sandbox {

namespace {

using Secrets = std::map<std::string, std::string>;

std::string in_pieces(const Secrets& secrets, std::string_view said, std::size_t size) {
    Scrubber scrubber(secrets);
    std::string clean;
    for (; said.size() > size; said.remove_prefix(size))
        clean += scrubber.scrub(said.substr(0, size));
    clean += scrubber.scrub(said);
    return clean + scrubber.finish();
}

TEST_CASE("a value becomes its name, however what is said is cut") {
    const Secrets secrets{{"KEY", "hunter2hunter2"}};
    const std::string_view said = "key=hunter2hunter2, again hunter2hunter2\nhunter2\n";
    for (std::size_t size = 1; size <= said.size(); ++size) {
        CAPTURE(size);
        CHECK(in_pieces(secrets, said, size) == "key=[secret KEY], again [secret KEY]\nhunter2\n");
    }
}

TEST_CASE("what cannot be a value any more does not wait") {
    Scrubber scrubber(Secrets{{"KEY", "abcabcabd"}});
    CHECK(scrubber.scrub("hello\n") == "hello\n");
    CHECK(scrubber.scrub("abcabcab").empty());
    CHECK(scrubber.scrub("c") == "abc");
    CHECK(scrubber.scrub("abd!") == "[secret KEY]!");
    CHECK(scrubber.scrub("abc").empty());
    CHECK(scrubber.finish() == "abc");
}

TEST_CASE("of values that overlap nothing is left") {
    const Secrets secrets{{"LONG", "xxsecretyy"}, {"PART", "secret"}, {"TAIL", "etyyzz"}};
    for (std::size_t size = 1; size < 16; ++size) {
        CHECK(in_pieces(secrets, "-secret-", size) == "-[secret PART]-");
        CHECK(in_pieces(secrets, "-xxsecretyy-", size) == "-[secret LONG]-");
        CHECK(in_pieces(secrets, "-xxsecretyyzz-", size) == "-[secret LONG][secret TAIL]-");
    }
    CHECK(in_pieces({{"A", "aaaaaaaa"}}, "aaaaaaaaaaa", 3) == "[secret A]");
}

TEST_CASE("a value is found as JSON writes it, too") {
    const Secrets secrets{{"PEM", "-----\nline \"1\"\n"}};
    CHECK(in_pieces(secrets, R"({"log":"-----\nline \"1\"\n"})", 5) == R"({"log":"[secret PEM]"})");
}

TEST_CASE("a text of its own is scrubbed beside what waits") {
    Scrubber scrubber(Secrets{{"KEY", "hunter2hunter2"}});
    CHECK(scrubber.scrub("hunter2").empty());
    CHECK(scrubber.scrub_whole("a hunter2hunter2 b hunter2") == "a [secret KEY] b hunter2");
    CHECK(scrubber.scrub("hunter2") == "[secret KEY]");
}

/// Of small alphabets, where values overlap themselves and each other.
TEST_CASE("no value is left in what was said, and all else is") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Random random(seed);
        const auto word = [&](std::uint64_t size) {
            std::string text;
            while (text.size() < size) text += static_cast<char>('a' + random.below(2));
            return text;
        };
        Secrets secrets;
        for (const char* name : {"X", "Y"}) secrets[name] = word(random.between(2, 6));
        const std::string said = word(200);
        std::vector<bool> hidden(said.size(), false);
        for (const auto& [name, value] : secrets) {
            for (auto at = said.find(value); at != std::string::npos; at = said.find(value, at + 1))
                std::fill_n(hidden.begin() + static_cast<std::ptrdiff_t>(at), value.size(), true);
        }
        std::string open;
        for (std::size_t i = 0; i < said.size(); ++i) {
            if (!hidden[i]) open += said[i];
        }
        std::string clean = in_pieces(secrets, said, 1 + random.below(9));
        for (const char* mark : {"[secret X]", "[secret Y]"}) {
            for (auto at = clean.find(mark); at != std::string::npos; at = clean.find(mark)) {
                clean.erase(at, 10);
            }
        }
        CAPTURE(seed);
        CHECK(clean == open);
    }
}

}  // namespace

}  // namespace shoal::sandbox
