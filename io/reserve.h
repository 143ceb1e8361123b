#pragma once

#include <filesystem>

#include "core/result.h"
#include "core/units.h"

namespace shoal::io {

/// A part of the disk set aside, as the file `reserve`: given back when the disk is full, so that
/// the journal can still be written while what runs is settled and the process ends in order.
///
/// Sets it aside, or what is missing of it. exhausted: the disk has not so much; nothing is set
/// aside then. Else the errors of system_error.
Status make_reserve(const std::filesystem::path& folder, Size size);

/// From any thread. False: there was none.
bool give_back_reserve(const std::filesystem::path& folder);

}  // namespace shoal::io
