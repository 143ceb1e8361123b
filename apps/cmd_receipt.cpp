#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/words.h"
#include "core/limits.h"
#include "core/text.h"
#include "io/files.h"
#include "protocol/receipt.h"

namespace shoal::apps {

namespace {

constexpr std::size_t receipt_bytes_max = std::size_t{64} << 20U;

Result<protocol::Receipt> read_receipt_file(const std::string& path) {
    const std::string text = TRY(io::read_file(path, receipt_bytes_max));
    auto value = json::parse(text, receipt_bytes_max);
    if (!value.ok()) return Error{Code::invalid, path + ": " + value.error().what};
    auto receipt = json::read<protocol::Receipt>(value.value(), json::Reader::tolerant);
    if (!receipt.ok()) return Error{Code::invalid, path + ": " + receipt.error().what};
    return receipt;
}

/// Of the market if it is a job's id, else of a file; a file needs no market.
Result<protocol::Receipt> find_receipt(Context& context, const std::string& what) {
    const auto job = parse_id<JobTag>(what);
    if (!job.ok()) {
        auto read = read_receipt_file(what);
        if (read.ok() || read.error().code != Code::not_found) return read;
        return advise(read.error(), "A job's id is like job_3f9k; all else is taken for a file.");
    }
    Client& client = *TRY(context.client());
    return client.receipt(job.value());
}

std::string receipt_text(const protocol::Receipt& receipt, const Terminal& terminal) {
    std::string text = fmt::format(
        "{} of {} ({})\n{} for the reason {}\nsubmitted {} UTC, ended {} UTC\n",
        to_string(receipt.receipt), to_string(receipt.job), to_display(receipt.job_name),
        boost::describe::enum_to_string(receipt.state, ""), protocol::to_string(receipt.reason),
        to_date(receipt.submitted), to_date(receipt.ended));
    if (receipt.step) {
        text += fmt::format("step {} of {}, {} handed over to it\n", to_display(receipt.step->name),
                            to_string(receipt.step->workflow),
                            counted(receipt.step->handed_over.size(), "file"));
    }
    text += fmt::format("held {}, charged {}, released {}\n", to_credit(receipt.held),
                        to_credit(receipt.charged), to_credit(receipt.released));
    text +=
        fmt::format("job {}\nmarket {}\n\n", to_string(receipt.spec), to_string(receipt.market));
    Table table({{"LEASE"},
                 {"TASK"},
                 {"PROVIDER"},
                 {"REASON"},
                 {"RAN", Table::Align::right},
                 {"CHARGE", Table::Align::right},
                 {"FEE", Table::Align::right},
                 {"FILES", Table::Align::right}});
    for (const protocol::ReceiptLine& line : receipt.lines) {
        table.add({to_string(line.lease), to_string(line.task), to_string(line.provider),
                   std::string(protocol::to_string(line.reason)) + (line.reused ? " (cache)" : ""),
                   to_length(line.ran), to_credit(line.charge), to_credit(line.fee),
                   std::to_string(line.artifacts.size())});
    }
    text += table.print(terminal);
    for (const protocol::ReceiptLine& line : receipt.lines) {
        if (!line.reused) continue;
        text += fmt::format("{} was answered by the {} result of {} of {}\n", to_string(line.task),
                            line.reused->verified ? "verified" : "unverified",
                            to_string(line.lease), to_string(line.reused->job));
    }
    return text;
}

/// The key that must have signed, and who says so; none if nothing says.
struct ExpectedSigner {
    std::string key;
    std::string source;
};

ExpectedSigner expected_signer(const Context& context, const ReceiptOptions& options) {
    if (!options.market_key.empty()) return {options.market_key, "--market-key"};
    const Setting& configured = context.config().market_key;
    return {configured.value, configured.source};
}

}  // namespace

Result<Exit> show_receipt(Context& context, const ReceiptOptions& options) {
    const JobId job = TRY(id_of<JobTag>(options.what));
    Client& client = *TRY(context.client());
    const protocol::Receipt receipt = TRY(client.receipt(job));
    context.out().print_as_json(receipt);
    context.out().print(receipt_text(receipt, context.out().results()));
    return Exit::done;
}

Result<Exit> verify_receipt_of(Context& context, const ReceiptOptions& options) {
    const protocol::Receipt receipt = TRY(find_receipt(context, options.what));
    const ExpectedSigner signer = expected_signer(context, options);
    const auto whole = protocol::verify_receipt(receipt);
    if (!whole.ok()) {
        return Error{Code::corrupt, "the receipt is not valid: " + whole.error().what};
    }
    std::string text = fmt::format(
        "the {} up to what was charged: {}\n"
        "charged and released make up what was held: {}\n"
        "every field is signed by {}\n",
        receipt.lines.size() == 1 ? "1 line adds" : counted(receipt.lines.size(), "line") + " add",
        to_credit(receipt.charged), to_credit(receipt.held), to_string(receipt.market));
    if (!signer.key.empty()) {
        const auto parsed = parse_public_key(signer.key);
        if (!parsed.ok()) return in_flag(signer.source, parsed.error());
        const PublicKey& expected = parsed.value();
        if (expected != receipt.market) {
            return Error{Code::denied,
                         fmt::format("the receipt is signed by {}, not by the market {} ({})",
                                     to_string(receipt.market), signer.key, signer.source)};
        }
        text += fmt::format("that is the market's key ({})\n", signer.source);
    } else {
        text += "whose key that is was not checked: give the market's with --market-key\n";
    }
    const Output& out = context.out();
    out.print(text);
    out.print_json(boost::json::object{{"valid", true},
                                       {"receipt", to_string(receipt.receipt)},
                                       {"signer", to_string(receipt.market)},
                                       {"signer_checked", !signer.key.empty()},
                                       {"signer_from", signer.source}});
    return Exit::done;
}

}  // namespace shoal::apps
