#include "apps/completion.h"

#include <fmt/format.h>

#include "core/result.h"

namespace shoal::apps {

namespace {

/// Calls `visit(path, command)` for the command and all below it, the path in words.
template <class Visit>
void walk(const CommandShape& command, const std::string& path, const Visit& visit) {
    visit(path, command);
    for (const CommandShape& below : command.commands) {
        walk(below, path.empty() ? below.name : path + " " + below.name, visit);
    }
}

/// A text in single quotes of a shell.
std::string quoted(std::string_view text, std::string_view quote) {
    std::string result = "'";
    for (const char letter : text) {
        if (letter == '\'') {
            result += quote;
        } else {
            result += letter;
        }
    }
    return result + "'";
}

std::string words_of(const CommandShape& command) {
    std::string words;
    for (const CommandShape& below : command.commands) words += below.name + " ";
    for (const std::string& option : command.options) words += option + " ";
    if (!words.empty()) words.pop_back();
    return words;
}

/// The case branches that give the words after each path of commands.
std::string branches(const CommandShape& root) {
    std::string text;
    walk(root, "", [&](const std::string& path, const CommandShape& command) {
        text += fmt::format("        {}) words={} ;;\n", quoted(path, R"('\'')"),
                            quoted(words_of(command), R"('\'')"));
    });
    return text;
}

/// Which words are commands, so that options and their values between them do not count.
std::string paths(const CommandShape& root) {
    std::string text;
    walk(root, "", [&](const std::string& path, const CommandShape&) {
        if (!path.empty()) text += (text.empty() ? "" : "|") + quoted(path, R"('\'')");
    });
    return text;
}

std::string bash(const CommandShape& root) {
    return fmt::format(R"(# bash completion of shoal: source <(shoal completion bash)
_shoal() {{
    local path='' word next words='' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        next=${{path:+$path }}$word
        case $next in
        {}) path=$next ;;
        esac
    done
    case $path in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _shoal shoal
)",
                       paths(root), branches(root));
}

std::string zsh(const CommandShape& root) {
    return fmt::format(R"(#compdef shoal
# zsh completion of shoal: source <(shoal completion zsh)
_shoal() {{
    local path_='' word next words_='' i words_list
    for ((i = 2; i < CURRENT; i++)); do
        word=${{words[i]}}
        next=${{path_:+$path_ }}$word
        case $next in
        {}) path_=$next ;;
        esac
    done
    words_=$(_shoal_words "$path_")
    words_list=(${{=words_}})
    compadd -- $words_list
    _files
}}
_shoal_words() {{
    local words=''
    case $1 in
{}    esac
    print -r -- "$words"
}}
compdef _shoal shoal
)",
                       paths(root), branches(root));
}

std::string fish(const CommandShape& root) {
    std::string text = "# fish completion of shoal: shoal completion fish | source\n";
    walk(root, "", [&](const std::string& path, const CommandShape& command) {
        std::string condition = "__fish_use_subcommand";
        if (!path.empty()) {
            condition = "__fish_seen_subcommand_from " + path.substr(path.rfind(' ') + 1);
        }
        for (const CommandShape& below : command.commands) {
            text +=
                fmt::format("complete -c shoal -n {} -f -a {} -d {}\n", quoted(condition, R"(\')"),
                            below.name, quoted(below.meaning, R"(\')"));
        }
        for (const std::string& option : command.options) {
            if (!option.starts_with("--")) continue;
            const std::string always = path.empty() ? "" : "-n " + quoted(condition, R"(\')") + " ";
            text += fmt::format("complete -c shoal {}-l {}\n", always, option.substr(2));
        }
    });
    return text;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell, const CommandShape& root) {
    if (shell == "bash") return bash(root);
    if (shell == "zsh") return zsh(root);
    if (shell == "fish") return fish(root);
    return Error{Code::invalid, fmt::format(R"(expected bash, zsh or fish, got "{}")", shell)};
}

}  // namespace shoal::apps
