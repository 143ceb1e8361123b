#include "sandbox/scrubber.h"

#include <algorithm>

#include "core/check.h"
#include "core/json.h"

namespace shoal::sandbox {

namespace {

/// As JSON writes it between its quotes.
std::string within_json(const std::string& value) {
    const std::string quoted = json::print(json::Value(value));
    return quoted.substr(1, quoted.size() - 2);
}

}  // namespace

Scrubber::Scrubber(const std::map<std::string, std::string>& secrets) {
    for (const auto& [name, value] : secrets) {
        add(name, value);
        if (std::string written = within_json(value); written != value) {
            add(name, std::move(written));
        }
    }
    std::ranges::sort(needles_, {}, [](const Needle& it) { return it.value.size(); });
}

void Scrubber::add(const std::string& name, std::string value) {
    check(!value.empty());
    Needle needle{name, std::move(value), {}, 0};
    needle.fallback.assign(needle.value.size() + 1, 0);
    for (std::uint32_t end = 1, matched = 0; end < needle.value.size(); ++end) {
        while (matched > 0 && needle.value[end] != needle.value[matched]) {
            matched = needle.fallback[matched];
        }
        if (needle.value[end] == needle.value[matched]) ++matched;
        needle.fallback[end + 1] = matched;
    }
    needles_.push_back(std::move(needle));
}

std::string Scrubber::scrub(std::string_view said) {
    if (needles_.empty()) return std::string(said);
    for (const char next : said) look_at(next);
    return release(waiting_.size() - undecided());
}

std::string Scrubber::finish() {
    std::string rest = release(waiting_.size());
    for (Needle& needle : needles_) needle.matched = 0;
    last_mark_ = 0;
    return rest;
}

std::string Scrubber::scrub_whole(std::string_view text) const {
    Scrubber fresh = *this;
    fresh.waiting_.clear();
    fresh.marks_.clear();
    fresh.last_mark_ = 0;
    for (Needle& needle : fresh.needles_) needle.matched = 0;
    std::string clean = fresh.scrub(text);
    return clean += fresh.finish();
}

void Scrubber::look_at(char next) {
    waiting_ += next;
    marks_.push_back(0);
    for (std::size_t i = 0; i < needles_.size(); ++i) {
        Needle& needle = needles_[i];
        while (needle.matched > 0 && needle.value[needle.matched] != next) {
            needle.matched = needle.fallback[needle.matched];
        }
        if (needle.value[needle.matched] == next) ++needle.matched;
        if (needle.matched < needle.value.size()) continue;
        std::fill(marks_.end() - static_cast<std::ptrdiff_t>(needle.value.size()), marks_.end(),
                  static_cast<std::uint16_t>(i + 1));
        needle.matched = needle.fallback[needle.matched];
    }
}

/// How many of the last bytes may be the beginning of a value.
std::size_t Scrubber::undecided() const {
    std::size_t most = 0;
    for (const Needle& needle : needles_) most = std::max<std::size_t>(most, needle.matched);
    return most;
}

std::string Scrubber::release(std::size_t count) {
    std::string clean;
    clean.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t mark = marks_[i];
        if (mark == 0) {
            clean += waiting_[i];
        } else if (mark != last_mark_) {
            clean += "[secret " + needles_[mark - 1U].name + "]";
        }
        last_mark_ = mark;
    }
    waiting_.erase(0, count);
    marks_.erase(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(count));
    return clean;
}

}  // namespace shoal::sandbox
