#pragma once

#include <span>
#include <string>

namespace shoal::apps {

/// One record of a table as RFC 4180 has it: cells between commas, CR LF at its end, a cell in
/// quotes where it holds a comma, a quote or a line's end.
///
/// A program that shows tables takes a cell that begins with =, +, -, @, a tab or CR for a formula,
/// and what others wrote must not be one: an apostrophe goes before it, but not before a number.
std::string csv_record(std::span<const std::string> cells);

}  // namespace shoal::apps
