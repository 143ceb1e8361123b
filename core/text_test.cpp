#include "core/text.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "core/random.h"

namespace shoal {
namespace {

using namespace std::string_view_literals;

TEST_CASE("what is and what is not UTF-8") {
    for (const std::string_view good :
         {""sv, "a"sv, "\0"sv, "é"sv, "\xe2\x82\xac"sv, "\xf0\x9f\x90\x9f"sv, "\xf4\x8f\xbf\xbf"sv,
          "\xed\x9f\xbf"sv, "\xee\x80\x80"sv}) {
        CHECK(is_utf8(good));
    }
    for (const std::string_view bad :
         {"\x80"sv, "\xff"sv, "\xc3"sv, "\xe2\x82"sv, "\xf0\x9f\x90"sv,        // cut off
          "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x9f\xbf"sv, "\xf0\x8f\xbf\xbf"sv,  // overlong
          "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv,                                  // surrogates
          "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv,                          // above U+10FFFF
          "\xc3\x28"sv, "a\xe2\x28\xa1"sv}) {
        CHECK_FALSE(is_utf8(bad));
        CHECK_FALSE(is_name(bad));
        CHECK_FALSE(character_count(bad).has_value());
    }
}

TEST_CASE("length is counted in characters") {
    CHECK(character_count("") == 0);
    CHECK(character_count("h\xc3\xa9\xf0\x9f\x90\x9f") == 3);
}

TEST_CASE("a name has 1 to 128 characters, none of them invisible trickery") {
    CHECK(is_name("a"));
    CHECK(is_name("fischschwarm \xf0\x9f\x90\x9f"));
    CHECK_FALSE(is_name(""));
    std::string longest;
    for (std::size_t i = 0; i < limits::name_characters; ++i) longest += "\xc3\xa9";
    CHECK(is_name(longest));
    CHECK_FALSE(is_name(longest + "a"));
    for (const std::string_view bad :
         {"a\nb"sv, "a\tb"sv, "\0"sv, "\x1b[2J"sv, "\x7f"sv, "\xc2\x80"sv, "\xc2\x9b"sv,
          "\xe2\x80\xae"sv, "\xe2\x81\xa6"sv, "\xe2\x80\x8f"sv, "\xd8\x9c"sv, "\xe2\x80\xa8"sv}) {
        CHECK_FALSE(is_printable(bad));
        CHECK_FALSE(is_name(bad));
    }
}

TEST_CASE("the display form shows bytes that cannot be shown, and never passes an escape on") {
    struct Row {
        std::string_view text;
        std::string_view shown;
    };
    for (const Row& row :
         {Row{"plain\n\ttext", "plain\n\ttext"}, Row{"\x1b[31mred"sv, "\\x1b[31mred"},
          Row{"a\0b"sv, "a\\x00b"}, Row{"\r\x7f", "\\x0d\\x7f"}, Row{"\xc2\x9b", "\\x9b"},
          Row{"\xe2\x80\xae", "\\u202e"}, Row{"a\xff\xfe", "a\xef\xbf\xbd\xef\xbf\xbd"},
          Row{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
          Row{"\xf0\x9f\x90\x9f", "\xf0\x9f\x90\x9f"}}) {
        CHECK(to_display(row.text) == row.shown);
    }
}

TEST_CASE("the display form of any bytes is printable, lines and tabs aside") {
    Random random(3);
    for (int i = 0; i < 5'000; ++i) {
        std::string bytes(random.below(12), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.below(256));
        std::string shown = to_display(bytes);
        std::erase_if(shown, [](char letter) { return letter == '\n' || letter == '\t'; });
        CHECK(is_printable(shown));
    }
}

TEST_CASE("a shortened text ends with a whole character") {
    CHECK(shorten("abc", 3) == "abc");
    CHECK(shorten("abcd", 3) == "abc…");
    CHECK(shorten("ab\xc3\xa9", 3) == "ab…");
    CHECK(shorten("\xf0\x9f\x90\x9f", 3) == "…");
    CHECK(is_utf8(shorten("a\xf0\x9f\x90\x9f\xf0\x9f\x90\x9f", 7)));
}

TEST_CASE("a byte that is not UTF-8 is found wherever it stands") {
    for (std::size_t size = 1; size <= 40; ++size) {
        CHECK(is_utf8(std::string(size, 'a')));
        for (std::size_t place = 0; place < size; ++place) {
            std::string text(size, 'a');
            text[place] = '\xff';
            CHECK_FALSE(is_utf8(text));
            text[place] = '\xc3';
            CHECK_FALSE(is_utf8(text));
            if (place + 1 < size) text[place + 1] = '\xa4';
            CHECK(is_utf8(text) == (place + 1 < size));
        }
    }
}

}  // namespace
}  // namespace shoal
