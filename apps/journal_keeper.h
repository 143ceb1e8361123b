#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"
#include "io/journal_sqlite.h"
#include "io/loop.h"

namespace shoal::apps {

/// Has the journal kept in order by another process, of low priority: when a segment has been
/// closed, and every hour, it looks whether a snapshot is due, or closed segments are to be packed
/// or dropped, and starts `shoal journal keep`; when that has ended, the journal takes over what it
/// made. One at a time. It ends with this one.
class JournalKeeper {
public:
    struct Settings {
        std::filesystem::path folder;  // of the journal
        Duration retention = limits::journal_retention;
    };

    /// The loop's threads must end before the journal does.
    JournalKeeper(io::Loop&, io::SqliteJournal&, Settings);
    ~JournalKeeper();
    JournalKeeper(const JournalKeeper&) = delete;
    JournalKeeper& operator=(const JournalKeeper&) = delete;

    /// From any thread.
    void consider();

    /// Ends the process, if there is one, and starts no other. Core thread.
    void stop();

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

struct KeepOptions {
    std::string folder;            // of the journal
    std::int64_t drop_before = 0;  // ms since 1970
    std::int64_t parent = 0;       // the process to end with; zero: none
};

/// The other process: makes what is due, each file whole or not at all, and checks what it made by
/// reading it again. conflict: another one is at it. Errors of the journal and of the disk.
Status keep_journal(const KeepOptions&);

}  // namespace shoal::apps
