#include "apps/release.h"

namespace shoal::apps {

constinit const std::string_view release = SHOAL_RELEASE;

}  // namespace shoal::apps
