#pragma once

#include <string>

#include "protocol/ledger.h"

namespace shoal::apps {

// A statement as a table for other programs. The columns keep their names and their order; a new
// one comes last. Times are UTC, amounts are whole lamports, what is absent is an empty cell.

std::string statement_header();
std::string statement_record(const protocol::StatementLine&);

}  // namespace shoal::apps
