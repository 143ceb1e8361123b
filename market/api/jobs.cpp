// Handlers of jobs and what belongs to them.

#include <algorithm>
#include <charconv>
#include <limits>

#include "market/api/handlers.h"
#include "market/api/refusal.h"
#include "market/api/views.h"
#include "market/why.h"
#include "market/workflows.h"

namespace shoal::market::handlers {

namespace {

/// The value of a query parameter that is one of an enumeration's names.
template <class Enum>
Result<std::optional<Enum>> choice(const Call& call, const std::string& name) {
    const std::string* text = parameter(call, name);
    if (!text) return std::optional<Enum>();
    auto value = json::read<Enum>(json::Value(*text), json::Reader::strict);
    if (!value.ok()) return Error{Code::invalid, name + ": " + value.error().what};
    return std::optional<Enum>(value.value());
}

/// The leases of all the job's attempts, oldest first.
std::vector<LeaseId> leases_of(const State& state, const Job& job) {
    std::vector<LeaseId> leases;
    for (const TaskId id : job.tasks) {
        const auto& attempts = state.tasks.at(id).attempts;
        leases.insert(leases.end(), attempts.begin(), attempts.end());
    }
    std::ranges::sort(leases);
    return leases;
}

bool is_stored(const State& state, AccountId account, const Hash& hash) {
    const auto found = state.blobs.find(hash);
    return found != state.blobs.end() && found->second.uploaded.contains(account);
}

struct Ranked {
    TaskId task;
    std::optional<double> value;
};

/// The job's tasks, best first by its result rule; those without a value last, oldest first.
std::vector<Ranked> rank(const State& state, const Job& job) {
    std::vector<Ranked> ranked;
    ranked.reserve(job.tasks.size());
    for (const TaskId id : job.tasks) {
        ranked.push_back({id, result_value(state, job, state.tasks.at(id))});
    }
    const bool is_max = job.spec.result && job.spec.result->best == protocol::Best::max;
    std::ranges::sort(ranked, [&](const Ranked& left, const Ranked& right) {
        if (left.value.has_value() != right.value.has_value()) return left.value.has_value();
        if (!left.value || *left.value == *right.value) return left.task < right.task;
        return is_max ? *left.value > *right.value : *left.value < *right.value;
    });
    return ranked;
}

/// A page of a list of jobs that is ordered by id, from its end; `id_of` takes what it holds.
template <class List, class IdOf>
protocol::JobPage newest(const Call& call, const PageRequest& wanted, const List& list,
                         IdOf id_of) {
    protocol::JobPage page;
    const JobId from{wanted.from.value_or(std::numeric_limits<std::uint64_t>::max())};
    for (auto it = list.upper_bound(from); it != list.begin();) {
        const Job& one = call.market.state().jobs.at(id_of(*--it));
        if (page.items.size() == wanted.limit) {
            page.next = cursor(call, one.id.value);
            break;
        }
        page.items.push_back(job_view(call.market, call.live, one));
    }
    return page;
}

enum class Sort { rank, task };
BOOST_DESCRIBE_ENUM(Sort, rank, task)

}  // namespace

Result<protocol::JobView> submit(const Call& call, const protocol::JobSpec& spec) {
    const JobId id = TRY(call.market.submit(call.principal.account, spec, call.moment, call.batch));
    return job_view(call.market, call.live, call.market.state().jobs.at(id));
}

/// Newest first: from the list that has the wanted ones and no others.
Result<protocol::JobPage> jobs(const Call& call) {
    const auto state = TRY(choice<protocol::JobState>(call, "state"));
    const PageRequest wanted = TRY(page_request(call));
    const Index& index = call.market.index();
    const AccountId account = call.principal.account;
    if (!is_operator(call)) {
        return newest(call, wanted, state ? index.jobs(account, *state) : index.jobs(account),
                      [](JobId id) { return id; });
    }
    if (state) return newest(call, wanted, index.jobs(*state), [](JobId id) { return id; });
    return newest(call, wanted, call.market.state().jobs,
                  [](const auto& item) { return item.first; });
}

Result<protocol::JobView> job(const Call& call) {
    const Job* found = TRY(own_job(call));
    protocol::JobView view = job_view(call.market, call.live, *found);
    view.spec = found->spec;
    return view;
}

Result<protocol::TaskPage> tasks(const Call& call) {
    const Job* owner = TRY(own_job(call));
    const auto sort = TRY(choice<Sort>(call, "sort"));
    const State& state = call.market.state();
    std::vector<Ranked> ranked = rank(state, *owner);
    std::map<TaskId, std::uint64_t> places;
    for (std::size_t i = 0; i < ranked.size() && ranked[i].value; ++i) {
        places.emplace(ranked[i].task, i + 1);
    }
    if (sort != Sort::rank) std::ranges::sort(ranked, {}, &Ranked::task);
    return page_of<protocol::TaskPage>(call, ranked, [&](const Ranked& it) {
        protocol::TaskView view = task_view(call.market, call.live, state.tasks.at(it.task));
        const auto place = places.find(it.task);
        if (place != places.end()) view.rank = place->second;
        return view;
    });
}

Result<protocol::AttemptPage> attempts(const Call& call) {
    const Job* owner = TRY(own_job(call));
    const State& state = call.market.state();
    return page_of<protocol::AttemptPage>(call, leases_of(state, *owner), [&](LeaseId lease) {
        return attempt_view(call.market, call.live, state.attempts.at(lease));
    });
}

/// What accepted tasks left; artifacts of attempts that failed are not results.
Result<protocol::ArtifactPage> artifacts(const Call& call) {
    const Job* owner = TRY(own_job(call));
    const State& state = call.market.state();
    std::vector<protocol::ArtifactView> all;
    for (const TaskId id : owner->tasks) {
        const Task& task = state.tasks.at(id);
        const Attempt* last = result_attempt(state, task);
        if (!last || task.state != protocol::TaskState::accepted) continue;
        for (const protocol::Artifact& it : last->artifacts) {
            all.push_back({it.path, id, last->lease, it.blob, it.size_bytes,
                           is_stored(state, owner->account, it.blob),
                           call.market.dropped(owner->account, it.blob)});
        }
    }
    return page_of<protocol::ArtifactPage>(call, all, [](const auto& it) { return it; });
}

Result<protocol::JobView> cancel(const Call& call) {
    const Job* owner = TRY(own_job(call));
    TRY(call.market.cancel(owner->id, call.moment, call.batch));
    return job_view(call.market, call.live, *owner);
}

Result<protocol::JobWhy> job_why(const Call& call) {
    return why(call.market, TRY(own_job(call))->id, call.moment.now);
}

Result<protocol::TaskWhy> task_why(const Call& call) {
    return why(call.market, TRY(own_task(call))->id, call.moment.now);
}

Result<protocol::Receipt> receipt(const Call& call) {
    return call.market.receipt(TRY(own_job(call))->id);
}

Result<protocol::MetricsView> job_metrics(const Call& call) {
    const Job* owner = TRY(own_job(call));
    std::vector<TaskId> wanted = owner->tasks;
    if (const std::string* text = parameter(call, "task")) {
        const auto id = parse_id<TaskTag>(*text);
        if (!id.ok()) return Error{Code::invalid, "task: " + id.error().what};
        if (std::ranges::find(wanted, id.value()) == wanted.end()) return unknown("task");
        wanted = {id.value()};
    }
    protocol::MetricsView view;
    for (const TaskId id : wanted) {
        for (const LeaseId lease : call.market.state().tasks.at(id).attempts) {
            for (const auto& [name, series] : call.live.metrics(lease)) {
                view.series.push_back({id, lease, name, series.steps, series.values});
            }
        }
    }
    return view;
}

Result<protocol::Quote> quote(const Call& call, const protocol::JobSpec& spec) {
    TRY(protocol::validate(spec, protocol::SpecSource::api));
    return quote_for(call.market, call.principal.account, spec);
}

/// The end of the log while the attempt lives; the stored log, whole, once it is delivered.
Result<ApiAnswer> log(const Call& call) {
    const Attempt* attempt = TRY(own_attempt(call));
    ApiAnswer answer;
    answer.headers["content-type"] = "text/plain; charset=utf-8";
    if (attempt->log) {
        const AccountId owner = call.market.state().jobs.at(attempt->job).account;
        if (!is_stored(call.market.state(), owner, attempt->log->blob)) {
            return gone(call.request, call.market.dropped(owner, attempt->log->blob));
        }
        answer.blob =
            BlobAnswer{attempt->log->blob, attempt->log->size_bytes, answer.headers["content-type"],
                       to_string(attempt->lease) + ".log"};
        return answer;
    }
    std::uint64_t from = 0;
    if (const std::string* text = parameter(call, "from")) {
        const char* end = text->data() + text->size();
        const auto read = std::from_chars(text->data(), end, from);
        if (read.ec != std::errc{} || read.ptr != end) {
            return Error{Code::invalid, "from: expected the value of the header shoal-log-next"};
        }
    }
    const auto tail = call.live.log(attempt->lease, from);
    if (!tail && attempt->ended) return Error{Code::not_found, "no log of this attempt was kept"};
    answer.headers["shoal-log-next"] = std::to_string(tail ? tail->next : from);
    answer.headers["shoal-log-live"] = attempt->ended ? "false" : "true";
    answer.body = tail ? tail->text : "";
    return answer;
}

}  // namespace shoal::market::handlers
