#include "protocol/receipt.h"

#include <algorithm>

namespace shoal::protocol {

namespace {

std::uint64_t count(Time time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

std::uint64_t count(Lamports amount) {
    return static_cast<std::uint64_t>(amount.value);
}

void write_line(CanonicalWriter& out, const ReceiptLine& line) {
    out.number(line.lease.value).number(line.task.value).number(line.provider.value);
    out.bytes(line.provider_key.bytes).text(to_string(line.reason));
    out.number(count(line.started)).number(static_cast<std::uint64_t>(line.ran.count()));
    out.number(count(line.charge)).number(count(line.fee)).number(line.artifacts.size());
    for (const Artifact& artifact : line.artifacts) {
        out.text(artifact.path).bytes(artifact.blob.bytes).number(artifact.size_bytes);
    }
}

bool is_plain(const Receipt& receipt) {
    return !receipt.step && std::ranges::none_of(receipt.lines, [](const ReceiptLine& line) {
        return line.reused.has_value();
    });
}

/// What the second version has beside the first: the step, and where results came from.
void write_origins(CanonicalWriter& out, const Receipt& receipt) {
    out.number(receipt.step ? 1 : 0);
    if (receipt.step) {
        out.number(receipt.step->workflow.value).text(receipt.step->name);
        out.number(receipt.step->handed_over.size());
        for (const Artifact& file : receipt.step->handed_over) {
            out.text(file.path).bytes(file.blob.bytes).number(file.size_bytes);
        }
    }
    for (const ReceiptLine& line : receipt.lines) {
        out.number(line.reused ? 1 : 0);
        if (!line.reused) continue;
        out.number(line.reused->job.value).bytes(line.reused->identity.bytes);
        out.number(line.reused->verified ? 1 : 0);
    }
}

}  // namespace

Bytes receipt_bytes(const Receipt& receipt) {
    const std::uint8_t version = is_plain(receipt) ? 1 : 2;
    CanonicalWriter out("shoal.receipt", version);
    out.number(receipt.receipt.value).number(receipt.job.value).number(receipt.buyer.value);
    out.text(receipt.job_name).bytes(receipt.spec.bytes);
    out.text(boost::describe::enum_to_string(receipt.state, ""));
    out.text(to_string(receipt.reason));
    out.number(count(receipt.submitted)).number(count(receipt.ended));
    out.number(count(receipt.held)).number(count(receipt.charged)).number(count(receipt.released));
    out.number(receipt.lines.size());
    for (const ReceiptLine& line : receipt.lines) write_line(out, line);
    if (!is_plain(receipt)) write_origins(out, receipt);
    out.bytes(receipt.market.bytes);
    return out.written();
}

Status verify_receipt(const Receipt& receipt) {
    Lamports sum;
    for (const ReceiptLine& line : receipt.lines) {
        if (line.charge < Lamports{} || line.fee < Lamports{} || line.fee > line.charge) {
            return Error{Code::invalid, to_string(line.lease) + ": its charge is not possible"};
        }
        sum = TRY(add(sum, line.charge));
    }
    if (sum != receipt.charged) {
        return Error{Code::invalid, "the lines add up to " + to_string(sum) +
                                        " lamports, but charged are " + to_string(receipt.charged)};
    }
    const Lamports whole = TRY(add(receipt.charged, receipt.released));
    if (whole != receipt.held) {
        return Error{Code::invalid, "charged and released are " + to_string(whole) +
                                        " lamports, but held were " + to_string(receipt.held)};
    }
    if (!shoal::verify(receipt.market, receipt_bytes(receipt), receipt.signature)) {
        return Error{Code::invalid, "the signature is not the market's over this receipt"};
    }
    return Done{};
}

}  // namespace shoal::protocol
