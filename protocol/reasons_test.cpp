#include "protocol/reasons.h"

#include <algorithm>
#include <string>
#include <vector>

#include <boost/mp11/algorithm.hpp>
#include <doctest/doctest.h>

#include "core/text.h"
#include "protocol/golden_for_test.h"

namespace shoal::protocol {

namespace {

std::vector<Reason> all_reasons() {
    std::vector<Reason> all;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<Reason>>(
        [&](auto one) { all.push_back(one.value); });
    return all;
}

template <class Enum>
std::string word(Enum value) {
    return boost::describe::enum_to_string(value, "");
}

TEST_CASE("each reason says whose fault it was, whether it is tried again and who pays") {
    const std::vector<GoldenLine> table = read_golden_lines("reasons");
    const std::vector<Reason> reasons = all_reasons();
    REQUIRE(table.size() == reasons.size());
    for (std::size_t i = 0; i < reasons.size(); ++i) {
        const ReasonRow& it = row(reasons[i]);
        CHECK(it.reason == reasons[i]);
        CHECK(it.name == table[i].name);
        CHECK(word(it.fault) + " " + (it.retried ? "again" : "once") + " " + word(it.payer) + " " +
                  std::string(it.sentence) ==
              table[i].text);
    }
}

TEST_CASE("a reason's name is its enumerator, and two have neither name nor sentence in common") {
    std::vector<std::string_view> sentences;
    for (const Reason reason : all_reasons()) {
        CHECK(to_string(reason) == word(reason));
        sentences.push_back(row(reason).sentence);
    }
    std::ranges::sort(sentences);
    CHECK(std::ranges::adjacent_find(sentences) == sentences.end());
}

TEST_CASE("nobody pays for what a provider did wrong, and it is tried again") {
    for (const Reason reason : all_reasons()) {
        const ReasonRow& it = row(reason);
        CAPTURE(it.name);
        if (it.fault == Fault::provider) CHECK(it.payer == Payer::nobody);
        if (it.fault == Fault::provider) CHECK(it.retried);
        // What is lost would be missing again.
        if (it.fault == Fault::market) CHECK(it.retried == (reason != Reason::secret_lost));
        if (it.fault == Fault::buyer) CHECK(!it.retried);
        if (it.fault == Fault::nobody) CHECK(it.retried == (reason == Reason::gang_broken));
    }
}

TEST_CASE("a reason's sentence can stand in a sentence") {
    for (const Reason reason : all_reasons()) {
        const std::string_view sentence = row(reason).sentence;
        CAPTURE(sentence);
        REQUIRE(!sentence.empty());
        CHECK(is_printable(sentence));
        CHECK((sentence.front() >= 'a' && sentence.front() <= 'z'));
        CHECK(!sentence.ends_with('.'));
    }
}

}  // namespace

}  // namespace shoal::protocol
