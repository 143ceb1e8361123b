#pragma once

#include "core/json.h"

namespace shoal::market {

/// The OpenAPI 3.1 document of the table of routes.
json::Value openapi();

/// The JSON Schema of a job file, as people write it.
json::Value job_schema();

}  // namespace shoal::market
