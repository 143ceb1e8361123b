#include <fmt/format.h>

#include "apps/commands.h"

namespace shoal::apps {

Result<Client*> Context::client() {
    if (client_) return client_.get();
    auto market = io::parse_base_url(config_.market.value);
    if (!market.ok()) {
        return advise({Code::invalid, fmt::format("{} ({}): {}", config_.market.value,
                                                  config_.market.source, market.error().what)},
                      "A market's address is like http://127.0.0.1:7070 or "
                      "https://market.example#sha256=PIN.");
    }
    std::string key = TRY(load_key(config_, environment_));
    client_ = std::make_unique<Client>(std::move(market).value(), std::move(key));
    return client_.get();
}

namespace {

/// Where the key comes from, without the key.
Setting key_source(const Config& config, const Environment& environment) {
    const bool has_key = !environment("SHOAL_KEY").empty();
    Setting key{"key", "none", "default", "what requests are authorised by"};
    if (has_key && config.key_file.source != "--key-file") {
        key.value = "(hidden)";
        key.source = "SHOAL_KEY";
    } else if (!config.key_file.value.empty()) {
        key.value = "(in the key file)";
        key.source = config.key_file.source;
    }
    return key;
}

}  // namespace

Result<Exit> show_config(Context& context) {
    std::vector<Setting> settings = context.config().all();
    settings.push_back(key_source(context.config(), context.environment()));
    Table table({{"SETTING"}, {"VALUE"}, {"FROM"}, {"MEANING"}});
    boost::json::object shown;
    for (const Setting& setting : settings) {
        const bool is_file = setting.source == context.config().file.value;
        table.add({setting.name, setting.value.empty() ? "-" : setting.value,
                   is_file ? "config file" : setting.source, setting.meaning});
        shown[setting.name] = {{"value", setting.value}, {"from", setting.source}};
    }
    context.out().print(table.print(context.out().results()));
    context.out().print_json(shown);
    return Exit::done;
}

}  // namespace shoal::apps
