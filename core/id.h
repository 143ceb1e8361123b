#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace shoal {

/// A number that names one kind of thing. Ids of different kinds neither convert nor compare.
/// Zero names nothing. Its public form, on every wire, is the tag's prefix and the number in
/// Crockford's base32: `job_3f9k`.
template <class Tag>
struct Id {
    std::uint64_t value = 0;

    constexpr Id() = default;
    constexpr explicit Id(std::uint64_t number) : value(number) {}
    friend auto operator<=>(Id, Id) = default;
};

struct AccountTag {
    static constexpr std::string_view prefix = "acc";
};
struct KeyTag {
    static constexpr std::string_view prefix = "key";
};
struct ProviderTag {
    static constexpr std::string_view prefix = "prov";
};
struct JobTag {
    static constexpr std::string_view prefix = "job";
};
struct TaskTag {
    static constexpr std::string_view prefix = "task";
};
struct LeaseTag {
    static constexpr std::string_view prefix = "lease";
};
struct TransferTag {
    static constexpr std::string_view prefix = "tr";
};
struct ReceiptTag {
    static constexpr std::string_view prefix = "rcpt";
};
struct ActionTag {
    static constexpr std::string_view prefix = "act";
};
struct WorkflowTag {
    static constexpr std::string_view prefix = "wf";
};

using AccountId = Id<AccountTag>;
using KeyId = Id<KeyTag>;
using ProviderId = Id<ProviderTag>;
using JobId = Id<JobTag>;
using TaskId = Id<TaskTag>;
using LeaseId = Id<LeaseTag>;
using TransferId = Id<TransferTag>;
using ReceiptId = Id<ReceiptTag>;
using ActionId = Id<ActionTag>;
using WorkflowId = Id<WorkflowTag>;

/// A 64-bit number in Crockford's base32 (0-9 a-z without i l o u), no leading zeros.
std::string to_base32(std::uint64_t number);

/// invalid: not 1 to 13 digits of the alphabet in lower case, or above 64 bits, or a leading zero.
Result<std::uint64_t> from_base32(std::string_view text);

template <class Tag>
std::string to_string(Id<Tag> id) {
    return std::string(Tag::prefix) + "_" + to_base32(id.value);
}

/// invalid: another prefix, or not a number above zero.
template <class Tag>
Result<Id<Tag>> parse_id(std::string_view text) {
    const std::string wanted = std::string(Tag::prefix) + "_";
    const Error wrong{Code::invalid, "expected an id like \"" + wanted + "3f9k\""};
    if (!text.starts_with(wanted)) return wrong;
    const auto number = from_base32(text.substr(wanted.size()));
    if (!number.ok() || number.value() == 0) return wrong;
    return Id<Tag>{number.value()};
}

}  // namespace shoal
