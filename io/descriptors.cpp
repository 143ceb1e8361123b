#include "io/descriptors.h"

#include <sys/resource.h>

namespace shoal::io {

std::size_t raise_descriptor_limit() {
    rlimit bound{};
    if (::getrlimit(RLIMIT_NOFILE, &bound) != 0) return 1'024;
    rlimit raised = bound;
    raised.rlim_cur = bound.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : bound.rlim_cur;
}

}  // namespace shoal::io
