#include "apps/terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/check.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

constexpr std::size_t columns_min = 20;

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value && *value != '\0';
}

bool is_dumb() {
    const char* value = std::getenv("TERM");
    return value && std::string_view(value) == "dumb";
}

std::string_view sequence(Colour colour) {
    switch (colour) {
        case Colour::plain:
            return "";
        case Colour::bold:
            return "\x1b[1m";
        case Colour::dim:
            return "\x1b[2m";
        case Colour::red:
            return "\x1b[31m";
        case Colour::green:
            return "\x1b[32m";
        case Colour::yellow:
            return "\x1b[33m";
        case Colour::cyan:
            return "\x1b[36m";
    }
    return "";
}

/// The size of the escape sequence "ESC [ … letter" that the text begins with, or zero.
std::size_t escape_size(std::string_view text) {
    if (!text.starts_with("\x1b[")) return 0;
    const auto end = text.find_first_of("mKhlABCDJ", 2);
    return end == std::string_view::npos ? text.size() : end + 1;
}

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    std::ranges::replace(text, '\t', ' ');
    return text;
}

/// Where the number ends that a cell like "-1.25 credit" begins with, and how much of it is behind
/// its whole part. Nothing: the cell is no number, or its unit touches it.
struct Fraction {
    std::size_t end = 0;
    std::size_t size = 0;  // with the point
};

std::optional<Fraction> fraction_in(std::string_view cell) {
    constexpr const char* digits = "0123456789";
    const std::size_t first = cell.starts_with('-') ? 1 : 0;
    const std::size_t whole = std::min(cell.find_first_not_of(digits, first), cell.size());
    std::size_t end = whole;
    if (cell.substr(whole).starts_with('.')) {
        end = std::min(cell.find_first_not_of(digits, whole + 1), cell.size());
    }
    const bool is_number = whole > first && (end == cell.size() || cell[end] == ' ');
    if (!is_number) return std::nullopt;
    return Fraction{end, end - whole};
}

/// Numbers below one another get their points below one another.
void align_points(std::vector<std::vector<std::string>>& rows, std::size_t column) {
    std::size_t widest = 0;
    for (const auto& row : rows) {
        if (const auto fraction = fraction_in(row[column]))
            widest = std::max(widest, fraction->size);
    }
    for (auto& row : rows) {
        const auto fraction = fraction_in(row[column]);
        if (fraction) row[column].insert(fraction->end, widest - fraction->size, ' ');
    }
}

std::string padded(const std::string& text, std::size_t width, Table::Align align) {
    const std::size_t taken = columns(text);
    const std::string space(width > taken ? width - taken : 0, ' ');
    return align == Table::Align::left ? text + space : space + text;
}

}  // namespace

Terminal Terminal::of(int descriptor) {
    Terminal terminal;
    terminal.interactive = isatty(descriptor) == 1 && !is_dumb();
    terminal.colour = terminal.interactive && !is_set("NO_COLOR");
    winsize size{};
    if (terminal.interactive && ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        terminal.width = std::max<std::size_t>(columns_min, size.ws_col);
    }
    return terminal;
}

std::string paint(const Terminal& terminal, Colour colour, std::string_view text) {
    if (!terminal.colour || colour == Colour::plain) return std::string(text);
    return fmt::format("{}{}\x1b[0m", sequence(colour), text);
}

std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::size_t escape = escape_size(text);
        if (escape == 0 && !continues_character(text.front())) ++count;
        text.remove_prefix(std::max<std::size_t>(1, escape));
    }
    return count;
}

std::string shorten(std::string_view text, std::size_t columns_max) {
    if (columns(text) <= columns_max) return std::string(text);
    if (columns_max == 0) return "";
    std::size_t end = 0;
    for (std::size_t count = 0; end < text.size(); ++end) {
        if (!continues_character(text[end]) && ++count == columns_max) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string progress_bar(double part, std::size_t bar_columns) {
    const double shown = std::isfinite(part) ? std::clamp(part, 0.0, 1.0) : 0.0;
    const auto full = static_cast<std::size_t>(shown * static_cast<double>(bar_columns));
    std::string bar;
    for (std::size_t i = 0; i < bar_columns; ++i) bar += i < full ? "━" : "─";
    return fmt::format("{} {:3.0f}%", bar, std::floor(shown * 100));
}

void Table::add(std::vector<std::string> cells) {
    check(cells.size() == header_.size());
    for (std::string& cell : cells) cell = one_line(to_display(cell));
    rows_.push_back(std::move(cells));
}

std::string Table::print(const Terminal& terminal) const {
    auto rows = rows_;
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < header_.size(); ++i) {
        if (header_[i].align == Align::right) align_points(rows, i);
        std::size_t width = columns(header_[i].title);
        for (const auto& row : rows) width = std::max(width, columns(row[i]));
        widths.push_back(width);
    }
    const auto line = [&](const auto& cell) {
        std::string text;
        for (std::size_t i = 0; i < header_.size(); ++i) {
            text += (i == 0 ? "" : "  ") + padded(cell(i), widths[i], header_[i].align);
        }
        text.erase(text.find_last_not_of(' ') + 1);
        return terminal.interactive ? shorten(text, terminal.width) : text;
    };
    std::string text =
        paint(terminal, Colour::bold, line([&](std::size_t i) { return header_[i].title; })) + "\n";
    for (const auto& row : rows) text += line([&](std::size_t i) { return row[i]; }) + "\n";
    return text;
}

}  // namespace shoal::apps
