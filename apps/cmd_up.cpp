#include <algorithm>
#include <filesystem>
#include <map>
#include <thread>

#include <boost/describe.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "apps/commands.h"
#include "apps/processes.h"
#include "apps/words.h"
#include "core/units.h"
#include "io/files.h"

namespace shoal::apps {

/// What `shoal up` has started, as it stands in DATA/up.json.
struct Installation {
    std::string market;
    std::vector<ProcessRecord> processes;
};
BOOST_DESCRIBE_STRUCT(Installation, (), (market, processes))

namespace {

namespace fs = std::filesystem;

constexpr Duration start_time_max{30'000};
constexpr Duration poll_delay_min{20};
constexpr Duration poll_delay_max{250};
constexpr Duration drain_time_max{45'000};  // a process drains for 30 s
constexpr Duration hurry_time_max{10'000};
constexpr std::string_view market_role = "market";
constexpr std::size_t log_lines_shown = 3;
constexpr std::size_t state_bytes_max = 1 << 20;

/// The places below the data folder.
struct Places {
    fs::path data;

    fs::path state() const { return data / "up.json"; }
    fs::path lock() const { return data / "up.lock"; }
    fs::path market() const { return data / "market"; }
    fs::path keys() const { return data / "keys"; }
    fs::path key(std::string_view role) const { return keys() / fmt::format("{}.key", role); }
    fs::path log(std::string_view role) const {
        return data / "logs" / fmt::format("{}.log", role);
    }
};

Result<Installation> read_state(const Places& places) {
    auto text = io::read_file(places.state(), state_bytes_max);
    if (!text.ok() && text.error().code == Code::not_found) return Installation{};
    if (!text.ok()) return std::move(text).error();
    const json::Value value = TRY(json::parse(text.value(), state_bytes_max));
    return json::read<Installation>(value, json::Reader::tolerant);
}

Status write_state(const Places& places, const Installation& installation) {
    return io::write_file(places.state(), json::print(installation) + "\n", 0600);
}

/// Held while `up` or `down` works on a data folder.
Result<io::Descriptor> lock(const Places& places) {
    TRY(io::make_folder(places.data));
    io::Descriptor file = TRY(io::open_file(places.lock(), O_RDWR | O_CREAT));
    if (flock(file.number(), LOCK_EX | LOCK_NB) == 0) return file;
    return Error{Code::conflict,
                 "another `shoal up` or `shoal down` works on " + places.data.string()};
}

Result<std::string> own_program() {
    std::error_code failed;
    const fs::path program = fs::read_symlink("/proc/self/exe", failed);
    if (failed) return io::system_error("/proc/self/exe", failed.value());
    return program.string();
}

Result<std::string> read_key(const fs::path& path) {
    std::string key = TRY(io::read_secret(path, state_bytes_max));
    while (key.ends_with('\n')) key.pop_back();
    return key;
}

template <class T>
Status check_flag(std::string_view flag, const Result<T>& parsed) {
    if (parsed.ok()) return Done{};
    return in_flag(flag, parsed.error());
}

/// Ends them all: the providers first, which drain while the market still serves.
Status stop_all(const Output& out, std::vector<ProcessRecord> processes) {
    std::ranges::reverse(processes);
    std::map<std::string, bool> was_alive;
    for (const ProcessRecord& one : processes) was_alive[one.role] = is_alive(one);
    // Each is asked once: the second time means at once.
    for (const ProcessRecord& one : processes) {
        if (one.role != market_role) TRY(ask_to_end(one));
    }
    for (const ProcessRecord& one : processes) {
        if (one.role == market_role) TRY(ask_to_end(one));
        if (!wait_for_end(one, drain_time_max)) {
            out.say(fmt::format("{} takes long; asking it to end at once", one.role));
            TRY(ask_to_end(one));
        }
        if (!wait_for_end(one, hurry_time_max)) TRY(end_by_force(one));
        wait_for_end(one, hurry_time_max);
        out.say(fmt::format("{} ({}) {}", one.role, one.pid,
                            was_alive[one.role] ? "stopped" : "was gone"));
    }
    return Done{};
}

/// One `shoal up`, from a folder to a running market with providers.
class Startup {
public:
    Startup(Context& context, const UpOptions& options, Places places)
        : context_(context), options_(options), places_(std::move(places)) {}

    Result<Exit> run() {
        const io::Descriptor held = TRY(lock(places_));
        TRY(check_down());
        const Lamports credit = TRY(parse_credit(options_.credit));
        auto started = start(credit);
        if (started.ok()) return report();
        const Error& error = started.error();
        context_.out().say("that failed; stopping what was started");
        TRY(stop_all(context_.out(), installation_.processes));
        std::error_code ignored;
        fs::remove(places_.state(), ignored);
        return error;
    }

private:
    Status check_down() const {
        const Installation before = TRY(read_state(places_));
        for (const ProcessRecord& one : before.processes) {
            if (!is_alive(one)) continue;
            return advise(
                {Code::conflict, fmt::format("already up: {} runs as process {}, market {}",
                                             one.role, one.pid, before.market)},
                "`shoal down` stops it; `shoal up --data FOLDER` starts another one.");
        }
        return Done{};
    }

    Status start(Lamports credit) {
        for (const fs::path& folder : {places_.keys(), places_.data / "logs", places_.market()}) {
            TRY(io::make_folder(folder));
        }
        program_ = TRY(own_program());
        TRY(start_market());
        TRY(make_accounts(credit));
        for (std::uint32_t i = 1; i <= options_.providers; ++i) TRY(start_provider(i));
        return wait_for_providers();
    }

    /// Why a process ended at its start is in its log.
    Error told_by_log(Error error, std::string_view role) const {
        const std::string lines = last_lines(places_.log(role), log_lines_shown);
        if (!lines.empty()) error.what += ": " + lines.substr(lines.rfind('\n') + 1);
        const bool is_port = error.what.find("in use") != std::string::npos;
        return advise(std::move(error),
                      is_port ? "Another port: shoal up --listen 127.0.0.1:0 takes any free one."
                              : "All of it is in " + places_.log(role).string());
    }

    Status start_market() {
        int ends[2] = {-1, -1};
        if (pipe2(ends, O_CLOEXEC) != 0) return io::system_error("pipe", errno);
        const io::Descriptor reading(ends[0]);
        io::Descriptor writing(ends[1]);
        ProcessPlan plan{std::string(market_role),
                         {program_, "market", "--data", places_.market(), "--listen",
                          options_.listen, "--ready-fd", "3"},
                         places_.log(market_role),
                         writing.number()};
        ProcessRecord record = TRY(start_process(plan));
        TRY(remember(std::move(record)));
        writing = io::Descriptor();
        auto url = wait_for_word(installation_.processes.back(), reading, start_time_max);
        if (!url.ok()) return told_by_log({Code::denied, url.error().what}, market_role);
        installation_.market = url.value();
        return write_state(places_, installation_);
    }

    Status remember(ProcessRecord record) {
        installation_.processes.push_back(std::move(record));
        return write_state(places_, installation_);
    }

    Status make_accounts(Lamports credit) {
        const std::string operator_key = TRY(read_key(places_.market() / "operator.key"));
        TRY(io::write_secret(places_.key("operator"), operator_key + "\n"));
        const auto market_key = io::read_file(places_.market() / "market.pub", state_bytes_max);
        if (market_key.ok())
            market_key_ = market_key.value().substr(0, market_key.value().find('\n'));
        const io::BaseUrl market = TRY(io::parse_base_url(installation_.market));
        operator_ = std::make_unique<Client>(market, operator_key);
        TRY(make_account("buyer", protocol::Role::buyer, credit));
        return make_account("provider", protocol::Role::provider, Lamports{});
    }

    /// Makes the account unless its key is there from an earlier time, and checks that it works.
    Status make_account(const std::string& role, protocol::Role key_role, Lamports credit) {
        const fs::path path = places_.key(role);
        std::error_code failed;
        if (!fs::exists(path, failed)) {
            const auto account = TRY(operator_->create_account());
            // The key comes last: without it, the next start makes another account.
            if (credit > Lamports{}) {
                TRY(operator_->issue_credit(account.account, credit,
                                            "up:" + to_string(account.account)));
            }
            const auto key = TRY(operator_->create_key(account.account, key_role));
            TRY(io::write_secret(path, key.secret.value_or("") + "\n"));
            made_.push_back(fmt::format("{} account {}", role, to_string(account.account)));
        }
        Client owner(operator_->market(), TRY(read_key(path)));
        auto view = owner.me();
        if (view.ok()) return Done{};
        return advise({view.error().code,
                       fmt::format("the market refuses {}: {}", path.string(), view.error().what)},
                      "Its market's folder was replaced? Then remove this key file as well.");
    }

    Status start_provider(std::uint32_t number) {
        const std::string role = fmt::format("provider-{}", number);
        ProcessPlan plan{role,
                         {program_, "provide", "--market", installation_.market, "--key-file",
                          places_.key("provider"), "--data", places_.data / role, "--name", role},
                         places_.log(role),
                         -1};
        const auto add = [&](const std::string& option, const std::string& value) {
            plan.words.insert(plan.words.end(), {option, value});
        };
        const std::uint32_t share = std::max(1U, options_.providers);
        const std::uint32_t cores = std::max(1U, std::thread::hardware_concurrency() / share);
        if (options_.cores || share > 1)
            add("--cores", std::to_string(options_.cores.value_or(cores)));
        if (!options_.memory.empty()) {
            add("--memory", options_.memory);
        } else if (share > 1) {
            add("--memory", to_string(Size{(memory_bytes() / 4 * 3 / share) >> 20U << 20U}));
        }
        if (!options_.disk.empty()) add("--disk", options_.disk);
        return remember(TRY(start_process(plan)));
    }

    static std::uint64_t memory_bytes() {
        return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    }

    /// Until as many are online as were started, or one of them has ended.
    Status wait_for_providers() {
        Duration waited{};
        for (Duration delay = poll_delay_min;; delay = std::min(delay * 2, poll_delay_max)) {
            const auto providers = TRY(operator_->providers());
            const auto online =
                std::ranges::count_if(providers, [](const auto& one) { return one.online; });
            if (online >= options_.providers) return Done{};
            for (const ProcessRecord& one : installation_.processes) {
                if (is_alive(one)) continue;
                return told_by_log({Code::denied, one.role + " ended at its start"}, one.role);
            }
            if (waited > start_time_max) {
                return told_by_log({Code::timeout, "the providers did not come online in time"},
                                   installation_.processes.back().role);
            }
            std::this_thread::sleep_for(delay);
            waited += delay;
        }
    }

    Result<Exit> report() {
        const WrittenConfig config{installation_.market, places_.key("buyer"), market_key_,
                                   places_.data};
        const auto written = write_config(context_.config().file.value, config);
        const Output& out = context_.out();
        out.print_json(boost::json::object{{"market", installation_.market},
                                           {"market_key", market_key_},
                                           {"data", places_.data.string()},
                                           {"key_file", places_.key("buyer").string()},
                                           {"processes", json::write(installation_.processes)}});
        std::string text;
        for (const ProcessRecord& one : installation_.processes) {
            text += fmt::format("{}: process {}, log {}\n", one.role, one.pid,
                                places_.log(one.role).string());
        }
        for (const std::string& line : made_) text += "made " + line + "\n";
        text += fmt::format("market at {}, keys in {}\n", installation_.market,
                            places_.keys().string());
        if (written.ok()) {
            text += fmt::format(
                "{} now names this market and the buyer's key\n"
                "Try: shoal run -- echo hello\n",
                context_.config().file.value);
        } else {
            text += fmt::format("{}\nNamed by hand: shoal --market {} --key-file {} …\n",
                                written.error().what, installation_.market,
                                places_.key("buyer").string());
        }
        out.print(text);
        return Exit::done;
    }

    Context& context_;
    UpOptions options_;
    Places places_;
    std::string program_;
    Installation installation_;
    std::unique_ptr<Client> operator_;
    std::string market_key_;
    std::vector<std::string> made_;
};

}  // namespace

Result<Exit> start_up(Context& context, const UpOptions& options) {
    TRY(check_flag("--credit", parse_credit(options.credit)));
    if (!options.memory.empty()) TRY(check_flag("--memory", parse_size(options.memory)));
    if (!options.disk.empty()) TRY(check_flag("--disk", parse_size(options.disk)));
    const fs::path data = fs::absolute(context.config().data.value).lexically_normal();
    return Startup(context, options, Places{data}).run();
}

Result<Exit> shut_down(Context& context) {
    const Places places{fs::absolute(context.config().data.value).lexically_normal()};
    std::error_code failed;
    const Output& out = context.out();
    if (!fs::exists(places.state(), failed)) {
        out.print("nothing is up in " + places.data.string());
        out.print_json(boost::json::object{{"stopped", boost::json::array()}});
        return Exit::done;
    }
    const io::Descriptor held = TRY(lock(places));
    const Installation installation = TRY(read_state(places));
    TRY(stop_all(out, installation.processes));
    fs::remove(places.state(), failed);
    if (failed) return io::system_error(places.state().string(), failed.value());
    out.print_json(boost::json::object{{"stopped", json::write(installation.processes)}});
    return Exit::done;
}

}  // namespace shoal::apps
