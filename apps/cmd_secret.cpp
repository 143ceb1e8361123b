#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include "apps/commands.h"
#include "apps/words.h"
#include "core/limits.h"
#include "core/text.h"
#include "io/files.h"
#include "protocol/job.h"

namespace shoal::apps {

namespace {

/// While it lives, what is typed is not shown.
class Silence {
public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
    }
    ~Silence() {
        if (is_quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    termios before_{};
    bool is_quiet_ = false;
};

constexpr std::size_t read_max = limits::secret_bytes_max + 2;  // and the end of a line

Error too_long() {
    return {Code::invalid, fmt::format("the value is longer than {} bytes",
                                       std::size_t{limits::secret_bytes_max})};
}

/// All of standard input; of a terminal one line.
Result<std::string> read_input(bool is_terminal) {
    std::string value;
    std::array<char, 4'096> buffer;  // filled by read
    while (value.size() <= read_max) {
        const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return io::system_error("read standard input", errno);
        value.append(buffer.data(), static_cast<std::size_t>(size));
        if (size == 0 || (is_terminal && value.ends_with('\n'))) return value;
    }
    return too_long();
}

Result<std::string> typed_value(const Output& out, const std::string& name) {
    if (::isatty(STDIN_FILENO) == 0) return read_input(false);
    const Silence silence;
    out.say(fmt::format("The value of {} (it is not shown): ", name));
    auto value = read_input(true);
    out.say("\n");
    return value;
}

/// Editors and echo end what they write with a line end, which is nobody's secret.
Result<std::string> value_of(const Output& out, const SecretOptions& options) {
    std::string value = TRY(options.file.empty() ? typed_value(out, options.name)
                                                 : io::read_file(options.file, read_max));
    if (value.ends_with('\n')) value.pop_back();
    if (value.size() > limits::secret_bytes_max) return too_long();
    if (!is_utf8(value)) return Error{Code::invalid, "the value is not UTF-8 text"};
    return value;
}

/// Names go into paths.
Status check_name(const std::string& name) {
    if (protocol::is_secret_name(name)) return Done{};
    return Error{Code::invalid,
                 "expected an environment variable's name like WANDB_KEY, and none that begins "
                 "with SHOAL_"};
}

}  // namespace

Result<Exit> set_secret(Context& context, const SecretOptions& options) {
    TRY(check_name(options.name));
    const Output& out = context.out();
    const std::string value = TRY(value_of(out, options));
    Client& client = *TRY(context.client());
    const auto set = TRY(client.set_secret(options.name, value));
    out.print_as_json(set);
    out.print(fmt::format("{} is set; a job has it with `secrets: [{}]`\n", set.name, set.name));
    out.say(
        "Jobs show it to the owners of the machines that run them: name your own pool or "
        "providers you trust.\n");
    return Exit::done;
}

Result<Exit> list_secrets(Context& context) {
    Client& client = *TRY(context.client());
    const auto secrets = TRY(client.secrets());
    const Output& out = context.out();
    out.print_as_json(secrets);
    Table table({{"SECRET"}, {"SET (UTC)"}, {"OPEN JOBS", Table::Align::right}});
    for (const protocol::SecretView& secret : secrets) {
        table.add({secret.name, to_date(secret.set), std::to_string(secret.jobs_open)});
    }
    out.print(table.empty() ? "there are no secrets" : table.print(out.results()));
    return Exit::done;
}

Result<Exit> remove_secret(Context& context, const SecretOptions& options) {
    TRY(check_name(options.name));
    Client& client = *TRY(context.client());
    const auto removed = TRY(client.remove_secret(options.name));
    context.out().print_as_json(removed);
    context.out().print(fmt::format("{} is removed", removed.name));
    return Exit::done;
}

}  // namespace shoal::apps
