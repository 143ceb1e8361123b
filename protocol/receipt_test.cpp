#include "protocol/receipt.h"

#include <array>
#include <functional>
#include <numeric>

#include <doctest/doctest.h>

#include "core/limits.h"
#include "protocol/golden_for_test.h"

namespace shoal::protocol {

namespace {

/// The key that has signed the golden receipt: the bytes 1 to 32.
SecretKey golden_key() {
    std::array<std::uint8_t, SecretKey::seed_size> seed{};
    std::iota(seed.begin(), seed.end(), std::uint8_t{1});
    return SecretKey(seed);
}

Receipt golden_receipt() {
    const json::Value value =
        json::parse(golden_text("receipt", "Receipt"), limits::body_bytes).value();
    return json::read<Receipt>(value, json::Reader::strict).value();
}

/// The receipt after a change, signed anew: whole but for what was changed.
Status verify_changed(const std::function<void(Receipt&)>& change) {
    Receipt receipt = golden_receipt();
    change(receipt);
    receipt.signature = golden_key().sign(receipt_bytes(receipt));
    return verify_receipt(receipt);
}

TEST_CASE("what is signed of a receipt are the same bytes for ever") {
    Receipt receipt = golden_receipt();
    CHECK(to_hex(receipt_bytes(receipt)) == golden_text("signed", "receipt_bytes_2"));
    receipt.step.reset();
    for (ReceiptLine& line : receipt.lines) line.reused.reset();
    CHECK(to_hex(receipt_bytes(receipt)) == golden_text("signed", "receipt_bytes"));
}

TEST_CASE("the golden receipt's signature is its key's and verifies") {
    const Receipt receipt = golden_receipt();
    CHECK(golden_key().public_key() == receipt.market);
    CHECK(golden_key().sign(receipt_bytes(receipt)) == receipt.signature);
    CHECK(verify_receipt(receipt).ok());
}

TEST_CASE("every field of a receipt is signed") {
    const std::array<std::function<void(Receipt&)>, 36> changes{
        [](Receipt& it) { it.receipt = ReceiptId{3}; },
        [](Receipt& it) { it.job = JobId{10}; },
        [](Receipt& it) { it.buyer = AccountId{4}; },
        [](Receipt& it) { it.job_name += 'x'; },
        [](Receipt& it) { it.spec.bytes[31] ^= 1; },
        [](Receipt& it) { it.state = JobState::finished; },
        [](Receipt& it) { it.reason = Reason::signal; },
        [](Receipt& it) { it.submitted += Duration{1}; },
        [](Receipt& it) { it.ended += Duration{1}; },
        [](Receipt& it) {
            it.held = it.held + Lamports{1}, it.released = it.released + Lamports{1};
        },
        [](Receipt& it) { it.market.bytes[0] ^= 1; },
        [](Receipt& it) { it.signature.bytes[63] ^= 1; },
        [](Receipt& it) { std::swap(it.lines[0], it.lines[1]); },
        [](Receipt& it) { it.lines[0].lease = LeaseId{1}; },
        [](Receipt& it) { it.lines[0].task = TaskId{1}; },
        [](Receipt& it) { it.lines[0].provider = ProviderId{1}; },
        [](Receipt& it) { it.lines[0].provider_key.bytes[0] ^= 1; },
        [](Receipt& it) { it.lines[0].reason = Reason::completed; },
        [](Receipt& it) { it.lines[0].started += Duration{1}; },
        [](Receipt& it) { it.lines[0].ran += Duration{1}; },
        [](Receipt& it) {
            std::swap(it.lines[0].charge, it.lines[1].charge), it.lines[0].fee = {};
        },
        [](Receipt& it) { it.lines[0].fee = Lamports{99}; },
        [](Receipt& it) { it.lines[0].artifacts.pop_back(); },
        [](Receipt& it) { it.lines[0].artifacts[0].path += 'x'; },
        [](Receipt& it) { it.lines[0].artifacts[0].blob.bytes[0] ^= 1; },
        [](Receipt& it) { it.lines[0].artifacts[0].size_bytes += 1; },
        [](Receipt& it) { it.lines[0].reused.reset(); },
        [](Receipt& it) { it.lines[0].reused->job = JobId{1}; },
        [](Receipt& it) { it.lines[0].reused->identity.bytes[0] ^= 1; },
        [](Receipt& it) { it.lines[0].reused->verified = false; },
        [](Receipt& it) { it.step.reset(); },
        [](Receipt& it) { it.step->workflow = WorkflowId{1}; },
        [](Receipt& it) { it.step->name += 'x'; },
        [](Receipt& it) { it.step->handed_over.clear(); },
        [](Receipt& it) { it.step->handed_over[0].path += 'x'; },
        [](Receipt& it) { it.step->handed_over[0].blob.bytes[0] ^= 1; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        Receipt receipt = golden_receipt();
        changes[i](receipt);
        const Status verified = verify_receipt(receipt);
        REQUIRE(!verified.ok());
        CHECK(verified.error().what == "the signature is not the market's over this receipt");
    }
}

TEST_CASE("words cannot move from one text of a receipt to the next") {
    Receipt receipt = golden_receipt();
    receipt.lines[0].artifacts[0].path = "ab";
    receipt.lines[0].artifacts[1].path = "c";
    const Bytes before = receipt_bytes(receipt);
    receipt.lines[0].artifacts[0].path = "a";
    receipt.lines[0].artifacts[1].path = "bc";
    CHECK(receipt_bytes(receipt) != before);
}

TEST_CASE("a signed receipt whose amounts contradict each other does not verify") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(verify_changed([](Receipt&) {}).ok());
    CHECK(verify_changed([](Receipt& it) { it.lines[0].charge = Lamports{1000}; }).error().what ==
          "the lines add up to 1001 lamports, but charged are 1002");
    CHECK(verify_changed([](Receipt& it) { it.held = Lamports{1}; }).error().what ==
          "charged and released are 2000000 lamports, but held were 1");
    for (const std::function<void(Receipt&)>& change :
         std::initializer_list<std::function<void(Receipt&)>>{
             [](Receipt& it) { it.lines[0].fee = Lamports{1'002}; },
             [](Receipt& it) { it.lines[0].fee = Lamports{-1}; },
             [](Receipt& it) {
                 it.lines[0].charge = Lamports{-1};
                 it.lines[1].charge = Lamports{1'003};
             },
             [](Receipt& it) { it.lines[0].charge = it.lines[1].charge = Lamports{most}; },
             [](Receipt& it) { it.released = Lamports{most}; },
             [](Receipt& it) { it.lines.clear(); },
         }) {
        CHECK(verify_changed(change).error().code != Code::corrupt);
        CHECK(!verify_changed(change).ok());
    }
}

}  // namespace

}  // namespace shoal::protocol
