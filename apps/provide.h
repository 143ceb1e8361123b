#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "core/lamports.h"
#include "core/units.h"
#include "protocol/ledger.h"

namespace shoal::apps {

/// What a person decides about a provider. What is absent is found out from the machine.
struct ProvideOptions {
    std::string market;              // http://host:port, or https://host:port#sha256=PIN
    std::filesystem::path key_file;  // holds the provider's API key; empty: $SHOAL_KEY
    std::filesystem::path data;      // made if it is missing; one process at a time
    std::string name;                // of the machine, as buyers see it; empty: its host name
    std::optional<std::uint32_t> cores;
    std::optional<Size> memory;
    std::optional<Size> disk;
    std::string region;                     // as buyers ask for it, like "eu-west"
    std::vector<std::string> pools;         // that the machine belongs to
    std::vector<std::string> buyers;        // accounts whose jobs alone it takes; none: anybody's
    std::optional<std::uint32_t> attempts;  // how many run at once; absent: one a core
    protocol::Price price{.start = Lamports{0},
                          .hour = Lamports{0},
                          .core_hour = Lamports{2'000'000},
                          .gpu_hour = Lamports{0},
                          .gib_hour = Lamports{250'000}};

    /// The program that holds one attempt, called as `PROGRAM shim FOLDER`.
    std::string shim_program = "/proc/self/exe";

    int ready_fd = -1;  // one line with its id is written there when its first session is open
};

/// Sells this machine's time to a market until SIGTERM or SIGINT has drained it; a second signal
/// ends at once and leaves the attempts to their shims, to which the next start re-attaches.
/// Gives the exit code: 0 drained, 2 wrong options, 3 refused (by the market, by this machine's
/// lack of isolation, or because another process has the data folder). Says why on standard error.
int provide(const ProvideOptions& options);

/// `shoal shim FOLDER`: holds one attempt, whose folder it is given, and outlives the provider.
int shim_main(int argc, char** argv);

}  // namespace shoal::apps
