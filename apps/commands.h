#pragma once

// The subcommands that talk to a market over REST, one function and one struct of options each.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/client.h"
#include "apps/config.h"
#include "apps/exit.h"
#include "apps/output.h"
#include "core/result.h"

namespace shoal::apps {

/// What every command gets: where the market is, where answers go.
class Context {
public:
    Context(Config config, Output output, Environment environment)
        : config_(std::move(config)), output_(output), environment_(std::move(environment)) {}

    const Config& config() const { return config_; }
    const Output& out() const { return output_; }
    const Environment& environment() const { return environment_; }

    /// The market of the configuration, with its key. Errors of load_key; invalid: the address.
    Result<Client*> client();

    /// What the market answered last that was a refusal; zero if it refused nothing.
    int refused_status() const { return client_ ? client_->refused_status() : 0; }

private:
    Config config_;
    Output output_;
    Environment environment_;
    std::unique_ptr<Client> client_;
};

/// `run -- COMMAND`: what a job file would say, as flags.
struct JobFlags {
    std::vector<std::string> command;
    std::string name;
    std::optional<std::uint32_t> cores;
    std::string memory;
    std::string disk;
    std::string time;
    std::string max_total;
    std::vector<std::string> inputs;       // PATH or PATH:AS
    std::vector<std::string> outputs;      // PATH
    std::vector<std::string> environment;  // NAME=VALUE
};

struct RunOptions {
    std::string file;
    JobFlags flags;
    bool cancel_on_interrupt = false;
    std::string artifacts;  // the folder that the results are loaded into; empty: none
};
Result<Exit> run_job(Context&, const RunOptions&);

struct FileOptions {
    std::string file;
};
Result<Exit> submit_job(Context&, const FileOptions&);
Result<Exit> quote_job(Context&, const FileOptions&);

struct JobsOptions {
    std::string state;
    std::uint32_t count = 50;
};
Result<Exit> list_jobs(Context&, const JobsOptions&);

struct IdOptions {
    std::string id;
};
Result<Exit> show_job(Context&, const IdOptions&);
Result<Exit> cancel_job(Context&, const IdOptions&);
Result<Exit> explain(Context&, const IdOptions&);

Result<Exit> list_workflows(Context&, const JobsOptions&);
Result<Exit> show_workflow(Context&, const IdOptions&);

struct LogsOptions {
    std::string id;
    std::string task;
    bool follow = false;
};
Result<Exit> show_logs(Context&, const LogsOptions&);

struct ArtifactsOptions {
    std::string id;
    std::string task;
    std::string folder;
};
Result<Exit> list_artifacts(Context&, const ArtifactsOptions&);
Result<Exit> get_artifacts(Context&, const ArtifactsOptions&);

Result<Exit> list_providers(Context&);
Result<Exit> show_provider(Context&, const IdOptions&);

struct VerifyOptions {
    std::string id;
    bool revoke = false;
};
Result<Exit> verify_provider(Context&, const VerifyOptions&);

struct AccountOptions {
    std::string account;  // empty: the account that asks
    std::string role;
    std::string key;
    std::string out;  // the file that a new secret is written to
    std::string amount;
    std::uint32_t weight = 0;
};
Result<Exit> weigh_account(Context&, const AccountOptions&);
Result<Exit> create_account(Context&, const AccountOptions&);
Result<Exit> show_account(Context&, const AccountOptions&);
Result<Exit> list_accounts(Context&);
Result<Exit> show_books(Context&);
Result<Exit> issue_credit(Context&, const AccountOptions&);
Result<Exit> create_key(Context&, const AccountOptions&);
Result<Exit> list_keys(Context&, const AccountOptions&);
Result<Exit> revoke_key(Context&, const AccountOptions&);

struct SecretOptions {
    std::string name;
    std::string file;  // with the value; empty: standard input
};
Result<Exit> set_secret(Context&, const SecretOptions&);
Result<Exit> list_secrets(Context&);
Result<Exit> remove_secret(Context&, const SecretOptions&);

struct ReceiptOptions {
    std::string what;  // a job's id, or a file that holds a receipt
    std::string market_key;
};
Result<Exit> show_receipt(Context&, const ReceiptOptions&);
Result<Exit> verify_receipt_of(Context&, const ReceiptOptions&);

struct UpOptions {
    std::string listen = "127.0.0.1:7070";
    std::uint32_t providers = 1;
    std::string credit = "100";
    std::optional<std::uint32_t> cores;
    std::string memory;
    std::string disk;
};
Result<Exit> start_up(Context&, const UpOptions&);
Result<Exit> shut_down(Context&);

/// What is done with the folder of a market itself, whether it serves or not.
struct JournalOptions {
    std::string data;
    std::string from;  // a sequence number or a time
    std::string to;
    std::string type;
    std::string job;
    std::string account;
};
Result<Exit> check_journal(Context&, const JournalOptions&);
Result<Exit> show_journal(Context&, const JournalOptions&);

struct BackupOptions {
    std::string data;
    std::string target;
    bool has_blobs = false;
    bool has_secrets_key = false;
};
Result<Exit> back_up(Context&, const BackupOptions&);

struct RestoreOptions {
    std::string source;
    std::string folder;
    std::string at;
    std::optional<std::uint64_t> sequence;
};
Result<Exit> restore(Context&, const RestoreOptions&);

Result<Exit> show_config(Context&);

struct SchemaOptions {
    std::string name;
};
Result<Exit> show_schema(Context&, const SchemaOptions&);

struct SimulateOptions {
    std::uint64_t seed = 1;
    std::uint64_t seeds = 1;
    std::uint32_t providers = 4;
    double days = 0.1;
    std::uint32_t processes = 1;         // seeds played at the same time
    std::optional<double> seconds;       // no new seed after this long
    bool covers = false;                 // what may happen must have happened
    std::optional<std::uint64_t> steps;  // under faults, at most
    std::vector<std::string> without;    // faults
    std::string plant;                   // a bug
    bool no_account = false;             // of what failed
};
Result<Exit> simulate(Context&, const SimulateOptions&);

}  // namespace shoal::apps
