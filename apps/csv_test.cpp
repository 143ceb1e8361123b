#include "apps/csv.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "apps/statement.h"

namespace shoal::apps {
namespace {

std::string record(const std::vector<std::string>& cells) {
    return csv_record(cells);
}

TEST_CASE("a record is cells between commas, in quotes where they hold what parts cells") {
    CHECK(record({"a", "b"}) == "a,b\r\n");
    CHECK(record({"", "b", ""}) == ",b,\r\n");
    CHECK(record({"a,b", "say \"so\"", "two\nlines", "x\ry"}) ==
          "\"a,b\",\"say \"\"so\"\"\",\"two\nlines\",\"x\ry\"\r\n");
}

TEST_CASE("no cell is a formula, and numbers are as they are") {
    CHECK(record({"=1+2", "+x", "-x", "@SUM(A1)", "\tx"}) == "'=1+2,'+x,'-x,'@SUM(A1),'\tx\r\n");
    CHECK(record({"\r=1"}) == "\"'\r=1\"\r\n");
    CHECK(record({"-901", "0", "-", "-9-1", "--1"}) == "-901,0,'-,'-9-1,'--1\r\n");
    CHECK(record({"a=1"}) == "a=1\r\n");
}

TEST_CASE("a line of a statement has as many cells as the header, in lamports") {
    protocol::StatementLine line;
    line.transfer.id = TransferId{5};
    line.transfer.purpose = protocol::TransferPurpose::charge_provider;
    line.transfer.from = protocol::LedgerAccount::held(JobId{9});
    line.transfer.to = protocol::LedgerAccount::available(AccountId{3});
    line.transfer.amount = Lamports{901};
    line.transfer.job = JobId{9};
    line.transfer.at = Time{Duration{1'772'368'205'007}};
    line.change = Lamports{-901};
    line.balance = Lamports{99};
    line.task = TaskId{1};
    CHECK(statement_header() ==
          "time,transfer,purpose,from,to,job,task,lease,provider,amount,change,balance\r\n");
    CHECK(statement_record(line) ==
          "2026-03-01T12:30:05.007Z,tr_5,charge_provider,held:job_9,available:acc_3,job_9,task_1,,,"
          "901,-901,99\r\n");
}

}  // namespace
}  // namespace shoal::apps
