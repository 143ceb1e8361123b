// Handlers of workflows.

#include "market/workflows.h"

#include <algorithm>
#include <limits>

#include "market/api/handlers.h"
#include "market/api/views.h"

namespace shoal::market {

namespace {

protocol::StepView step_view(const Market& market, const Live& live, const Job& job) {
    protocol::StepView view{job.step, {}, {}, job_view(market, live, job)};
    for (const auto& [step, need] : job.spec.needs) view.needs.push_back(step);
    for (const protocol::WorkflowStep& open : open_needs(market.state(), job)) {
        view.waits_for.push_back(open.step);
    }
    return view;
}

}  // namespace

protocol::WorkflowView workflow_view(const Market& market, const Live& live,
                                     const Workflow& workflow) {
    protocol::WorkflowView view;
    view.workflow = workflow.id;
    view.account = workflow.account;
    view.name = workflow.name;
    view.state = state_of(market.state(), workflow);
    view.submitted = workflow.submitted;
    for (const auto& [step, id] : workflow.steps) {
        const Job& job = market.state().jobs.at(id);
        view.steps.push_back(step_view(market, live, job));
        view.hold = view.hold + job.hold;
        view.charged = view.charged + job.charged;
        view.released = view.released + view.steps.back().job.released;
        if (job.ended) view.ended = std::max(view.ended.value_or(*job.ended), *job.ended);
    }
    if (view.state == protocol::JobState::open) view.ended.reset();
    return view;
}

namespace handlers {

Result<protocol::WorkflowView> submit_workflow(const Call& call,
                                               const protocol::WorkflowSpec& spec) {
    const WorkflowId id =
        TRY(call.market.submit_workflow(call.principal.account, spec, call.moment, call.batch));
    return workflow_view(call.market, call.live, call.market.state().workflows.at(id));
}

/// Newest first: an account's own; of all for the operator.
Result<protocol::WorkflowPage> workflows(const Call& call) {
    const PageRequest wanted = TRY(page_request(call));
    const auto& all = call.market.state().workflows;
    std::set<WorkflowId> everyones;
    if (is_operator(call)) {
        for (const auto& [id, workflow] : all) everyones.insert(id);
    }
    const std::set<WorkflowId>& list =
        is_operator(call) ? everyones : call.market.index().workflows(call.principal.account);
    protocol::WorkflowPage page;
    const WorkflowId from{wanted.from.value_or(std::numeric_limits<std::uint64_t>::max())};
    for (auto it = list.upper_bound(from); it != list.begin();) {
        const Workflow& one = all.at(*--it);
        if (page.items.size() == wanted.limit) {
            page.next = cursor(call, one.id.value);
            break;
        }
        page.items.push_back(workflow_view(call.market, call.live, one));
    }
    return page;
}

Result<protocol::WorkflowView> workflow(const Call& call) {
    return workflow_view(call.market, call.live, *TRY(own_workflow(call)));
}

Result<protocol::WorkflowView> cancel_workflow(const Call& call) {
    const Workflow* owner = TRY(own_workflow(call));
    TRY(call.market.cancel_workflow(owner->id, call.moment, call.batch));
    return workflow_view(call.market, call.live, *owner);
}

}  // namespace handlers

}  // namespace shoal::market
