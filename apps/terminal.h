#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::apps {

enum class Colour { plain, bold, dim, red, green, yellow, cyan };

/// What is on the other side of a descriptor.
struct Terminal {
    bool interactive = false;  // a person looks at it: bars and lines that change are welcome
    bool colour = false;       // interactive, and neither NO_COLOR nor TERM=dumb is set
    std::size_t width = 80;

    static Terminal of(int descriptor);
};

/// The text in that colour, or as it is where colour is not wanted.
std::string paint(const Terminal&, Colour, std::string_view text);

/// The number of columns a text takes: characters, without escape sequences.
std::size_t columns(std::string_view text);

/// A text of at most that many columns; what was cut off shows as "…".
std::string shorten(std::string_view text, std::size_t columns_max);

/// "━━━━───── 40%" for a part from 0 to 1, in a bar of that many columns.
std::string progress_bar(double part, std::size_t bar_columns);

/// Rows under a header, columns aligned with two spaces between them; of numbers in a column that
/// is aligned to the right the points are below one another.
class Table {
public:
    enum class Align { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> header) : header_(std::move(header)) {}

    /// As many cells as the header has columns. A cell is one line: what is not printable in it
    /// is shown as an escape.
    void add(std::vector<std::string> cells);

    bool empty() const { return rows_.empty(); }
    std::string print(const Terminal&) const;

private:
    std::vector<Column> header_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace shoal::apps
