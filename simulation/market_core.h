#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/signature.h"
#include "market/market.h"
#include "simulation/disk.h"
#include "simulation/facts.h"
#include "simulation/stage.h"

namespace shoal::simulation {

/// The market's process as far as it decides: the real Market, group commit, restart from the
/// journal. It keeps the contract of the real shell: what an input did leaves when everything that
/// it could have seen is durable, and a write that fails ends the process.
///
/// After each input the Facts are asked what the events broke, and the books are compared.
class MarketCore {
public:
    using Release = std::function<void()>;
    using Input = std::function<Release(const market::Moment&, market::Batch&)>;

    /// What is around the core.
    struct Surroundings {
        std::function<void(const market::ToProvider&)> message;  // is durable and leaves
        std::function<void(const protocol::Event&)> event;       // is durable
        std::function<void()> born;  // it has its state again, and decides
        std::function<void()> died;
        std::function<void()> serves;
    };

    MarketCore(Stage&, Disk&);

    void set_surroundings(Surroundings surroundings) { around_ = std::move(surroundings); }

    /// Begins, if it is not there already.
    void boot();
    void decide(const Input&);
    bool is_up() const { return market_ != nullptr; }
    /// Everything that was decided is durable.
    bool is_idle() const { return is_up() && !committing_ && open_.batch.events.empty(); }
    market::Market& market() { return *market_; }
    const market::Market& market() const { return *market_; }

    /// What the journal has for ever.
    const Facts& durable() const { return durable_; }
    const Facts& facts() const { return facts_; }
    const std::string& operator_secret() const { return operator_secret_; }
    const SecretKey& signer() const { return signer_; }

    /// How often this process began anew; what belongs to an earlier one is void.
    std::uint64_t life() const { return life_; }

    /// The journal applied to a fresh market gives the same state; the books balance; all indices
    /// agree. Gives the hash of the state.
    Hash check_at_end();

private:
    struct Open {
        market::Batch batch;
        std::vector<Release> releases;
    };

    market::Settings settings() const;
    void die();
    bool dies_here();
    void recover();
    void replay(market::Market&, std::size_t from);
    protocol::Event as_read(const protocol::Event&) const;
    void take(const Input&, const market::Moment&);
    void note_events();
    void check_books();
    void check_snapshot(const market::State&);
    void commit();
    void committed(const Status&);
    void release(Open&);
    void found(const market::Moment&, market::Batch&);
    void arm();

    Stage& stage_;
    Disk& disk_;
    SecretKey signer_;
    Surroundings around_;
    std::unique_ptr<market::Market> market_;
    Facts facts_;
    Facts durable_;
    Open open_;
    Open in_flight_;
    std::size_t noted_ = 0;     // events of the open batch that the facts have
    std::size_t messages_ = 0;  // likewise messages, of a core that sends too early
    bool committing_ = false;
    bool starting_ = false;
    std::uint64_t life_ = 0;
    std::uint64_t decisions_ = 0;
    std::optional<Time> armed_for_;
    std::string operator_secret_;
    std::uint8_t seal_ = 1;  // the number of the key that seals secrets
};

}  // namespace shoal::simulation
