#pragma once

#include <filesystem>
#include <string>

#include "core/limits.h"

namespace shoal::apps {

struct MarketOptions {
    std::filesystem::path data;             // made if it is missing; one process at a time
    std::string listen = "127.0.0.1:7070";  // ADDRESS:PORT; beyond this machine TLS is demanded
    std::string tls_certificate;            // PEM files; both or none
    std::string tls_key;
    Size journal_segment = limits::journal_segment;  // a segment is closed at this size,
    Duration journal_segment_age = limits::journal_segment_age;  // or at this age
    Duration journal_retention = limits::journal_retention;      // then closed ones are dropped
    bool forgets_secrets = false;  // those that secrets.key does not open; else it does not start
    int ready_fd = -1;             // when it serves: one line with its URL is written there
};

/// Serves a market until SIGTERM or SIGINT. The folder gets, when it is new: `market.key` (signs
/// receipts), `market.pub`, `secrets.key` (seals the accounts' secrets), and `operator.key`, the
/// first operator's API key; keys have mode 0600. SIGHUP reads the certificate again. A write to
/// the journal that fails ends the process. Gives the exit code: 0 stopped as asked, 2 wrong
/// options, 3 refused (a newer release's folder, another process has it, the port is in use). Says
/// why on standard error.
int serve_market(const MarketOptions&);

}  // namespace shoal::apps
