// Buyers: what they ask for, and what they do wrong.

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/api.h"
#include "protocol/api_workflow.h"
#include "protocol/receipt.h"
#include "simulation/people.h"

namespace shoal::simulation {

using market::ApiAnswer;
using market::ApiRequest;

namespace {

constexpr int refusals = 400;

std::string text_of(const protocol::JobSpec& spec) {
    return json::print(spec);
}

}  // namespace

std::string secret_value(AccountId account, const std::string& name) {
    return fmt::format("what {} has in {}", to_string(account), name);
}

Buyer::Buyer(Stage& stage, Wire& wire, const MarketCore& core, std::string name)
    : stage_(stage), core_(core), client_(stage, wire, std::move(name)) {}

void Buyer::begin(AccountId account, const std::string& secret) {
    account_ = account;
    client_.set_secret(secret);
    think();
}

void Buyer::think() {
    const std::int64_t about = stage_.world().think.count();
    stage_.later(stage_.between(about / 4, about * 2), [this] { act(); });
}

void Buyer::act() {
    if (stage_.healed()) return;
    think();
    const std::uint64_t dice = stage_.random().below(20);
    if (dice < 2) return submit_workflow();
    if (dice < 8) return submit();
    const bool keeps = dice == 8 || secrets_.empty();
    if (dice < 10) return keeps ? keep_secret() : store();
    if (dice < 12) return cancel();
    if (dice < 16) return look();
    err();
}

// --- jobs ----------------------------------------------------------------------------------------

void Buyer::submit() {
    const ApiRequest request = client_.post("/v1/jobs", text_of(make_job()));
    client_.insist(request, [this](const ApiAnswer& answer) { submitted(answer); });
}

void Buyer::submitted(const ApiAnswer& answer) {
    if (answer.status >= refusals) return;
    const auto value = json::parse(answer.body, answer.body.size());
    const auto view = json::read<protocol::JobView>(value.value(), json::Reader::tolerant);
    if (!view.ok()) return stage_.fail("a job is answered with its view");
    note_job(view.value().job);
}

void Buyer::note_job(JobId job) {
    if (!core_.durable().has_job(job)) {
        stage_.fail("a job that was answered is there: " + to_string(job));
    }
    if (std::ranges::find(jobs_, job) != jobs_.end()) {
        stage_.fail("one request is one job: " + to_string(job));
    }
    jobs_.push_back(job);
}

protocol::JobSpec Buyer::make_job() {
    Random& random = stage_.random();
    protocol::JobSpec spec;
    spec.name = fmt::format("job {}", ++count_);
    spec.command = {"./work", "${n}"};
    const std::uint64_t tasks = random.percent(10) ? random.between(6, 20) : random.between(1, 4);
    for (std::uint64_t n = 0; n < tasks; ++n) {
        spec.tasks.matrix["n"].push_back(Scalar{static_cast<std::int64_t>(n)});
    }
    for (std::uint64_t i = random.below(3); i > 0 && !stored_.empty(); --i) {
        protocol::JobInput input;
        input.as = fmt::format("in{}", i);
        input.blob = random.pick(stored_);
        spec.inputs.push_back(std::move(input));
    }
    if (tasks > 1 && random.percent(15)) spec.tasks.gang = static_cast<std::uint32_t>(tasks);
    if (!secrets_.empty() && random.percent(40)) spec.secrets.push_back(random.pick(secrets_));
    spec.priority = static_cast<std::int32_t>(random.below(11)) - 5;
    if (random.percent(60)) spec.outputs.push_back({"model.bin", random.percent(50)});
    if (random.percent(30)) spec.result = protocol::ResultRule{"loss", protocol::Best::min};
    spec.resources.cores = static_cast<std::uint32_t>(random.between(1, random.percent(5) ? 9 : 2));
    spec.resources.memory = Size{random.between(1, 8) << 28U};
    spec.resources.disk = Size{random.between(1, 8) << 28U};
    spec.limits.time = Span{stage_.between(1'000, 1'200'000)};
    spec.limits.grace = Span{stage_.between(0, 30'000)};
    spec.retries = static_cast<std::uint32_t>(random.below(4));
    draw_caps(spec);
    if (random.percent(25)) make_reusable(spec);
    return spec;
}

/// One of few that a task before may have been: its result may answer this one's.
void Buyer::make_reusable(protocol::JobSpec& spec) {
    spec.determinism = protocol::Determinism::bits;
    if (stage_.random().percent(80)) spec.cache = protocol::Cache::own_unverified;
    spec.inputs.clear();
    spec.outputs = {{"model.bin", false}};
    spec.resources.cores = 1;
    spec.limits.time = Span{Duration{600'000}};
}

void Buyer::draw_caps(protocol::JobSpec& spec) {
    Random& random = stage_.random();
    constexpr unsigned by_quote = 10;
    if (!random.percent(by_quote)) {
        std::uint64_t most = 1'000;
        while (most < 100'000'000 && random.percent(80)) most *= 4;
        spec.price.max_total = Lamports{static_cast<std::int64_t>(most)};
    }
    constexpr unsigned by_hour = 15;
    if (random.percent(by_hour)) {
        spec.price.max_hour = Lamports{static_cast<std::int64_t>(random.below(10'000'000))};
    }
}

// --- workflows -----------------------------------------------------------------------------------

void Buyer::submit_workflow() {
    const std::string body = json::print(make_workflow());
    client_.insist(client_.post("/v1/workflows", body),
                   [this](const ApiAnswer& answer) { workflow_submitted(answer); });
}

void Buyer::workflow_submitted(const ApiAnswer& answer) {
    if (answer.status >= refusals) return;
    const auto value = json::parse(answer.body, answer.body.size());
    const auto view = json::read<protocol::WorkflowView>(value.value(), json::Reader::tolerant);
    if (!view.ok()) return stage_.fail("a workflow is answered with its view");
    workflows_.push_back(view.value().workflow);
    for (const protocol::StepView& step : view.value().steps) note_job(step.job.job);
}

protocol::WorkflowSpec Buyer::make_workflow() {
    Random& random = stage_.random();
    protocol::WorkflowSpec workflow;
    workflow.name = "workflow";
    if (random.percent(20)) {
        workflow.price.max_total = Lamports{static_cast<std::int64_t>(random.below(100'000'000))};
    }
    std::vector<std::string> names;
    for (std::uint64_t i = random.between(2, 5); i > 0; --i) {
        protocol::JobSpec step = make_job();
        step.outputs = {{"model.bin", false}};
        add_needs(names, step);
        names.push_back(fmt::format("step-{}", i));
        workflow.steps.emplace(names.back(), std::move(step));
    }
    if (random.percent(3)) workflow.steps.begin()->second.needs["step-0"] = {};
    return workflow;
}

/// Some of those before it, and what they leave.
void Buyer::add_needs(const std::vector<std::string>& steps, protocol::JobSpec& spec) {
    Random& random = stage_.random();
    using protocol::OnFailure;
    constexpr OnFailure policies[] = {OnFailure::fail, OnFailure::skip, OnFailure::run};
    for (const std::string& step : steps) {
        if (random.percent(50)) continue;
        spec.needs[step].on_failure = policies[random.below(std::size(policies))];
        if (random.percent(40)) continue;
        protocol::JobInput input;
        input.as = "of-" + step;
        input.from = step;
        // Now and then a part of a file, which is never there.
        if (random.percent(60)) input.path = random.percent(20) ? "model.bin/part" : "model.bin";
        spec.inputs.push_back(std::move(input));
    }
}

void Buyer::store() {
    const auto content = static_cast<std::uint8_t>(stage_.random().below(32));
    const Hash hash{{2, content}};
    client_.upload(hash, 100 + content, [this, hash](const ApiAnswer& answer) {
        if (answer.status >= refusals) return;
        if (std::ranges::find(stored_, hash) == stored_.end()) stored_.push_back(hash);
    });
}

/// Sets one, or takes it back; one that an open job names stays.
void Buyer::keep_secret() {
    constexpr const char* names[] = {"WANDB_KEY", "HUB_TOKEN", "_"};
    Random& random = stage_.random();
    const std::string name = names[random.below(std::size(names))];
    ApiRequest request =
        client_.post("/v1/secrets/" + name,
                     json::print(boost::json::object{{"value", secret_value(account_, name)}}));
    request.method = "PUT";
    if (!secrets_.contains(name) || random.percent(60)) {
        return client_.ask(request, [this, name](const ApiAnswer& answer) {
            if (answer.status < refusals) secrets_.insert(name);
        });
    }
    request = client_.get("/v1/secrets/" + name);
    if (random.percent(70)) request.method = "DELETE";
    client_.ask(request, {});
}

void Buyer::cancel() {
    if (jobs_.empty()) return submit();
    if (!workflows_.empty() && stage_.random().percent(20)) {
        const WorkflowId workflow = stage_.random().pick(workflows_);
        return client_.ask(client_.post("/v1/workflows/" + to_string(workflow) + "/cancel", ""),
                           {});
    }
    const JobId job = stage_.random().pick(jobs_);
    client_.ask(client_.post("/v1/jobs/" + to_string(job) + "/cancel", ""), {});
}

void Buyer::check_jobs() const {
    const auto& known = core_.market().state().jobs;
    for (const JobId job : jobs_) {
        if (!known.contains(job)) stage_.fail("a job stays: " + to_string(job));
    }
    std::set<std::string> names;
    for (const auto& [id, job] : known) {
        const bool is_own = job.account == account_ && job.spec.name.starts_with("job ");
        if (!is_own || names.insert(job.spec.name).second) continue;
        stage_.fail("one request is one job: " + to_string(id));
    }
}

// --- looking -------------------------------------------------------------------------------------

void Buyer::look() {
    constexpr const char* parts[] = {"", "/tasks", "/attempts", "/artifacts", "/why", "/metrics"};
    Random& random = stage_.random();
    if (jobs_.empty() || random.percent(20)) return client_.ask(client_.get("/v1/jobs"), {});
    const JobId job = random.pick(jobs_);
    if (!workflows_.empty() && random.percent(10)) {
        return client_.ask(client_.get("/v1/workflows/" + to_string(random.pick(workflows_))), {});
    }
    if (random.percent(5)) return client_.ask(client_.get("/v1/workflows"), {});
    if (random.percent(30)) return check_receipt(job);
    if (random.percent(10)) {
        return client_.ask(client_.post("/v1/quotes", text_of(make_job())), {});
    }
    const char* part = parts[random.below(std::size(parts))];
    client_.ask(client_.get("/v1/jobs/" + to_string(job) + part), {});
}

void Buyer::check_receipt(JobId job) {
    client_.ask(client_.get("/v1/jobs/" + to_string(job) + "/receipt"),
                [this, job](const ApiAnswer& answer) {
                    if (answer.status >= refusals) return;
                    const auto value = json::parse(answer.body, answer.body.size());
                    const auto receipt =
                        json::read<protocol::Receipt>(value.value(), json::Reader::tolerant);
                    if (!receipt.ok()) return stage_.fail("a receipt is read");
                    const Status sound = protocol::verify_receipt(receipt.value());
                    if (!sound.ok()) {
                        stage_.fail(fmt::format("the receipt of {} is sound: {}", to_string(job),
                                                sound.error().what));
                    }
                });
}

/// What no careful client does.
void Buyer::err() {
    Random& random = stage_.random();
    protocol::JobSpec spec = make_job();
    spec.name = "mistake";
    switch (random.below(9)) {
        case 0:
            spec.name.clear();
            return client_.ask(client_.post("/v1/jobs", text_of(spec)), {});
        case 1:
            spec.inputs.push_back({"missing", {}, {}, Hash{{3, 3, 3}}, 0, false, {}});
            return client_.ask(client_.post("/v1/jobs", text_of(spec)), {});
        case 2:
            spec.price.max_total = Lamports{INT64_MAX / 2};
            return client_.ask(client_.post("/v1/jobs", text_of(spec)), {});
        case 3:
            spec.price = {Lamports{1}, Lamports{0}};
            return client_.ask(client_.post("/v1/jobs", text_of(spec)), {});
        case 4:
            return client_.ask(client_.post("/v1/accounts", ""), {});
        case 5: {
            ApiRequest request = client_.get("/v1/jobs");
            request.method = "PATCH";
            return client_.ask(request, {});
        }
        case 6: {
            ApiRequest request = client_.post("/v1/jobs", text_of(spec));
            request.headers["idempotency-key"] = "the same for all";
            return client_.ask(request, [this](const ApiAnswer& answer) {
                if (answer.status < refusals && !answer.headers.contains("idempotent-replay")) {
                    submitted(answer);
                }
            });
        }
        case 7: {
            ApiRequest request = client_.get("/v1/accounts/me");
            request.headers["authorization"] = "Bearer nobody";
            return client_.ask(request, {});
        }
        default:
            return client_.upload(Hash{{4}}, UINT64_MAX / 2, {});
    }
}

}  // namespace shoal::simulation
