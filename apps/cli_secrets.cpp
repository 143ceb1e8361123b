// The commands about secrets.

#include <memory>

#include "apps/cli_tree.h"

namespace shoal::apps {

void add_secret_commands(CommandTree& tree) {
    auto* secret = add_command(tree.app, "secret", "Values that jobs see and nobody else reads",
                               "shoal secret set WANDB_KEY < key.txt\n  shoal secret list");

    auto set = std::make_shared<SecretOptions>();
    auto* command = add_command(*secret, "set", "Set a secret, from standard input or a file",
                                "shoal secret set WANDB_KEY --from key.txt");
    command->add_option("NAME", set->name, "the environment variable that jobs see")->required();
    command->add_option("--from", set->file, "the file with its value; else standard input")
        ->type_name("FILE");
    run_with(tree, command, set, set_secret);

    auto* list = add_command(*secret, "list", "List secrets: names and dates, no values",
                             "shoal secret list");
    list->callback([&tree] { tree.action = list_secrets; });

    auto removed = std::make_shared<SecretOptions>();
    auto* remove = add_command(*secret, "remove", "Remove a secret that no open job names",
                               "shoal secret remove WANDB_KEY");
    remove->add_option("NAME", removed->name, "its name")->required();
    run_with(tree, remove, removed, remove_secret);
}

}  // namespace shoal::apps
