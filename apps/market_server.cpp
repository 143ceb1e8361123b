#include "apps/market_server.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "apps/blob_keeper.h"
#include "apps/core_loop.h"
#include "apps/exit.h"
#include "apps/journal_keeper.h"
#include "apps/market_feed.h"
#include "apps/market_http.h"
#include "apps/market_recovery.h"
#include "apps/market_sessions.h"
#include "apps/release.h"
#include "io/blobs_files.h"
#include "io/descriptors.h"
#include "io/folder.h"
#include "io/http_server.h"
#include "io/journal_files.h"
#include "io/journal_sqlite.h"
#include "io/loop.h"
#include "io/reserve.h"
#include "market/api/api.h"
#include "market/live.h"

namespace shoal::apps {

namespace {

constexpr Duration drain_time{200};           // for answers on their way
constexpr std::uint64_t close_after = 1'000;  // events; below it a start is quick anyway

struct Address {
    std::string host;
    std::uint16_t port = 0;
};

Result<Address> parse_address(const std::string& text) {
    const Error wrong{Code::invalid,
                      "--listen: expected ADDRESS:PORT like 127.0.0.1:7070, got \"" + text + "\""};
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return wrong;
    Address address{text.substr(0, colon), 0};
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    const char* end = text.data() + text.size();
    const auto [last, failure] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (failure != std::errc{} || last != end || address.host.empty()) return wrong;
    return address;
}

bool make_room(const std::filesystem::path& folder) {
    if (!io::give_back_reserve(folder)) return false;
    fmt::print(stderr,
               "the disk is full: the market gave back the {} that it had set aside, so that what "
               "runs can be settled. Make room, then start it again\n",
               to_rounded(limits::disk_reserve));
    return true;
}

/// What is told when a segment was closed, once there is somebody to tell.
using Hook = std::shared_ptr<std::function<void()>>;

Result<std::unique_ptr<io::SqliteJournal>> open_journal(const MarketOptions& options,
                                                        const Hook& closed) {
    const auto& data = options.data;
    const io::SqliteJournal::Options wanted{.release = std::string(release),
                                            .make_room = [data] { return make_room(data); },
                                            .segment_bytes = options.journal_segment.bytes,
                                            .segment_age = options.journal_segment_age,
                                            .closed =
                                                [closed] {
                                                    if (*closed) (*closed)();
                                                }};
    const auto folder = io::journal_folder(data);
    auto journal = io::SqliteJournal::open(folder, wanted);
    const bool is_full = !journal.ok() && journal.error().code == Code::exhausted;
    if (is_full && make_room(data)) return io::SqliteJournal::open(folder, wanted);
    return journal;
}

/// What a start has to replay is closed, so that the keeper can put it into a snapshot.
Status close_long_segment(io::SqliteJournal& journal) {
    const auto segments = TRY(journal.segments());
    if (segments.back().last - segments.back().first + 1 < close_after) return Done{};
    const Status closed = journal.close_segment();
    // Without room for another segment this one goes on.
    return !closed.ok() && closed.error().code == Code::exhausted ? Done{} : closed;
}

/// Secrets that were sealed by another key are given up only by whoever says so.
Status check_secrets(const market::Market& market, const MarketOptions& options) {
    const std::size_t lost = market.lost_secrets().size();
    if (lost == 0) return Done{};
    if (!options.forgets_secrets) {
        return Error{Code::denied,
                     fmt::format("{} of the accounts' secrets cannot be opened by {}: put the file "
                                 "in its place that belongs to this journal, or start with "
                                 "--forget-secrets, which removes them and ends the jobs that "
                                 "name them",
                                 lost, (options.data / "secrets.key").string())};
    }
    fmt::print(stderr, "{} of the accounts' secrets were lost with their key\n", lost);
    return Done{};
}

void keep_reserve(const std::filesystem::path& folder) {
    const Status kept = io::make_reserve(folder, limits::disk_reserve);
    if (!kept.ok()) fmt::print(stderr, "the market has no reserve: {}\n", kept.error().what);
}

/// All parts of a running market, in the order in which they depend on each other.
class MarketServer {
public:
    static Result<std::unique_ptr<MarketServer>> open(const MarketOptions&);

