#pragma once

// Every limit of the program and why it is what it is. What an operator may set has its default
// here; the others are fixed.

#include <cstddef>
#include <cstdint>

#include "core/time.h"
#include "core/units.h"

namespace shoal::limits {

// Text that people and peers send.
constexpr std::size_t json_depth = 32;           // deeper nesting is only ever an attack
constexpr std::size_t job_file_bytes = 1 << 20;  // people write job files; 1 MiB is a long evening
constexpr std::size_t body_bytes = 1 << 20;      // bigger things are blobs
constexpr std::size_t message_bytes = 1 << 20;   // one frame of a session: a job and its matrix fit
constexpr std::size_t http_header_bytes = 16 << 10;  // a cookie, a key and a long path fit
constexpr std::size_t name_characters = 128;         // fits a line of a table
constexpr std::size_t path_bytes = 1'024;            // a relative path in a job's folders
constexpr std::size_t key_bytes = 200;               // an idempotency key: two ids and some words
constexpr std::size_t text_bytes = 4'096;            // a description, a reason, one command word

// The size of a job. Its journal event stays below a few MiB, so that a commit stays short.
constexpr std::size_t tasks_per_job = 10'000;
constexpr std::uint64_t tasks_open_per_account = 1'000'000;  // one market's memory holds so many
constexpr std::size_t inputs_per_job = 1'000;
constexpr std::size_t outputs_per_job = 1'000;
constexpr std::size_t artifacts_per_attempt = 5'000;  // what a declared folder may hold
constexpr std::size_t command_words = 1'000;
constexpr std::size_t environment_variables = 256;
constexpr std::size_t secrets_per_account = 100;
constexpr std::size_t secrets_per_job = 16;
constexpr std::size_t secret_bytes_min = 8;      // a shorter one cannot be told from a log's words
constexpr std::size_t secret_bytes_max = 4'096;  // a private key in PEM fits
constexpr std::size_t matrix_axes = 32;
constexpr std::size_t matrix_values = 10'000;    // an axis as long as the most tasks
constexpr std::uint32_t retries = 100;           // beyond it the job is broken, not unlucky
constexpr std::uint32_t cores_per_task = 4'096;  // more than any one machine has
constexpr std::uint32_t gpus_per_task = 64;
constexpr std::int32_t priority_most = 1'000;  // a week of waiting, either way
constexpr std::size_t labels = 256;  // CPU features, regions, pools, blocked ids: each list
constexpr std::uint32_t weight_most = 10'000;     // of an account beside others
constexpr std::size_t freeze_reason_bytes = 400;  // a sentence for the owner
constexpr std::size_t steps_per_workflow = 100;   // a step is a job: a hundred are one commit
constexpr std::size_t workflow_depth = 32;        // steps that wait one for another, in a row
constexpr Size memory_min = 4_MiB;                // a process hardly starts in less

// Lists in answers.
constexpr std::size_t page_default = 50;
constexpr std::size_t page_max = 500;

// Bytes kept for others.
constexpr Size blob = 16_GiB;
constexpr Size account_blobs = 100_GiB;
constexpr Size disk_free_min = 1_GiB;  // below it, or below a share that is larger, ...
constexpr std::uint64_t disk_free_percent_min = 5;  // ... submissions and uploads are refused
constexpr Size disk_reserve = 64_MiB;               // lets running jobs settle on a full disk
constexpr Size log_default = 16_MiB;                // per attempt; more is noise nobody reads
constexpr Size output_default = 1_GiB;

// What an attempt may report. Metrics and log lines are kept apart and may be lost.
constexpr std::size_t report_line_bytes = 64 << 10;  // one line on file descriptor 3
constexpr std::size_t reports_per_second = 100;      // above it lines are dropped and counted
constexpr std::size_t metric_names = 256;            // per attempt
constexpr std::size_t metric_points = 10'000;        // per attempt and name; then they are thinned

// Sessions and leases.
constexpr Duration lease_term{60'000};       // how long a lost provider can hold up a task
constexpr Duration heartbeat{10'000};        // six chances a term
constexpr Duration phase_slack{600'000};     // beyond what a phase of an attempt should take
constexpr Size slowest_transfer = 128_KiB;   // a second: below it a provider is too slow
constexpr Duration session_silence{45'000};  // then the connection is taken for dead
constexpr Duration challenge_life{30'000};
constexpr std::size_t attempts_per_provider = 1'000;
constexpr std::size_t unacked_messages = 1'000;  // of one session, kept to be sent again
constexpr std::size_t sessions = 10'000;
constexpr std::size_t providers_per_account = 1'000;  // a farm; each is remembered for ever
constexpr std::size_t frames_per_second = 5'000;      // of one session; above it it is read later
constexpr std::size_t frame_bytes_per_second = 4 << 20;  // likewise
constexpr std::size_t feed_subscribers = 5'000;

// How long things last.
constexpr Duration attempt_time_max{30LL * 86'400'000};
constexpr Duration charged_time_max{3'660LL * 86'400'000};  // ten years, as the longest Span
constexpr Duration grace_max{10LL * 60'000};                // between SIGTERM and SIGKILL
constexpr Duration idempotency_life{86'400'000};            // of a client's Idempotency-Key
constexpr std::size_t answers_per_account = 20'000;  // remembered: some 30 MiB; the oldest go first
constexpr Duration upload_life{3'600'000};   // how long an upload waits for a job that names it
constexpr Duration sweep_delay{86'400'000};  // bytes that nothing holds any more lie a day longer
constexpr Duration blob_retention{30LL * 86'400'000};      // of a job's files, after its end
constexpr Duration log_retention{14LL * 86'400'000};       // likewise of its logs
constexpr Duration dropped_remembered{90LL * 86'400'000};  // that a blob was there, and till when
constexpr Duration use_half_life{86'400'000};              // of a buyer's use, beside other buyers'
constexpr std::size_t drops_at_once = 1'000;        // blobs of one moment: a commit stays short
constexpr Duration audit_kept{400LL * 86'400'000};  // what operators did: a year can be looked over
constexpr std::size_t audit_entries = 100'000;      // likewise, some 30 MB of a snapshot
constexpr std::size_t audit_detail_bytes = 1'024;   // of a request's body; more is cut off

// Requests of one key. A program that asks in a loop is slowed, one that works hard is not.
constexpr std::uint32_t requests_per_second = 1'000;
constexpr std::uint32_t requests_burst = 10'000;
constexpr std::uint32_t provider_requests_per_second = 1'000;  // an attempt may leave 5,000 files
constexpr std::uint32_t provider_requests_burst = 10'000;
constexpr std::uint32_t operator_requests_per_second = 2'000;
constexpr std::uint32_t operator_requests_burst = 20'000;
constexpr std::uint32_t requests_most = 1'000'000;  // what an operator may give a key
constexpr std::size_t keys_remembered = 100'000;    // that asked just now
constexpr std::uint32_t strangers_per_second = 20;  // without a valid key, of one address
constexpr std::uint32_t strangers_burst = 1'000;
constexpr std::size_t strangers_remembered = 10'000;  // addresses; all others share one rate

// The journal.
constexpr Size journal_segment = 64_MiB;  // some 200,000 events: two seconds of a restart
constexpr Size journal_segment_min = 64_KiB;
constexpr Size journal_segment_max = 1_GiB;               // a compressed one is read whole
constexpr Duration journal_segment_age{86'400'000};       // a quiet market gets snapshots too
constexpr Duration journal_retention{90LL * 86'400'000};  // of events that a snapshot covers
constexpr Duration journal_retention_min{86'400'000};     // an operator looks back a day

}  // namespace shoal::limits
