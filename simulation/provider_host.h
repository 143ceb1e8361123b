#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/signature.h"
#include "protocol/offer.h"
#include "provider/provider.h"
#include "simulation/stage.h"
#include "simulation/wire.h"

namespace shoal::simulation {

/// A provider's machine: the real Provider in its process, and what outlives the process: the
/// shims with their attempts, and the attempts' folders. It carries out the Provider's effects as
/// the real shell does, and may die at any of them.
class ProviderHost {
public:
    ProviderHost(Stage&, Wire&, std::uint32_t index);

    /// The machine is rented out by this account's key from now on.
    void begin(AccountId account, std::string secret);
    bool has_begun() const { return !secret_.empty(); }

    /// The market's name for it; zero before its first welcome.
    ProviderId id() const { return id_; }

    // --- the wire's ---
    void opened(Wire::ConnectionId);
    void received(Wire::ConnectionId, const protocol::session::FromMarket&);
    void closed(Wire::ConnectionId, const Error&);

    /// The machine is there and its process runs.
    void restore();

    /// Its owner ends it: nothing happens here any more.
    void end();

    /// Nothing runs, and the process holds no attempt.
    bool at_rest() const;

private:
    /// The process that holds one attempt, and the attempt's folder.
    struct Shim {
        protocol::session::Order order;
        std::uint32_t slot = 0;
        std::uint64_t number = 0;
        bool is_alive = true;
        bool has_started = false;
        Time deadline;
        protocol::Reason fate = protocol::Reason::completed;
        Duration length{};
        std::optional<Time> started;
        std::optional<protocol::AttemptOutcome> outcome;  // what lies in the folder
    };

    protocol::Offer make_offer();
    Time clock() const { return Time{stage_.now() - boot_}; }

    // --- the process ---
    void begin_process();
    void end_process(Wire::Power);
    bool dies_here();
    void lose_power();
    void handle(const provider::Input&);
    void later(Duration, provider::Input);
    void perform_all(const provider::Effects&);
    void arm();
    std::string what_is_said() const;

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

    // --- moving bytes ---
    void fetch(LeaseId, std::vector<Hash> missing);
    void deliver(const provider::Upload&, std::size_t taken);
    market::ApiRequest request(std::string method, const Hash&, LeaseId) const;

    // --- the machine ---
    void check_room(const provider::StartShim&);
    void draw_fate(Shim&);
    void start_job(LeaseId, std::uint64_t shim);
    void watch_deadline(LeaseId, std::uint64_t shim);
    void end_job(LeaseId, std::uint64_t shim, protocol::Reason);
    void kill(LeaseId, std::uint64_t shim);
    void tell_end(LeaseId);
    Shim* find(LeaseId, std::uint64_t shim);

    // --- a dishonest one ---
    void lie();
    protocol::session::FromProvider made_up(LeaseId);

    Stage& stage_;
    Wire& wire_;
    std::uint32_t index_;
    SecretKey identity_;
    protocol::Offer offer_;
    AccountId account_;
    std::string secret_;
    ProviderId id_;
    Time boot_;
    std::map<LeaseId, Shim> shims_;  // the folders
    std::set<Hash> cached_;          // inputs, for all attempts
    std::uint64_t shims_started_ = 0;

    std::unique_ptr<provider::Provider> process_;
    std::uint64_t life_ = 0;  // what belongs to an earlier process is void
    std::optional<Wire::ConnectionId> connection_;
    std::optional<Time> armed_for_;
    LeaseId newest_;  // heard of
};

}  // namespace shoal::simulation
