#pragma once

// The types whose JSON form is one string: ids, hashes, keys, amounts, sizes, lengths of time.
// They may also be the keys of a map.

#include <string>
#include <string_view>

#include "core/hash.h"
#include "core/id.h"
#include "core/lamports.h"
#include "core/signature.h"
#include "core/units.h"

namespace shoal::json::detail {

/// write and read; `wanted` for errors; pattern(), for the schema, may be left out.
template <class T>
struct Text;

template <class T>
concept HasText = requires(const T& thing) { Text<T>::write(thing); };

template <class Tag>
struct Text<Id<Tag>> {
    static constexpr std::string_view wanted = "an id";
    static std::string pattern() {
        return "^(" + std::string(Tag::prefix) + "_[1-9a-hjkmnp-tv-z][0-9a-hjkmnp-tv-z]{0,12})?$";
    }
    /// The id that names nothing is the empty string.
    static std::string write(Id<Tag> id) { return id.value == 0 ? "" : to_string(id); }
    static Result<Id<Tag>> read(std::string_view text) {
        if (text.empty()) return Id<Tag>{};
        return parse_id<Tag>(text);
    }
};
template <>
struct Text<Hash> {
    static constexpr std::string_view wanted = "a SHA-256 in hexadecimal";
    static std::string pattern() { return "^(sha256:)?[0-9a-f]{64}$"; }
    static std::string write(const Hash& hash) { return to_string(hash); }
    /// People may say which hash it is: "sha256:3f…".
    static Result<Hash> read(std::string_view text) {
        constexpr std::string_view scheme = "sha256:";
        return parse_hash(text.starts_with(scheme) ? text.substr(scheme.size()) : text);
    }
};
template <>
struct Text<PublicKey> {
    static constexpr std::string_view wanted = "an Ed25519 public key in hexadecimal";
    static std::string pattern() { return "^[0-9a-f]{64}$"; }
    static std::string write(const PublicKey& key) { return to_string(key); }
    static Result<PublicKey> read(std::string_view text) { return parse_public_key(text); }
};
template <>
struct Text<Signature> {
    static constexpr std::string_view wanted = "an Ed25519 signature in hexadecimal";
    static std::string pattern() { return "^[0-9a-f]{128}$"; }
    static std::string write(const Signature& signature) { return to_string(signature); }
    static Result<Signature> read(std::string_view text) { return parse_signature(text); }
};
/// On a wire a plain number of lamports in a string; people may write SOL. A balance may be
/// negative (the issuer's), what people write may not.
template <>
struct Text<Lamports> {
    static constexpr std::string_view wanted = R"(an amount like "0.002SOL")";
    static std::string pattern() { return R"(^-?[0-9]+((\.[0-9]{1,9})?SOL)?$)"; }
    static std::string write(Lamports amount) { return to_string(amount); }
    static Result<Lamports> read(std::string_view text) {
        if (!text.starts_with('-')) return parse_lamports(text);
        const Lamports amount = TRY(parse_lamports(text.substr(1)));
        return subtract(Lamports{}, amount);
    }
};
template <>
struct Text<Size> {
    static constexpr std::string_view wanted = R"(a size like "4GiB")";
    static std::string pattern() { return "^[0-9]+([KMGT]iB|[kMGT]?B)$"; }
    static std::string write(Size size) { return to_string(size); }
    static Result<Size> read(std::string_view text) { return parse_size(text); }
};
template <>
struct Text<Span> {
    static constexpr std::string_view wanted = R"(a length of time like "90s")";
    static std::string pattern() {
        return "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
    }
    static std::string write(Span span) { return to_string(span); }
    static Result<Span> read(std::string_view text) { return parse_span(text); }
};

inline std::string key_text(const std::string& key) {
    return key;
}
template <HasText K>
std::string key_text(const K& key) {
    return Text<K>::write(key);
}
template <class K>
Result<K> read_key(std::string_view name) {
    if constexpr (HasText<K>) {
        return Text<K>::read(name);
    } else {
        return K(name);
    }
}

}  // namespace shoal::json::detail
