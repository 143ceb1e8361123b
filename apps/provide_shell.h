#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apps/provide_folder.h"
#include "apps/provide_inputs.h"
#include "apps/provide_lane.h"
#include "apps/provide_run.h"
#include "apps/provide_uploads.h"
#include "core/signature.h"
#include "io/clock.h"
#include "io/logging.h"
#include "io/loop.h"
#include "io/url.h"
#include "io/websocket.h"
#include "protocol/offer.h"
#include "provider/provider.h"

namespace shoal::apps {

/// The shell around a provider's decisions: carries out what it decides and tells it what came of
/// it. One thread decides; two lanes of the pool fetch inputs and deliver outputs.
class ProviderShell {
public:
    struct Setup {
        io::BaseUrl market;
        io::Secret key;
        ProviderFolder folder;
        SecretKey identity;
        protocol::Offer offer;
        std::string shim_program;
        int ready_fd = -1;
    };

    ProviderShell(io::Loop&, const io::Log&, Setup);
    ~ProviderShell();
    ProviderShell(const ProviderShell&) = delete;
    ProviderShell& operator=(const ProviderShell&) = delete;

    /// Takes up what an earlier process left and runs the loop until the provider is done. Gives
    /// the exit code.
    int run();

    /// The owner wants the machine back; asked again, ends at once and leaves the attempts to their
    /// shims. Core thread only.
    void drain();

private:
    void restore();
    void handle(const provider::Input&);
    void later(provider::Input);
    void perform_all(const provider::Effects&);
    void arm();
    provider::Moment moment() const;

    void perform(const provider::Connect&);
    void perform(const provider::Disconnect&);
    void perform(const provider::Send&);
    void perform(const provider::FetchInputs&);
    void perform(const provider::StartShim&);
    void perform(const provider::StopShim&);
    void perform(const provider::MoveDeadline&);
    void perform(const provider::Collect&);
    void perform(const provider::Upload&);
    void perform(const provider::Forget&);
    void perform(const provider::Leave&);
    void perform(const provider::Remark&);

    void received(std::uint64_t connection, const std::string& text);
    void closed(std::uint64_t connection, const Error&);
    void announce(const protocol::session::FromMarket&);
    AttemptRun& make_run(LeaseId);
    bool has_room() const;
    protocol::AttemptSpec attempt_spec(const provider::StartShim&) const;

    io::Loop& loop_;
    const io::Log& log_;
    Setup setup_;
    provider::Provider provider_;
    io::MachineClocks clocks_ = io::machine_clocks();
    InputCache inputs_;
    Uploads uploads_;
    Lane fetching_;
    Lane delivering_;
    std::shared_ptr<io::WebSocket> socket_;
    std::uint64_t connection_ = 0;  // what an older one says does not count
    std::map<LeaseId, std::unique_ptr<AttemptRun>> runs_;
    std::optional<io::Loop::TimerId> timer_;
    std::optional<Time> armed_for_;
    std::optional<int> exit_code_;
    bool draining_ = false;
    bool announced_ = false;
};

}  // namespace shoal::apps
