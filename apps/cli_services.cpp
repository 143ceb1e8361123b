// The commands that serve, and those about this installation.

#include <memory>

#include "apps/cli_help.h"
#include "apps/cli_tree.h"
#include "apps/market_server.h"
#include "apps/provide.h"
#include "apps/words.h"
#include "core/lamports.h"
#include "core/units.h"

namespace shoal::apps {

namespace {

constexpr std::uint32_t cores_max = 4'096;
constexpr std::uint32_t providers_max = 64;
constexpr std::uint32_t processes_max = 1'024;

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

Status read_size(std::string_view flag, const std::string& text, std::optional<Size>& size) {
    if (text.empty()) return Done{};
    const auto parsed = parse_size(text);
    if (!parsed.ok()) return in_flag(flag, parsed.error());
    size = parsed.value();
    return Done{};
}

Status read_price(std::string_view flag, const std::string& text, Lamports& amount) {
    if (text.empty()) return Done{};
    const auto parsed = parse_credit(text);
    if (!parsed.ok()) return in_flag(flag, parsed.error());
    amount = parsed.value();
    return Done{};
}

Result<ProvideOptions> understand(const ProvideWords& words, const Config& config) {
    ProvideOptions options = words.options;
    TRY(read_size("--memory", words.memory, options.memory));
    TRY(read_size("--disk", words.disk, options.disk));
    TRY(read_price("--price-start", words.start, options.price.start));
    TRY(read_price("--price-hour", words.hour, options.price.hour));
    TRY(read_price("--price-core-hour", words.core_hour, options.price.core_hour));
    TRY(read_price("--price-gib-hour", words.gib_hour, options.price.gib_hour));
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
    command->add_option("--data", tree.flags.data, "its folder, made if it is missing")
        ->type_name("FOLDER");
    command->add_option("--name", options.name, "the machine's name; else the host's")
        ->type_name("NAME");
    command->add_option("--cores", options.cores, "cores to rent out; else all")
        ->type_name("N")
        ->check(whole_number(1, cores_max));
    command->add_option("--memory", words->memory, "memory to rent out, like 8GiB; else most of it")
        ->type_name("SIZE");
    command->add_option("--disk", words->disk, "disk to rent out, like 50GiB; else part of it")
        ->type_name("SIZE");
    command->add_option("--attempts", options.attempts, "how many run at once; else one a core")
        ->type_name("N")
        ->check(whole_number(1, cores_max));
    command->add_option("--region", options.region, "where it stands, as buyers ask for it")
        ->type_name("NAME");
    command->add_option("--pool", options.pools, "a pool that it belongs to; may be repeated")
        ->type_name("NAME");
    command
        ->add_option("--buyer", options.buyers,
                     "take this account's jobs only; may be repeated; else anybody's")
        ->type_name("ACCOUNT");
    command->add_option("--price-start", words->start, "credit for each start")
        ->type_name("CREDIT");
    command->add_option("--price-hour", words->hour, "credit for an hour of the machine")
        ->type_name("CREDIT");
    command->add_option("--price-core-hour", words->core_hour, "credit for an hour of a core")
        ->type_name("CREDIT");
    command
        ->add_option("--price-gib-hour", words->gib_hour, "credit for an hour of a GiB of memory")
        ->type_name("CREDIT");
    run_with(tree, command, words, run_provider);
}

/// `market` as a person typed it, before it is understood.
struct MarketWords {
    MarketOptions options;
    std::string segment;
    std::string segment_age;
    std::string retention;
};

Status read_length(std::string_view flag, const std::string& text, Duration least,
                   Duration& length) {
    if (text.empty()) return Done{};
    const auto parsed = parse_span(text);
    if (!parsed.ok()) return in_flag(flag, parsed.error());
    if (parsed.value().length < least) {
        return Error{Code::invalid, std::string(flag) + ": expected at least " +
                                        to_string(Span{least}) + ", got " + text};
    }
    length = parsed.value().length;
    return Done{};
}

Status read_segment_size(const std::string& text, Size& size) {
    std::optional<Size> parsed;
    TRY(read_size("--journal-segment", text, parsed));
    if (!parsed) return Done{};
    if (*parsed < limits::journal_segment_min || *parsed > limits::journal_segment_max) {
        return Error{Code::invalid, "--journal-segment: expected " +
                                        to_string(limits::journal_segment_min) + " to " +
                                        to_string(limits::journal_segment_max) + ", got " + text};
    }
    size = *parsed;
    return Done{};
}

Result<MarketOptions> understand(const MarketWords& words, const Setting& data) {
    constexpr Duration segment_age_min{1'000};
    MarketOptions options = words.options;
    TRY(read_segment_size(words.segment, options.journal_segment));
    TRY(read_length("--journal-segment-age", words.segment_age, segment_age_min,
                    options.journal_segment_age));
    TRY(read_length("--journal-retention", words.retention, limits::journal_retention_min,
                    options.journal_retention));
    options.data = data.value;
    if (data.source != "--data") options.data /= "market";
    return options;
}

void add_journal_options(CLI::App& command, MarketWords& words) {
    command
        .add_option("--journal-segment", words.segment,
                    "close a segment of the journal at this size (64MiB)")
        ->type_name("SIZE");
    command
        .add_option("--journal-segment-age", words.segment_age,
                    "or at this age, and make a snapshot (1d)")
        ->type_name("TIME");
    command
        .add_option("--journal-retention", words.retention,
                    "keep the events behind snapshots this long (90d)")
        ->type_name("TIME");
}

void add_market(CommandTree& tree) {
    auto words = std::make_shared<MarketWords>();
    MarketOptions* options = &words->options;
    auto* command =
        add_command(tree.app, "market", "Serve a market until it is told to stop",
                    "shoal market --listen 127.0.0.1:7070\n"
                    "  shoal market --listen 0.0.0.0:443 --tls-cert c.pem --tls-key k.pem");
    command->add_option("--data", tree.flags.data, "its folder, made if it is missing")
        ->type_name("FOLDER");
    command->add_option("--listen", options->listen, "port 0: any free one")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    auto* certificate = command
                            ->add_option("--tls-cert", options->tls_certificate,
                                         "its certificate, PEM; needed beyond this machine")
                            ->type_name("FILE");
    command->add_option("--tls-key", options->tls_key, "the certificate's key")
        ->type_name("FILE")
        ->needs(certificate);
    command->add_option("--ready-fd", options->ready_fd, "")->group("");
    command->add_flag(
        "--forget-secrets", options->forgets_secrets,
        "remove accounts' secrets whose key is lost, and end the jobs that name them");
    add_journal_options(*command, *words);
    command->callback([&tree, words] {
        tree.action = [words](Context& context) -> Result<Exit> {
            return static_cast<Exit>(serve_market(TRY(understand(*words, context.config().data))));
        };
    });
}

void add_up(CommandTree& tree) {
    auto options = std::make_shared<UpOptions>();
    auto* up = add_command(tree.app, "up", "Start a market and providers on this machine",
                           "shoal up\n  shoal up --providers 2 --cores 1 --memory 1GiB");
    up->add_option("--data", tree.flags.data, "the folder for all of it")->type_name("FOLDER");
    up->add_option("--listen", options->listen, "port 0: any free one")
        ->type_name("ADDRESS:PORT")
        ->capture_default_str();
    up->add_option("--providers", options->providers, "how many providers")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(0, providers_max));
    up->add_option("--credit", options->credit, "what the buyer gets at the beginning")
        ->type_name("CREDIT")
        ->capture_default_str();
    up->add_option("--cores", options->cores, "cores that each provider rents out; else all")
        ->type_name("N")
        ->check(whole_number(1, cores_max));
    up->add_option("--memory", options->memory, "memory that each provider rents out")
        ->type_name("SIZE");
    up->add_option("--disk", options->disk, "disk that each provider rents out")->type_name("SIZE");
    up->callback([&tree, options] {
        tree.flags.makes_config = true;
        tree.action = [options](Context& context) { return start_up(context, *options); };
    });

    auto* down = add_command(tree.app, "down", "Stop what `shoal up` started", "shoal down");
    down->add_option("--data", tree.flags.data, "the folder that `shoal up` was given")
        ->type_name("FOLDER");
    down->callback([&tree] { tree.action = shut_down; });
}

void add_simulate(CommandTree& tree) {
    auto options = std::make_shared<SimulateOptions>();
    auto* command = add_command(tree.app, "simulate",
                                "Play a made-up market under faults, and check what it promises",
                                "shoal simulate --seed 7 --providers 4 --days 0.5\n"
                                "  shoal simulate --seeds 200 --cover");
    command->add_option("--seed", options->seed, "the first; a run follows from its seed")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--seeds", options->seeds, "how many, one after another")
        ->type_name("N")
        ->capture_default_str();
    command->add_option("--processes", options->processes, "so many seeds at the same time")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(1, processes_max));
    command->add_option("--providers", options->providers, "at most so many in a run")
        ->type_name("N")
        ->capture_default_str()
        ->check(whole_number(1, providers_max));
    command->add_option("--days", options->days, "of made-up time under faults")
        ->type_name("DAYS")
        ->capture_default_str();
    command->add_option("--seconds", options->seconds, "begin no new seed after this long")
        ->type_name("S");
    command->add_flag("--cover", options->covers,
                      "fail unless every event, refusal, end and fault was reached");
    command->add_option("--steps", options->steps, "steps under faults, at most")->type_name("N");
    command->add_option("--without", options->without, "a fault that is not to happen")
        ->type_name("FAULT");
    command->add_option("--plant", options->plant, "a bug to plant in the simulated shell")
        ->type_name("BUG");
    command->add_flag("--no-account", options->no_account,
                      "say which promise is broken, and no more");
    run_with(tree, command, options, simulate);
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
    add_simulate(tree);
}

}  // namespace shoal::apps