    Status serve(const MarketOptions&);
    void run();

private:
    struct Parts {
        io::DataFolder folder;
        std::unique_ptr<io::SqliteJournal> journal;
        std::unique_ptr<io::FileBlobs> blobs;
        Recovered recovered;
        Hook closed;
        Duration retention{};
    };
    explicit MarketServer(Parts parts)
        : folder_(std::move(parts.folder)),
          closed_(std::move(parts.closed)),
          retention_(parts.retention),
          journal_(std::move(parts.journal)),
          blobs_(std::move(parts.blobs)),
          recovered_(std::move(parts.recovered)),
          market_(*recovered_.market) {}

    void connect();
    Result<io::HttpServer::Settings> settings(const MarketOptions&) const;
    Status announce(const MarketOptions&, const io::HttpServer::Settings&) const;
    void on_signals(const MarketOptions&);
    void stop();

    io::DataFolder folder_;
    Hook closed_;
    Duration retention_;
    std::unique_ptr<io::SqliteJournal> journal_;
    std::unique_ptr<io::FileBlobs> blobs_;
    Recovered recovered_;
    market::Market& market_;
    market::Live live_;
    market::Api api_{market_, live_};
    io::Loop loop_;
    CoreLoop core_{loop_, *journal_, market_, recovered_.last_sequence, recovered_.last_time};
    FeedHub feed_{loop_, core_, *journal_, market_};
    ProviderSessions sessions_{loop_, core_, market_, std::string(release),
                               [this](const protocol::session::Said& words, Time now) {
                                   live_.hear(words);
                                   feed_.said(words, now);
                               }};
    BlobKeeper keeper_{loop_, *blobs_, market_};
    JournalKeeper journal_keeper_{
        loop_, *journal_, {io::journal_folder(folder_.path()), retention_}};
    MarketHttp http_{{loop_, core_, api_, *blobs_, keeper_, sessions_, feed_}};
    std::unique_ptr<io::HttpServer> server_;
    bool is_stopping_ = false;
};

Result<std::unique_ptr<MarketServer>> MarketServer::open(const MarketOptions& options) {
    io::DataFolder folder = TRY(io::DataFolder::open(options.data, market_folder_options()));
    if (const auto& original = folder.original()) {
        fmt::print(stderr,
                   "the folder was brought to this release's format; as it was it is in {}\n",
                   original->string());
    }
    const MarketKeys keys{TRY(signing_key(folder.path())), TRY(sealing_key(folder.path()))};
    const Hook closed = std::make_shared<std::function<void()>>();
    auto journal = TRY(open_journal(options, closed));
    for (const std::string& path : TRY(journal->adopt())) {
        fmt::print(stderr, "a damaged file was removed, to be made again: {}\n", path);
    }
    auto blobs = TRY(io::FileBlobs::open(folder.path(), {}));
    std::vector<std::pair<std::uint64_t, protocol::Event>> submitted;
    Recovered recovered =
        TRY(recover(*journal, keys, [&](std::uint64_t sequence, const auto& event) {
            if (std::holds_alternative<protocol::JobSubmitted>(event)) {
                submitted.emplace_back(sequence, event);
            }
        }));
    TRY(check_secrets(*recovered.market, options));
    keep_reserve(folder.path());
    TRY(close_long_segment(*journal));
    std::unique_ptr<MarketServer> server(
        new MarketServer({std::move(folder), std::move(journal), std::move(blobs),
                          std::move(recovered), closed, options.journal_retention}));
    for (const auto& [sequence, event] : submitted) server->feed_.event(sequence, event);
    return server;
}

void MarketServer::connect() {
    *closed_ = [this] { journal_keeper_.consider(); };
    core_.set_outlets({
        .message = [this](const market::ToProvider& message) { sessions_.send(message); },
        .event =
            [this](std::uint64_t sequence, const protocol::Event& event) {
                if (const auto* ended = std::get_if<protocol::AttemptEnded>(&event)) {
                    live_.end(ended->lease, ended->at);
                    live_.tick(ended->at);
                }
                if (const auto* dropped = std::get_if<protocol::BlobDropped>(&event)) {
                    keeper_.dropped(dropped->blob);
                }
                feed_.event(sequence, event);
            },
    });
}

Result<io::HttpServer::Settings> MarketServer::settings(const MarketOptions& options) const {
    const Address address = TRY(parse_address(options.listen));
    io::HttpServer::Settings settings;
    settings.address = address.host;
    settings.port = address.port;
    // Files, the journal and jobs' bytes need some of them, too.
    const std::size_t sockets = io::raise_descriptor_limit() / 4 * 3;
    settings.connections_max = std::min(settings.connections_max, sockets);
    settings.connections_per_peer = std::min(settings.connections_per_peer, sockets / 2);
    if (!options.tls_certificate.empty()) {
        settings.tls = TRY(io::server_tls({options.tls_certificate, options.tls_key}));
    }
    return settings;
}

Status MarketServer::serve(const MarketOptions& options) {
    connect();
    Status founded = Done{};
    core_.start([&](const market::Moment& moment, market::Batch& batch) -> CoreLoop::Release {
        founded = first_operator(folder_.path(), market_, moment, batch);
        market_.start(release, moment, batch);
        return {};
    });
    TRY(std::move(founded));
    const io::HttpServer::Settings wanted = TRY(settings(options));
    server_ = TRY(io::HttpServer::start(loop_, wanted, http_.handlers()));
    api_.set_missing("");
    keeper_.sweep();
    journal_keeper_.consider();
    on_signals(options);  // before it says that it is there: who hears it may tell it to stop
    return announce(options, wanted);
}

Status MarketServer::announce(const MarketOptions& options,
                              const io::HttpServer::Settings& settings) const {
    io::BaseUrl url{settings.tls.has_value(), settings.address, server_->port(), std::nullopt};
    std::string shown = io::to_string(url);
    if (url.secure) shown += "#sha256=" + to_string(TRY(io::pin_of(options.tls_certificate)));
    fmt::print(stderr, "serving a market on {}\n  folder {}\n  signs receipts as {}\n", shown,
               folder_.path().string(), to_string(market_.key()));
    if (options.ready_fd < 0) return Done{};
    const io::Descriptor ready(options.ready_fd);
    return io::write_all(ready, as_bytes(shown + "\n"));
}

void MarketServer::on_signals(const MarketOptions& options) {
    for (const int signal : {SIGTERM, SIGINT}) {
        loop_.on_signal(signal, [this] { stop(); });
    }
    loop_.on_signal(SIGHUP, [this, options] {
        if (options.tls_certificate.empty()) return;
        auto tls = io::server_tls({options.tls_certificate, options.tls_key});
        if (tls.ok()) return server_->replace_tls(std::move(tls).value());
        fmt::print(stderr, "the certificate stays as it is: {}\n", tls.error().what);
    });
}

/// Who asks whether it serves hears at once that it stops; what was asked before is still answered.
void MarketServer::stop() {
    if (std::exchange(is_stopping_, true)) return;
    api_.set_missing("the market is being stopped");
    journal_keeper_.stop();
    loop_.after(drain_time, [this] {
        server_->stop();
        core_.when_idle([this] { loop_.stop(); });
    });
}

void MarketServer::run() {
    loop_.run();
    const Status kept = keep_snapshot(*journal_, market_, core_.last_sequence());
    if (!kept.ok()) fmt::print(stderr, "no snapshot was kept: {}\n", kept.error().what);
}

int exit_code(const Error& error) {
    fmt::print(stderr, "shoal market: {}\n", error.what);
    return static_cast<int>(error.code == Code::invalid ? Exit::usage : Exit::refused);
}

}  // namespace

int serve_market(const MarketOptions& options) {
    // A TLS session needs passing buffers on whichever thread it is served; with an arena for each
    // thread what they leave between what stays is twice as much as what stays.
    constexpr int arenas_max = 2;
    ::mallopt(M_ARENA_MAX, arenas_max);
    auto server = MarketServer::open(options);
    if (!server.ok()) return exit_code(server.error());
    const Status serving = server.value()->serve(options);
    if (!serving.ok()) return exit_code(serving.error());
    std::move(server).value()->run();
    return static_cast<int>(Exit::done);
}

}  // namespace shoal::apps
