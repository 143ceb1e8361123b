#include <fmt/format.h>

#include "apps/account_words.h"
#include "apps/commands_account.h"
#include "apps/statement.h"
#include "apps/words.h"

namespace shoal::apps {

namespace {

/// Why money moved, in words.
std::string movement(const protocol::StatementLine& line) {
    switch (line.transfer.purpose) {
        case protocol::TransferPurpose::credit_issued:
            return "credit issued";
        case protocol::TransferPurpose::credit_withdrawn:
            return "credit withdrawn";
        case protocol::TransferPurpose::credit_transferred:
            return "credit transferred";
        case protocol::TransferPurpose::hold_placed:
            return "hold placed";
        case protocol::TransferPurpose::hold_released:
            return "hold released";
        case protocol::TransferPurpose::charge_provider:
            return "charge: " + (line.provider ? to_string(*line.provider) : "provider");
        case protocol::TransferPurpose::charge_fee:
            return "charge: fee";
        case protocol::TransferPurpose::fees_withdrawn:
            return "fees withdrawn";
    }
    return "";
}

Result<std::optional<Time>> date_of(std::string_view flag, const std::string& text) {
    if (text.empty()) return std::optional<Time>();
    const auto time = parse_date(text);
    if (!time.ok()) return in_flag(flag, time.error());
    return std::optional(time.value());
}

void add_line(const protocol::StatementLine& line, Table& table) {
    const protocol::TransferPosted& transfer = line.transfer;
    const bool from_hold = line.change == Lamports{};
    table.add({to_date(transfer.at), movement(line),
               transfer.job == JobId{} ? "-" : to_string(transfer.job),
               line.task ? to_string(*line.task) : "-", from_hold ? "-" : to_decimal(line.change),
               from_hold ? to_decimal(transfer.amount) : "-", to_decimal(line.balance)});
}

/// A page at a time: a long statement needs no more memory than a short one.
Status export_statement(Client& client, AccountId account, const Client::Interval& when,
                        bool as_csv) {
    if (as_csv) Output::print_raw(statement_header());
    return client.statement(account, when, [&](const auto& lines) {
        std::string text;
        for (const protocol::StatementLine& line : lines) {
            text += as_csv ? statement_record(line) : json::print(line) + "\n";
        }
        Output::print_raw(text);
    });
}

}  // namespace

Result<Exit> show_statement(Context& context, const StatementOptions& options) {
    Client::Interval when;
    when.since = TRY(date_of("--since", options.since));
    when.until = TRY(date_of("--until", options.until));
    Client& client = *TRY(context.client());
    const AccountId account = TRY(account_of(client, options.account));
    if (options.csv || options.lines) {
        TRY(export_statement(client, account, when, options.csv));
        return Exit::done;
    }
    std::vector<protocol::StatementLine> lines;
    TRY(client.statement(account, when, [&](const auto& page) {
        lines.insert(lines.end(), page.begin(), page.end());
    }));
    const Output& out = context.out();
    out.print_as_json(lines);
    Table table({{"TIME (UTC)"},
                 {"WHAT"},
                 {"JOB"},
                 {"TASK"},
                 {"CREDIT", Table::Align::right},
                 {"FROM HOLD", Table::Align::right},
                 {"AVAILABLE", Table::Align::right}});
    for (const protocol::StatementLine& line : lines) add_line(line, table);
    out.print(table.empty() ? "nothing has moved yet" : table.print(out.results()));
    return Exit::done;
}

}  // namespace shoal::apps
