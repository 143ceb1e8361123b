#include "core/id.h"

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal {
namespace {

TEST_CASE("an id is a prefix and a number in base32") {
    struct Row {
        std::uint64_t number;
        const char* text;
    };
    for (const Row& row : {Row{1, "job_1"}, Row{31, "job_z"}, Row{32, "job_10"}, Row{40, "job_18"},
                           Row{1ULL << 32, "job_4000000"}, Row{UINT64_MAX, "job_fzzzzzzzzzzzz"}}) {
        CHECK(to_string(JobId{row.number}) == row.text);
        CHECK(parse_id<JobTag>(row.text).value() == JobId{row.number});
    }
}

TEST_CASE("what is written is read back") {
    Random random(1);
    for (int i = 0; i < 2'000; ++i) {
        const LeaseId id{random.between(1, UINT64_MAX) >> random.below(63)};
        if (id.value != 0) CHECK(parse_id<LeaseTag>(to_string(id)).value() == id);
    }
}

TEST_CASE("each number has one id, and zero none") {
    for (const char* wrong : {"",
                              "job",
                              "job_",
                              "job_0",
                              "job_01",
                              "job_00",
                              "JOB_1",
                              "job_A",
                              "job_i",
                              "job_l",
                              "job_o",
                              "job_u",
                              "job_1 ",
                              " job_1",
                              "job_-1",
                              "job_1_1",
                              "acc_1",
                              "jobs_1",
                              "job1",
                              "job_g000000000000",      // 2^64
                              "job_zzzzzzzzzzzzz",      // thirteen digits, 65 bits
                              "job_10000000000000"}) {  // fourteen digits
        CHECK_FALSE(parse_id<JobTag>(wrong).ok());
    }
    CHECK(parse_id<JobTag>("acc_1").error().what == R"(expected an id like "job_3f9k")");
}

TEST_CASE("base32 knows zero, though no id does") {
    CHECK(to_base32(0) == "0");
    CHECK(from_base32("0").value() == 0);
    CHECK_FALSE(from_base32("").ok());
}

}  // namespace
}  // namespace shoal
