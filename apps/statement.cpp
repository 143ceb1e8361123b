#include "apps/statement.h"

#include <array>

#include <boost/describe.hpp>
#include <fmt/format.h>

#include "apps/csv.h"
#include "apps/words.h"

namespace shoal::apps {

namespace {

/// "2026-03-01T12:30:05.007Z"
std::string to_instant(Time time) {
    constexpr std::int64_t second = 1'000;
    std::string text = to_date(time);
    text[text.find(' ')] = 'T';
    const std::int64_t rest = time.time_since_epoch().count() % second;
    return fmt::format("{}.{:03}Z", text, rest < 0 ? rest + second : rest);
}

template <class Tag>
std::string cell(Id<Tag> id) {
    return id == Id<Tag>{} ? "" : to_string(id);
}

template <class Tag>
std::string cell(const std::optional<Id<Tag>>& id) {
    return id ? to_string(*id) : "";
}

}  // namespace

std::string statement_header() {
    const std::array<std::string, 12> names{"time",     "transfer", "purpose", "from",
                                            "to",       "job",      "task",    "lease",
                                            "provider", "amount",   "change",  "balance"};
    return csv_record(names);
}

std::string statement_record(const protocol::StatementLine& line) {
    const protocol::TransferPosted& transfer = line.transfer;
    const std::array<std::string, 12> cells{to_instant(transfer.at),
                                            to_string(transfer.id),
                                            boost::describe::enum_to_string(transfer.purpose, ""),
                                            to_string(transfer.from),
                                            to_string(transfer.to),
                                            cell(transfer.job),
                                            cell(line.task),
                                            cell(transfer.lease),
                                            cell(line.provider),
                                            to_string(transfer.amount),
                                            to_string(line.change),
                                            to_string(line.balance)};
    return csv_record(cells);
}

}  // namespace shoal::apps
