#include "sandbox/shim.h"

#include <cstdio>
#include <string>

#include "apps/exit.h"
#include "apps/provide.h"

namespace shoal::apps {

int shim_main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: shoal shim FOLDER\n", stderr);
        return static_cast<int>(Exit::usage);
    }
    return sandbox::run_shim(argv[2]);
}

}  // namespace shoal::apps
