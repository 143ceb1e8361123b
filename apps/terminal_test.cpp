#include "apps/terminal.h"

#include <limits>

#include <doctest/doctest.h>

namespace shoal::apps {
namespace {

const Terminal coloured{true, true, 40};
const Terminal plain{};

TEST_CASE("colour is only for a terminal that wants it") {
    CHECK(paint(plain, Colour::red, "no") == "no");
    CHECK(paint(coloured, Colour::red, "no") == "\x1b[31mno\x1b[0m");
    CHECK(paint(coloured, Colour::plain, "no") == "no");
}

TEST_CASE("columns count characters, not bytes or escape sequences") {
    CHECK(columns("abc") == 3);
    CHECK(columns("äöü…") == 4);
    CHECK(columns(paint(coloured, Colour::bold, "äb")) == 2);
    CHECK(columns("") == 0);
    CHECK(columns("\x1b[31") == 0);
}

TEST_CASE("a text is shortened to whole characters") {
    CHECK(shorten("abcdef", 6) == "abcdef");
    CHECK(shorten("abcdef", 4) == "abc…");
    CHECK(shorten("äöüß", 3) == "äö…");
    CHECK(shorten("abc", 0).empty());
}

TEST_CASE("a progress bar shows whole columns and never claims more than there is") {
    CHECK(progress_bar(0, 4) == "────   0%");
    CHECK(progress_bar(0.5, 4) == "━━──  50%");
    CHECK(progress_bar(0.999, 4) == "━━━─  99%");
    CHECK(progress_bar(1, 4) == "━━━━ 100%");
    CHECK(progress_bar(7, 4) == "━━━━ 100%");
    CHECK(progress_bar(std::numeric_limits<double>::quiet_NaN(), 4) == "────   0%");
}

TEST_CASE("a table aligns its columns and keeps each row on one line") {
    Table table({{"NAME"}, {"SIZE", Table::Align::right}});
    table.add({"ä", "1"});
    table.add({"two\nlines", "100"});
    CHECK(table.print(plain) ==
          "NAME       SIZE\n"
          "ä             1\n"
          "two lines   100\n");
}

TEST_CASE("numbers of a column have their points below one another, and what is none stays") {
    Table table({{"CREDIT", Table::Align::right}});
    for (const char* cell : {"-0.001", "99.97", "5", "1.5 GiB", "1/2", "-", "", "1.5s", "."}) {
        table.add({cell});
    }
    CHECK(table.print(plain) ==
          "   CREDIT\n"
          "   -0.001\n"
          "   99.97\n"
          "    5\n"
          "1.5   GiB\n"
          "      1/2\n"
          "        -\n"
          "\n"
          "     1.5s\n"
          "        .\n");
}

TEST_CASE("a table shows control characters of others as escapes") {
    Table table(std::vector<Table::Column>{{"NAME"}});
    table.add({"\x1b[2Jgone"});
    CHECK(table.print(plain) == "NAME\n\\x1b[2Jgone\n");
}

}  // namespace
}  // namespace shoal::apps
