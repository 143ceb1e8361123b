#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/words.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

std::string presence_of(const protocol::ProviderView& provider) {
    if (!provider.online) return "offline";
    return provider.draining ? "draining" : "online";
}

/// A: the strongest sandbox, D: none.
std::string tier_of(const protocol::ProviderView& provider) {
    switch (provider.tier) {
        case protocol::Tier::a:
            return "A";
        case protocol::Tier::b:
            return "B";
        case protocol::Tier::c:
            return "C";
        case protocol::Tier::d:
            return "D";
    }
    return "";
}

std::string facts_of(const protocol::ProviderView& provider, const Terminal& terminal) {
    Table hardware({{"HARDWARE (CLAIMED)"}, {"VALUE"}, {"KNOWN BY"}, {"FROM"}});
    for (const protocol::HardwareFact& fact : provider.hardware) {
        hardware.add({fact.name, fact.value, boost::describe::enum_to_string(fact.provenance, ""),
                      fact.source});
    }
    Table isolation({{"ISOLATION"}, {"HOLDS"}, {"DETAIL"}});
    for (const protocol::IsolationFact& fact : provider.isolation) {
        isolation.add({fact.name, fact.holds ? "yes" : "no", fact.detail});
    }
    std::string text;
    if (!hardware.empty()) text += "\n" + hardware.print(terminal);
    if (!isolation.empty()) text += "\n" + isolation.print(terminal);
    return text;
}

std::string_view standing_of(const protocol::ProviderView& one) {
    return one.hardware_is == protocol::HardwareStanding::verified ? "verified" : "claimed";
}

std::string in_words(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + to_display(name);
    return text;
}

}  // namespace

Result<Exit> list_providers(Context& context) {
    Client& client = *TRY(context.client());
    const auto providers = TRY(client.providers());
    const Output& out = context.out();
    out.print_as_json(providers);
    Table table({{"PROVIDER"},
                 {"NAME"},
                 {"STATE"},
                 {"TIER"},
                 {"CORES FREE", Table::Align::right},
                 {"MEMORY FREE", Table::Align::right},
                 {"RUNNING", Table::Align::right},
                 {"CORE HOUR", Table::Align::right},
                 {"GIB HOUR", Table::Align::right}});
    for (const protocol::ProviderView& one : providers) {
        table.add({to_string(one.provider), one.name, presence_of(one), tier_of(one),
                   fmt::format("{}/{}", one.free.cores, one.capacity.cores),
                   to_rounded(one.free.memory),
                   fmt::format("{}/{}", one.attempts_live, one.attempts_max),
                   to_credit(one.price.core_hour), to_credit(one.price.gib_hour)});
    }
    out.print(table.empty() ? "no providers; `shoal provide` makes this machine one"
                            : table.print(out.results()));
    return Exit::done;
}

Result<Exit> verify_provider(Context& context, const VerifyOptions& options) {
    const ProviderId id = TRY(id_of<ProviderTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::ProviderView one = TRY(client.verify(id, !options.revoke));
    context.out().print_as_json(one);
    context.out().print(fmt::format("{} {}: its hardware is {}", to_string(id),
                                    to_display(one.name), standing_of(one)));
    return Exit::done;
}

Result<Exit> show_provider(Context& context, const IdOptions& options) {
    const ProviderId id = TRY(id_of<ProviderTag>(options.id));
    Client& client = *TRY(context.client());
    const protocol::ProviderView one = TRY(client.provider(id));
    const Output& out = context.out();
    out.print_as_json(one);
    std::string text = fmt::format("{} {}  {}, tier {}\n", to_string(id), to_display(one.name),
                                   presence_of(one), tier_of(one));
    text += fmt::format("{} of {} cores, {} of {} memory, {} of {} disk free\n", one.free.cores,
                        one.capacity.cores, to_rounded(one.free.memory),
                        to_rounded(one.capacity.memory), to_rounded(one.free.disk),
                        to_rounded(one.capacity.disk));
    text +=
        fmt::format("{} running, {} accepted, {} failed\n", counted(one.attempts_live, "attempt"),
                    one.attempts_accepted, one.attempts_failed);
    text += fmt::format("asks {} a start, {} an hour, {} a core hour, {} a GiB hour\n",
                        to_credit(one.price.start), to_credit(one.price.hour),
                        to_credit(one.price.core_hour), to_credit(one.price.gib_hour));
    text += fmt::format("hardware {}; reputation {} %{}{}\n", standing_of(one), one.reputation,
                        one.region.empty() ? "" : "; region " + to_display(one.region),
                        one.pools.empty() ? "" : "; pools " + in_words(one.pools));
    if (one.earned) text += fmt::format("earned {}\n", to_credit(*one.earned));
    out.print(text + facts_of(one, out.results()));
    return Exit::done;
}

}  // namespace shoal::apps
