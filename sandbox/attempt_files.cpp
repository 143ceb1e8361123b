#include "sandbox/attempt_files.h"

#include "core/json.h"
#include "core/limits.h"
#include "sandbox/system.h"

namespace shoal::sandbox {

namespace {

constexpr const char* attempt_name = "attempt.json";
constexpr const char* outcome_name = "outcome.json";
constexpr std::size_t file_bytes_max = 4 * limits::message_bytes;  // a message, and host paths

template <class T>
Result<T> read_file(const std::string& path) {
    const std::string text = TRY(read_text(path, file_bytes_max + 1));
    const json::Value value = TRY(json::parse(text, file_bytes_max));
    return json::read<T>(value, json::Reader::tolerant);
}

}  // namespace

Status write_attempt(const std::string& folder, const protocol::AttemptSpec& spec) {
    return replace_file(folder, attempt_name, json::print(spec));
}

Status write_outcome(const std::string& folder, const protocol::AttemptOutcome& outcome) {
    return replace_file(folder, outcome_name, json::print(outcome));
}

Result<protocol::AttemptSpec> read_attempt(const std::string& folder) {
    return read_file<protocol::AttemptSpec>(folder + "/" + attempt_name);
}

Result<protocol::AttemptOutcome> read_outcome(const std::string& folder) {
    return read_file<protocol::AttemptOutcome>(folder + "/" + outcome_name);
}

}  // namespace shoal::sandbox
