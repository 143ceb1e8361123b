#include <string_view>

#include "apps/cli.h"
#include "apps/provide.h"

int main(int argc, char** argv) {
    // A shim waits beside every attempt: it starts at once and stays small.
    if (argc > 1 && std::string_view(argv[1]) == "shim") return shoal::apps::shim_main(argc, argv);
    return shoal::apps::run_command_line(argc, argv);
}
