// The table of routes.

#include "market/api/handlers.h"
#include "market/api/route.h"
#include "protocol/job.h"

namespace shoal::market {

namespace {

using handlers::artifacts;
using handlers::audit;
using handlers::books;
using handlers::cancel;
using handlers::create_account;
using handlers::create_key;
using handlers::erase;
using handlers::freeze;
using handlers::health;
using handlers::issue_credit;
using handlers::job_metrics;
using handlers::job_why;
using handlers::limit;
using handlers::limit_key;
using handlers::market_view;
using handlers::metrics;
using handlers::my_account;
using handlers::provider_why;
using handlers::readiness;
using handlers::receipt;
using handlers::revoke_key;
using handlers::statement;
using handlers::submit;
using handlers::task_why;
using handlers::transfer;
using handlers::verify;
using handlers::weigh;
using protocol::CreditRequest;
using protocol::JobSpec;
using protocol::KeyRequest;

template <class T>
json::Value schema_of(json::Schemas& schemas) {
    return schemas.of<T>();
}

template <class View>
ApiAnswer to_answer(const Call& call, const View& view) {
    return {call.route.status, {{"content-type", "application/json"}}, json::print(view), {}};
}

/// What a handler is: whether it takes a body, and what it gives.
template <class View>
using Answering = Result<View> (*)(const Call&);
template <class Body, class View>
using Taking = Result<View> (*)(const Call&, const Body&);

template <auto Handler, class View>
Result<ApiAnswer> answer_by(const Call& call) {
    return to_answer(call, TRY(Handler(call)));
}

/// The body as a person writes it: unknown keys are refused.
template <auto Handler, class Body>
Result<ApiAnswer> answer_body_by(const Call& call) {
    const json::Value value = TRY(json::parse(call.request.body, limits::body_bytes));
    const Body body = TRY(json::read<Body>(value, json::Reader::strict));
    return to_answer(call, TRY(Handler(call, body)));
}

template <auto Handler, class View>
void complete(Route& route, Answering<View> /*type*/) {
    route.response = schema_of<View>;
    route.handler = answer_by<Handler, View>;
}

template <auto Handler, class Body, class View>
void complete(Route& route, Taking<Body, View> /*type*/) {
    route.request = schema_of<Body>;
    route.response = schema_of<View>;
    route.handler = answer_body_by<Handler, Body>;
}

/// A route whose handler answers with a described struct, and perhaps takes one.
template <auto Handler>
Route json_route(Route route) {
    complete<Handler>(route, Handler);
    return route;
}

/// A route that answers something else.
template <auto Handler>
Route raw_route(Route route, std::string_view content_type) {
    route.content_type = content_type;
    route.handler = Handler;
    return route;
}

/// A route whose body and query the audit may tell.
Route told(Route route) {
    route.is_told = true;
    return route;
}

Route socket_route(Route route) {
    route.kind = RouteKind::socket;
    route.status = 101;
    return route;
}

/// PUT of a blob: the shell streams the body, between Api::may_upload and Api::uploaded.
Route upload_route(Route route) {
    route.kind = RouteKind::upload;
    route.response = schema_of<protocol::BlobView>;
    return route;
}

std::vector<QueryParameter> paged(std::vector<QueryParameter> others = {}) {
    others.push_back({"limit", "how many at most, 1 to 500; 50 if absent"});
    others.push_back({"cursor", "the `next` of the page before"});
    return others;
}

constexpr int created = 201;
constexpr int payment_required = 402;
constexpr int no_space = 507;

std::vector<Route> service_routes() {
    using enum Access;
    return {
        json_route<health>({"GET", "/healthz", anyone, "Whether the process lives"}),
        json_route<readiness>({"GET", "/readyz", anyone, "Whether it serves"}),
        raw_route<metrics>({"GET", "/metrics", operators, "The market in numbers, OpenMetrics"},
                           "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        json_route<market_view>(
            {"GET", "/v1/market", anyone, "The key that signs receipts, and the fee"}),
        socket_route({"GET",
                      "/v1/events",
                      any_key,
                      "WebSocket: the feed of what happens, FeedItems, one a line",
                      {{"after", "only what the journal has after this sequence number"},
                       {"job", "only what is about this job"},
                       {"name", "only items whose names begin so"}}}),
        socket_route({"GET", "/v1/session", provider, "WebSocket: a provider's session"}),
    };
}

std::vector<Route> account_routes() {
    using enum Access;
    return {
        json_route<create_account>(
            {"POST", "/v1/accounts", operators, "Opens an account", {}, created}),
        json_route<handlers::accounts>({"GET", "/v1/accounts", operators, "All accounts", paged()}),
        json_route<my_account>(
            {"GET", "/v1/accounts/me", any_key, "The account of the key that asks"}),
        json_route<handlers::account>(
            {"GET", "/v1/accounts/{account}", any_key, "An account and its money"}),
        told(json_route<create_key>({"POST",
                                     "/v1/accounts/{account}/keys",
                                     any_key,
                                     "Makes a key; its secret is shown this once",
                                     {},
                                     created})),
        json_route<handlers::keys>(
            {"GET", "/v1/accounts/{account}/keys", any_key, "The account's keys", paged()}),
        json_route<revoke_key>({"DELETE", "/v1/keys/{key}", any_key, "Revokes a key"}),
        told(json_route<issue_credit>({"POST",
                                       "/v1/accounts/{account}/credit",
                                       operators,
                                       "Issues credit to an account",
                                       {},
                                       200,
                                       payment_required})),
        told(json_route<weigh>(
            {"PUT", "/v1/accounts/{account}/weight", operators,
             "Says how large the account's part is beside others', from 1 to 10000"})),
        json_route<statement>({"GET", "/v1/accounts/{account}/statement", any_key,
                               "Each change of what the account may spend, oldest first",
                               paged({{"since", "only from this moment on, in milliseconds"},
                                      {"until", "only before this moment, in milliseconds"}})}),
        json_route<books>({"GET", "/v1/books", operators,
                           "The balance of every ledger account; their sum is zero"}),
    };
}

std::vector<Route> standing_routes() {
    using enum Access;
    return {
        json_route<handlers::limits>({"GET", "/v1/accounts/{account}/limits", any_key,
                                      "What the account may use at most, and what it uses"}),
        told(json_route<limit>({"PUT", "/v1/accounts/{account}/limits", buyer,
                                "Sets limits instead of those before: an operator the market's, "
                                "the account its own, within those"})),
        told(json_route<freeze>({"PUT", "/v1/accounts/{account}/frozen", operators,
                                 "Says whether the account may begin anything, and why not"})),
        told(json_route<transfer>({"POST",
                                   "/v1/accounts/{account}/transfers",
                                   buyer,
                                   "Gives credit to another account",
                                   {},
                                   200,
                                   payment_required})),
        told(json_route<erase>(
            {"DELETE",
             "/v1/accounts/{account}",
             any_key,
             "Closes the account and forgets its owner; what money did stays in the books",
             {{"gives_up_balance", "true: what credit is left goes back to the operator"}}})),
        told(json_route<limit_key>(
            {"PUT", "/v1/keys/{key}/rate", operators, "Says how many requests a key may make"})),
        json_route<audit>({"GET", "/v1/audit", operators, "What operators did, newest first",
                           paged({{"subject", "only what was about this id"}})}),
    };
}

std::vector<Route> secret_routes() {
    using enum Access;
    return {
        json_route<handlers::secrets>(
            {"GET", "/v1/secrets", buyer, "The account's secrets: names, not values", paged()}),
        json_route<handlers::set_secret>(
            {"PUT", "/v1/secrets/{name}", buyer,
             "Sets a secret, which jobs that name it have in their environment"}),
        json_route<handlers::remove_secret>(
            {"DELETE", "/v1/secrets/{name}", buyer, "Removes a secret that no open job names"}),
    };
}

std::vector<Route> job_routes() {
    using enum Access;
    return {
        json_route<submit>({"POST",
                            "/v1/jobs",
                            buyer,
                            "Submits a job and sets its money aside",
                            {},
                            created,
                            payment_required}),
        json_route<handlers::jobs>({"GET", "/v1/jobs", buyer, "Jobs, newest first",
                                    paged({{"state", "open, finished, failed or cancelled"}})}),
        json_route<handlers::job>({"GET", "/v1/jobs/{job}", buyer, "A job and where it stands"}),
        json_route<handlers::tasks>(
            {"GET", "/v1/jobs/{job}/tasks", buyer, "The job's tasks",
             paged({{"sort", "task (the order of the matrix) or rank (best first)"}})}),
        json_route<handlers::attempts>(
            {"GET", "/v1/jobs/{job}/attempts", buyer, "Each try of its tasks", paged()}),
        json_route<artifacts>(
            {"GET", "/v1/jobs/{job}/artifacts", buyer, "What its accepted tasks left", paged()}),
        json_route<cancel>({"POST", "/v1/jobs/{job}/cancel", buyer,
                            "Ends the job; nothing happens if it has ended"}),
        json_route<job_why>({"GET", "/v1/jobs/{job}/why", buyer, "Why it waits, or why it ended"}),
        json_route<task_why>(
            {"GET", "/v1/tasks/{task}/why", buyer, "Why it waits, or how its tries ended"}),
        json_route<receipt>(
            {"GET", "/v1/jobs/{job}/receipt", buyer, "The signed receipt, once it has ended"}),
        json_route<job_metrics>({"GET",
                                 "/v1/jobs/{job}/metrics",
                                 buyer,
                                 "What its attempts measured, as far as it is remembered",
                                 {{"task", "only this task's"}}}),
        json_route<handlers::quote>(
            {"POST", "/v1/quotes", buyer, "What a job may cost; nothing is set aside"}),
        raw_route<handlers::log>(
            {"GET",
             "/v1/attempts/{lease}/log",
             buyer,
             "The attempt's log: its end while it runs, all of it afterwards",
             {{"from", "the header shoal-log-next of the answer before: only what came later"}}},
            "text/plain; charset=utf-8"),
    };
}

std::vector<Route> workflow_routes() {
    using enum Access;
    return {
        json_route<handlers::submit_workflow>(
            {"POST",
             "/v1/workflows",
             buyer,
             "Submits jobs that need one another, all or none, and sets their money aside",
             {},
             created,
             payment_required}),
        json_route<handlers::workflows>(
            {"GET", "/v1/workflows", buyer, "Workflows, newest first", paged()}),
        json_route<handlers::workflow>({"GET", "/v1/workflows/{workflow}", buyer,
                                        "A workflow, its steps and where they stand"}),
        json_route<handlers::cancel_workflow>({"POST", "/v1/workflows/{workflow}/cancel", buyer,
                                               "Ends every step that has not ended"}),
    };
}

std::vector<Route> market_routes() {
    using enum Access;
    return {
        json_route<handlers::providers>({"GET", "/v1/providers", any_key, "Providers", paged()}),
        json_route<handlers::provider>({"GET", "/v1/providers/{provider}", any_key,
                                        "A provider: what it offers, and whether it is there"}),
        json_route<provider_why>(
            {"GET", "/v1/providers/{provider}/why", any_key, "Why it gets no work"}),
        told(json_route<verify>({"PUT", "/v1/providers/{provider}/verified", operators,
                                 "Says whether the provider's machine was checked"})),
        raw_route<handlers::blob>(
            {"GET", "/v1/blobs/{hash}", any_key, "A blob's bytes; ranges are served"},
            "application/octet-stream"),
        upload_route({"PUT",
                      "/v1/blobs/{hash}",
                      any_key,
                      "Stores a blob, whose SHA-256 is its name; with the header shoal-lease as an "
                      "output of that attempt",
                      {},
                      created,
                      no_space}),
    };
}

std::vector<Route> make_routes() {
    std::vector<Route> all;
    for (auto part : {service_routes, account_routes, standing_routes, secret_routes, job_routes,
                      workflow_routes, market_routes}) {
        const std::vector<Route> some = part();
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

}  // namespace

std::span<const Route> routes() {
    static const std::vector<Route> all = make_routes();
    return all;
}

}  // namespace shoal::market
