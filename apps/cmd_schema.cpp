#include <array>

#include <fmt/format.h>

#include "apps/commands.h"
#include "core/schema.h"
#include "market/api/openapi.h"
#include "protocol/api_market.h"
#include "protocol/receipt.h"

namespace shoal::apps {

namespace {

struct NamedSchema {
    std::string_view name;
    std::string_view meaning;
    json::Value (*make)();
};

/// What people write, in the strict form; what the market writes, as it writes it.
const std::array schemas{
    NamedSchema{"job", "the job file", market::job_schema},
    NamedSchema{"openapi", "the REST API, OpenAPI 3.1", market::openapi},
    NamedSchema{"receipt", "the receipt of a job",
                [] { return json::schema<protocol::Receipt>(json::Side::written); }},
    NamedSchema{"event", "one message of the event feed",
                [] { return json::schema<protocol::FeedItem>(json::Side::written); }},
};

}  // namespace

Result<Exit> show_schema(Context& context, const SchemaOptions& options) {
    Table names({{"SCHEMA"}, {"OF"}});
    for (const NamedSchema& one : schemas) {
        if (one.name == options.name) {
            Output::print_raw(json::print(one.make()) + "\n");
            return Exit::done;
        }
        names.add({std::string(one.name), std::string(one.meaning)});
    }
    if (options.name.empty()) {
        context.out().print(names.print(context.out().results()));
        return Exit::done;
    }
    std::vector<std::string_view> known;
    known.reserve(std::size(schemas));
    for (const NamedSchema& one : schemas) known.push_back(one.name);
    const std::string near(json::nearest(options.name, known));
    return advise({Code::invalid, fmt::format("no schema \"{}\"", options.name) +
                                      (near.empty() ? "" : "; did you mean " + near + "?")},
                  "`shoal schema` lists them.");
}

}  // namespace shoal::apps
