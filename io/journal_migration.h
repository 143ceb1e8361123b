#pragma once

#include "io/migration.h"

namespace shoal::io {

/// The format of a market's folder since its journal lies in segments.
inline constexpr std::uint32_t market_folder_format = 2;

/// From the journal in one database, `journal.db`, to a folder of segments, of which that database
/// becomes the first and open one. corrupt: it is none of ours.
Migration migrate_to_segments();

}  // namespace shoal::io
