#pragma once

// What each route does; named in the table of routes, nowhere else. A handler returns its answer's
// struct; those that answer no JSON make the answer themselves.

#include "core/result.h"
#include "ledger/ledger.h"
#include "market/api/api.h"
#include "market/api/call.h"
#include "protocol/api.h"
#include "protocol/api_market.h"
#include "protocol/api_secrets.h"
#include "protocol/api_workflow.h"
#include "protocol/receipt.h"
#include "protocol/workflow.h"

namespace shoal::market::handlers {

Result<protocol::Health> health(const Call&);
Result<protocol::Health> readiness(const Call&);
Result<ApiAnswer> metrics(const Call&);
Result<protocol::MarketView> market_view(const Call&);

Result<protocol::AccountView> create_account(const Call&);
Result<protocol::AccountPage> accounts(const Call&);
Result<protocol::AccountView> my_account(const Call&);
Result<protocol::AccountView> account(const Call&);
Result<protocol::KeyView> create_key(const Call&, const protocol::KeyRequest&);
Result<protocol::KeyPage> keys(const Call&);
Result<protocol::KeyView> revoke_key(const Call&);
Result<protocol::AccountView> weigh(const Call&, const protocol::WeightRequest&);
Result<protocol::ProviderView> verify(const Call&, const protocol::VerifiedRequest&);
Result<protocol::AccountView> issue_credit(const Call&, const protocol::CreditRequest&);
Result<protocol::StatementPage> statement(const Call&);
Result<protocol::Books> books(const Call&);
Result<protocol::LimitsView> limits(const Call&);
Result<protocol::LimitsView> limit(const Call&, const protocol::AccountLimits&);
Result<protocol::KeyView> limit_key(const Call&, const protocol::RateRequest&);
Result<protocol::AccountView> freeze(const Call&, const protocol::FreezeRequest&);
Result<protocol::AccountView> transfer(const Call&, const protocol::TransferOrder&);
Result<protocol::AccountView> erase(const Call&);
Result<protocol::AuditPage> audit(const Call&);

Result<protocol::SecretPage> secrets(const Call&);
Result<protocol::SecretView> set_secret(const Call&, const protocol::SecretRequest&);
Result<protocol::SecretView> remove_secret(const Call&);

Result<protocol::JobView> submit(const Call&, const protocol::JobSpec&);
Result<protocol::JobPage> jobs(const Call&);
Result<protocol::JobView> job(const Call&);
Result<protocol::TaskPage> tasks(const Call&);
Result<protocol::AttemptPage> attempts(const Call&);
Result<protocol::ArtifactPage> artifacts(const Call&);
Result<protocol::JobView> cancel(const Call&);
Result<protocol::JobWhy> job_why(const Call&);
Result<protocol::TaskWhy> task_why(const Call&);
Result<protocol::Receipt> receipt(const Call&);
Result<protocol::MetricsView> job_metrics(const Call&);
Result<protocol::Quote> quote(const Call&, const protocol::JobSpec&);
Result<ApiAnswer> log(const Call&);

Result<protocol::WorkflowView> submit_workflow(const Call&, const protocol::WorkflowSpec&);
Result<protocol::WorkflowPage> workflows(const Call&);
Result<protocol::WorkflowView> workflow(const Call&);
Result<protocol::WorkflowView> cancel_workflow(const Call&);

Result<protocol::ProviderPage> providers(const Call&);
Result<protocol::ProviderView> provider(const Call&);
Result<protocol::ProviderWhy> provider_why(const Call&);
Result<ApiAnswer> blob(const Call&);

}  // namespace shoal::market::handlers
