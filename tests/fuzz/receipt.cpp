// Any bytes as a receipt that somebody brings to be checked. What is read is written and signed as
// the same; what verifies does not when it was changed.

#include "protocol/receipt.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/text.h"

namespace shoal::protocol {
namespace {

void check_signed(Receipt receipt) {
    const SecretKey key(std::array<std::uint8_t, SecretKey::seed_size>{1});
    receipt.market = key.public_key();
    receipt.signature = key.sign(receipt_bytes(receipt));
    const Status verified = verify_receipt(receipt);
    if (!verified.ok()) {
        check(is_utf8(verified.error().what));
        return;
    }
    check(receipt.charged.value >= 0 && receipt.lines.size() < limits::body_bytes);
    receipt.job_name += '.';
    check(!verify_receipt(receipt).ok());
}

void run(std::string_view text) {
    const auto value = json::parse(text, limits::body_bytes);
    if (!value.ok()) return;
    for (const auto reader : {json::Reader::strict, json::Reader::tolerant}) {
        const auto receipt = json::read<Receipt>(value.value(), reader);
        if (!receipt.ok()) {
            check(is_utf8(receipt.error().what));
            continue;
        }
        const Status verified = verify_receipt(receipt.value());
        check(verified.ok() || is_utf8(verified.error().what));
        const auto again = json::read<Receipt>(json::write(receipt.value()), json::Reader::strict);
        check(again.value() == receipt.value());
        check(receipt_bytes(again.value()) == receipt_bytes(receipt.value()));
        check_signed(receipt.value());
    }
}

}  // namespace
}  // namespace shoal::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::protocol::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
