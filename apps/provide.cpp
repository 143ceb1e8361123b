#include "apps/provide.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include "apps/exit.h"
#include "apps/hardware.h"
#include "apps/provide_folder.h"
#include "apps/provide_offer.h"
#include "apps/provide_shell.h"
#include "apps/release.h"
#include "io/folder.h"
#include "io/logging.h"
#include "io/loop.h"
#include "sandbox/capability.h"
#include "sandbox/filter.h"
#include "sandbox/shim_client.h"

namespace shoal::apps {

namespace {

constexpr std::uint64_t key_file_max = 4096;

Result<io::Secret> read_key(const ProvideOptions& options) {
    std::string text;
    if (!options.key_file.empty()) {
        text = TRY(io::read_secret(options.key_file, key_file_max));
    } else if (const char* given = std::getenv("SHOAL_KEY"); given != nullptr) {
        text = given;
    }
    text = text.substr(0, text.find_first_of("\r\n"));
    if (text.empty()) {
        return Error{
            Code::invalid,
            "no key: name a file with --key-file, or set SHOAL_KEY; a provider's key comes "
            "from `shoal account key create --role provider`"};
    }
    return io::Secret(std::move(text));
}

/// Strangers' work only behind walls that were tried and hold; there is no weaker way.
Status add_isolation(protocol::Offer& offer, const io::Log& log) {
    sandbox::Report report = sandbox::examine();  // this process has one thread so far
    const Status good = sandbox::may_run_strangers(report);
    if (!good.ok()) return Error{Code::denied, good.error().what};
    log.info("isolation was tried and holds", {{"tier", sandbox::in_words(report.tier)}});
    offer.tier = report.tier;
    offer.isolation = std::move(report.isolation);
    return Done{};
}

Result<ProviderShell::Setup> set_up(const ProvideOptions& options, const io::Log& log) {
    const io::BaseUrl market = TRY(io::parse_base_url(options.market));
    io::Secret key = TRY(read_key(options));
    ProviderFolder folder = TRY(ProviderFolder::open(options.data));
    SecretKey identity = TRY(folder.identity());

    protocol::Offer offer = TRY(make_offer(options, detect_machine(options.data)));
    TRY(add_isolation(offer, log));
    const std::size_t swept = TRY(sandbox::sweep());
    if (swept > 0) log.info("removed what dead attempts left", {{"groups", swept}});
    const sandbox::Filter filter = TRY(sandbox::compile_filter());
    TRY(sandbox::save_filter(filter, folder.path(), folder.filter().filename()));

    return ProviderShell::Setup{market,           std::move(key),       std::move(folder), identity,
                                std::move(offer), options.shim_program, options.ready_fd};
}

Result<int> run(const ProvideOptions& options, const io::Log& log) {
    const io::DataFolder lock =
        TRY(io::DataFolder::open(options.data, {.release = std::string(release)}));
    ProviderShell::Setup setup = TRY(set_up(options, log));
    const protocol::Offer& offer = setup.offer;
    log.info("offers this machine", {{"market", io::to_string(setup.market)},
                                     {"name", offer.name},
                                     {"identity", to_string(setup.identity.public_key())},
                                     {"cores", offer.capacity.cores},
                                     {"memory", to_string(offer.capacity.memory)},
                                     {"disk", to_string(offer.capacity.disk)},
                                     {"attempts", offer.attempts_max}});
    io::Loop loop;
    ProviderShell shell(loop, log, std::move(setup));
    return shell.run();
}

}  // namespace

int provide(const ProvideOptions& options) {
    io::Log::Options form;
    form.form = io::form_for_terminal();
    const io::Log log(form);
    const Result<int> done = run(options, log);
    if (done.ok()) return done.value();
    log.error(done.error().what);
    return static_cast<int>(exit_of(done.error()));
}

}  // namespace shoal::apps
