#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/lamports.h"
#include "protocol/events.h"
#include "protocol/job.h"
#include "protocol/workflow.h"
#include "simulation/market_core.h"
#include "simulation/stage.h"
#include "simulation/wire.h"

namespace shoal::simulation {

/// Whoever asks the market over REST, and asks again under the same key until it hears an answer.
class Client {
public:
    using Heard = std::function<void(const market::ApiAnswer&)>;

    Client(Stage& stage, Wire& wire, std::string name)
        : stage_(stage), wire_(wire), name_(std::move(name)) {}

    void set_secret(std::string secret) { secret_ = std::move(secret); }
    const std::string& secret() const { return secret_; }

    /// Once; nothing is heard of what is lost.
    void ask(const market::ApiRequest&, const Heard&);
    void upload(const Hash&, std::uint64_t size_bytes, const Heard&);

    /// With a new Idempotency-Key, again and again until there is an answer.
    void insist(market::ApiRequest, const Heard&);

    market::ApiRequest get(std::string path) const;
    market::ApiRequest post(std::string path, std::string body) const;

private:
    void try_again(const market::ApiRequest&, const Heard&);
    void note(const market::ApiAnswer&);

    Stage& stage_;
    Wire& wire_;
    std::string name_;
    std::string secret_;
    std::uint64_t keys_ = 0;
};

/// Who runs the market: makes accounts and keys, issues credit, looks at the books.
class Operator {
public:
    using Enrolled = std::function<void(AccountId, const std::string& secret)>;

    Operator(Stage&, Wire&, const MarketCore&);

    void enrol(protocol::Role, Lamports credit, const Enrolled&);
    void act();

    /// Ends every job that is open.
    void cancel_all();

    /// No account has more or less credit than it was given.
    void check_credit() const;

private:
    void make_key(AccountId, protocol::Role, Lamports credit, const Enrolled&);
    void issue(AccountId, Lamports, const std::function<void()>& then);
    void say(const std::string& path, const std::string& body);
    void revoke_one();
    void freeze(AccountId);
    void limit(AccountId);
    void limit_key();

    Stage& stage_;
    const MarketCore& core_;
    Client client_;
    std::map<AccountId, Lamports> asked_;
    std::map<AccountId, Lamports> answered_;
};

/// What each secret of the account says, to be known again where it is handed out.
std::string secret_value(AccountId, const std::string& name);

/// Submits jobs, looks at them, cancels some, and makes mistakes.
class Buyer {
public:
    Buyer(Stage&, Wire&, const MarketCore&, std::string name);

    void begin(AccountId, const std::string& secret);
    void act();

    /// Every job that was answered is there, and none is there twice.
    void check_jobs() const;

private:
    void think();
    void submit();
    void submit_workflow();
    void store();
    void keep_secret();
    void cancel();
    void look();
    void err();
    void check_receipt(JobId);
    protocol::JobSpec make_job();
    void draw_caps(protocol::JobSpec&);
    void make_reusable(protocol::JobSpec&);
    void add_needs(const std::vector<std::string>& steps, protocol::JobSpec&);
    protocol::WorkflowSpec make_workflow();
    void submitted(const market::ApiAnswer&);
    void workflow_submitted(const market::ApiAnswer&);
    void note_job(JobId);

    Stage& stage_;
    const MarketCore& core_;
    Client client_;
    AccountId account_;
    std::vector<JobId> jobs_;
    std::vector<WorkflowId> workflows_;
    std::vector<Hash> stored_;
    std::set<std::string> secrets_;  // that were set, and perhaps lost since
    std::uint64_t count_ = 0;
};

}  // namespace shoal::simulation
