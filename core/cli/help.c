/* Help, on stdout: all of it comes from the tables of options and commands. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "console/table.h"

static const struct tow_table_column help_columns[] = {{NULL, 0, 0}, {NULL, 0, 0}};

static void help_options(const char *title, const struct tow_argument *rows)
{
    struct tow_table *table = tow_table_new(help_columns, 2);

    printf("\n%s:\n", title);
    for (; rows && rows->name; rows++) {
        char letter[] = "    ";

        if (rows->letter)
            memcpy(letter, (char[]){'-', rows->letter, ',', ' '}, 4);
        tow_table_add(table, "%s--%s%s%s", letter, rows->name, rows->value ? " " : "",
                      rows->value ? rows->value : "");
        tow_table_add(table, "%s", rows->help);
    }
    tow_table_print(table, 2, stdout, NULL);
}

static void help_exit_codes(void)
{
    static const struct {
        int code;
        const char *meaning;
    } codes[] = {
        {TOW_EXIT_OK, "done"},
        {TOW_EXIT_INTERNAL, "internal error, or out of memory"},
        {TOW_EXIT_CONFIG, "wrong usage, job file or plugin"},
        {TOW_EXIT_ENVIRONMENT, "this machine or the far end: network, access, disk, output"},
        {TOW_EXIT_BALANCE, "a run's counts do not balance; the checkpoint stays"},
        {TOW_EXIT_REJECTS, "too many rows were rejected"},
        {TOW_EXIT_PARTIAL, "part of the rows went through; run again, it is safe"},
        {TOW_EXIT_LOCKED, "another run of the job is under way"},
    };

    printf("\nExit codes:\n");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        printf("  %-7d  %s\n", codes[i].code, codes[i].meaning);
    printf("  130,143  stopped by SIGINT, SIGTERM; what was done is kept\n");
}

static void help_commands(const struct tow_command *const *commands, const char *first)
{
    struct tow_table *table = tow_table_new(help_columns, 2);
    size_t length = first ? strlen(first) : 0;

    for (; *commands; commands++) {
        const char *name = (*commands)->name;

        if (first && !(strncmp(name, first, length) == 0 && name[length] == ' '))
            continue;
        tow_table_add(table, "%s%s%s", name, *(*commands)->arguments ? " " : "",
                      (*commands)->arguments);
        tow_table_add(table, "%s", (*commands)->summary);
    }
    if (!first) {
        tow_table_add(table, "help [COMMAND]");
        tow_table_add(table, "Shows this, or a command's options");
    }
    tow_table_print(table, 2, stdout, NULL);
}

int tow_help_group(const struct tow_command *const *commands, const char *first)
{
    size_t length = strlen(first);

    for (size_t i = 0; commands[i]; i++)
        if (strncmp(commands[i]->name, first, length) == 0 && commands[i]->name[length] == ' ') {
            printf("Usage: towpath %s ...\n\nCommands:\n", first);
            help_commands(commands, first);
            return 1;
        }
    return 0;
}

void tow_help_program(const struct tow_command *const *commands, const struct tow_argument *global)
{
    printf("Usage: towpath COMMAND [OPTION]... [ARGUMENT]...\n\n"
           "Moves records from a source to a sink, as a job file says; the outcome of every row\n"
           "is recorded, and a run that was cut short goes on where it stopped.\n\n"
           "Commands:\n");
    help_commands(commands, NULL);
    help_options("Options of all commands", global);
    help_exit_codes();
    printf("\nState lies in --state, else $TOWPATH_STATE, else /var/lib/towpath/state.db for root\n"
           "and $XDG_STATE_HOME/towpath/state.db for others. Plugins are looked for in\n"
           "--plugin-path, $TOWPATH_PLUGIN_PATH and the installed folder.\n"
           "\nManual pages: towpath(1), towpath-job(5), towpath-daemon(8), towpath-NAME(7) of each "
           "plugin.\n");
}

void tow_help_command(const struct tow_command *command, const struct tow_argument *global)
{
    printf("Usage: towpath %s [OPTION]...%s%s\n\n%s.\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->summary);
    if (command->about)
        printf("\n%s\n", command->about);
    if (command->options)
        help_options("Options", command->options);
    help_options("Options of all commands", global);
    help_exit_codes();
    printf("\nExample:\n%s\n", command->example);
}
