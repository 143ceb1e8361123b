// The commands that serve, and those about this installation.

#include <memory>

#include "apps/cli_tree.h"
#include "apps/market_server.h"
#include "apps/provide.h"
#include "apps/words.h"
#include "core/lamports.h"
#include "core/units.h"

namespace shoal::apps {

namespace {

/// What a person typed for `provide`, before it is understood.
struct ProvideWords {
    ProvideOptions options;
    std::string memory;
    std::string disk;
    std::string start;
    std::string hour;
    std::string core_hour;
    std::string gib_hour;
};

Status read_size(const std::string& text, std::optional<Size>& size) {
    if (!text.empty()) size = TRY(parse_size(text));
    return Done{};
}

Status read_price(const std::string& text, Lamports& amount) {
    if (!text.empty()) amount = TRY(parse_credit(text));
    return Done{};
}

Result<ProvideOptions> understand(const ProvideWords& words, const Config& config) {
    ProvideOptions options = words.options;
    TRY(read_size(words.memory, options.memory));
    TRY(read_size(words.disk, options.disk));
    TRY(read_price(words.start, options.price.start));
    TRY(read_price(words.hour, options.price.hour));
    TRY(read_price(words.core_hour, options.price.core_hour));
    TRY(read_price(words.gib_hour, options.price.gib_hour));
    options.market = config.market.value;
    // The configured key is the buyer's: a provider names its own, or has it in SHOAL_KEY.
    if (config.key_file.source == "--key-file") options.key_file = config.key_file.value;
    options.data = std::filesystem::path(config.data.value);
    if (config.data.source != "--data") options.data /= "provider";
    return options;
}

Result<Exit> run_provider(Context& context, const ProvideWords& words) {
    return static_cast<Exit>(provide(TRY(understand(words, context.config()))));
}

void add_provide(CommandTree& tree) {
    auto words = std::make_shared<ProvideWords>();
    auto* command = add_command(
        tree.app, "provide", "Rent this machine out until it is told to stop",
        "shoal provide --market https://market.example#sha256=3f… --key-file provider.key");
    ProvideOptions& options = words->options;
    command->add_option("--data", tree.flags.data, "its folder, made if it is missing");
    command->add_option("--name", options.name, "the machine's name; else the host's");
    command->add_option("--cores", options.cores, "cores to rent out; else all");
    command->add_option("--memory", words->memory,
                        "memory to rent out, like 8GiB; else most of it");
    command->add_option("--disk", words->disk, "disk to rent out, like 50GiB; else part of it");
    command->add_option("--attempts", options.attempts, "how many run at once; else one a core");
    command->add_option("--price-start", words->start, "credit for each start");
    command->add_option("--price-hour", words->hour, "credit for an hour of the machine");
    command->add_option("--price-core-hour", words->core_hour, "credit for an hour of a core");
    command->add_option("--price-gib-hour", words->gib_hour,
                        "credit for an hour of a GiB of memory");
    run_with(tree, command, words, run_provider);
}

void add_market(CommandTree& tree) {
    auto options = std::make_shared<MarketOptions>();
    auto* command =
        add_command(tree.app, "market", "Serve a market until it is told to stop",
                    "shoal market --listen 127.0.0.1:7070\n"
                    "  shoal market --listen 0.0.0.0:443 --tls-cert c.pem --tls-key k.pem");
    command->add_option("--data", tree.flags.data, "its folder, made if it is missing");
    command->add_option("--listen", options->listen, "ADDRESS:PORT; port 0 is any free one")
        ->capture_default_str();
    auto* certificate = command->add_option("--tls-cert", options->tls_certificate,
                                            "its certificate, PEM; needed beyond this machine");
    command->add_option("--tls-key", options->tls_key, "the certificate's key")->needs(certificate);
    command->add_option("--ready-fd", options->ready_fd, "")->group("");
    command->callback([&tree, options] {
        tree.action = [options](Context& context) -> Result<Exit> {
            const Setting& data = context.config().data;
            options->data = data.value;
            if (data.source != "--data") options->data /= "market";
            return static_cast<Exit>(serve_market(*options));
        };
    });
}

void add_up(CommandTree& tree) {
    auto options = std::make_shared<UpOptions>();
    auto* up = add_command(tree.app, "up", "Start a market and providers on this machine",
                           "shoal up\n  shoal up --providers 2 --cores 1 --memory 1GiB");
    up->add_option("--data", tree.flags.data, "the folder for all of it");
    up->add_option("--listen", options->listen,
                   "ADDRESS:PORT of the market; port 0 is any free one")
        ->capture_default_str();
    up->add_option("--providers", options->providers, "how many providers")
        ->capture_default_str()
        ->check(CLI::Range(0, 64));
    up->add_option("--credit", options->credit, "what the buyer gets at the beginning")
        ->capture_default_str();
    up->add_option("--cores", options->cores, "cores that each provider rents out; else all");
    up->add_option("--memory", options->memory, "memory that each provider rents out");
    up->add_option("--disk", options->disk, "disk that each provider rents out");
    run_with(tree, up, options, start_up);

    auto* down = add_command(tree.app, "down", "Stop what `shoal up` started", "shoal down");
    down->add_option("--data", tree.flags.data, "the folder that `shoal up` was given");
    down->callback([&tree] { tree.action = shut_down; });
}

}  // namespace

void add_service_commands(CommandTree& tree) {
    add_up(tree);
    add_market(tree);
    add_provide(tree);

    auto* config =
        add_command(tree.app, "config", "Every setting, and where it comes from", "shoal config");
    config->callback([&tree] { tree.action = show_config; });

    auto schema = std::make_shared<SchemaOptions>();
    auto* command = add_command(tree.app, "schema", "Print the JSON Schema of what people write",
                                "shoal schema job > job.schema.json\n  shoal schema openapi");
    command->add_option("NAME", schema->name, "job, openapi, …; absent: the names");
    run_with(tree, command, schema, show_schema);
}

}  // namespace shoal::apps
