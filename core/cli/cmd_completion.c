/* Completion scripts of shells, from the tables of commands and options that help is made of too.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* ---- what there is to complete --------------------------------------------------------------- */

/* 1 where the value is one of some words: "text|json". */
static int completion_has_choices(const struct tow_argument *option)
{
    return option->kind == TOW_ARGUMENT_CHOICE;
}

static int completion_is_folder(const char *value)
{
    return value && (strncmp(value, "DIR", 3) == 0 || strcmp(value, "FOLDER") == 0);
}

static int completion_is_file(const char *value)
{
    return value && strncmp(value, "FILE", 4) == 0;
}

/* Words with '|' between, with spaces instead. */
static void completion_put_choices(const char *choices)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an option of choices has some. */
    for (; *choices; choices++)
        putchar(*choices == '|' ? ' ' : *choices);
}

/* First words of commands, each once: 1 where this command is the first that has it. */
static int completion_is_first(const struct tow_command *const *commands, size_t i)
{
    size_t length = strcspn(commands[i]->name, " ");

    for (size_t j = 0; j < i; j++)
        if (strcspn(commands[j]->name, " ") == length &&
            strncmp(commands[j]->name, commands[i]->name, length) == 0)
            return 0;
    return 1;
}

static void completion_put_names(const struct tow_argument *options)
{
    for (; options && options->name; options++)
        if (options->kind != TOW_ARGUMENT_OTHERS)
            printf(" --%s", options->name);
}

/* Text within single quotes of any shell. */
static void completion_put_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
}

/* ---- bash ----------------------------------------------------------------------------------- */

/* What follows an option that takes a value. */
static void bash_values(const struct tow_argument *options)
{
    for (; options && options->name; options++) {
        if (!options->value || options->kind == TOW_ARGUMENT_OTHERS)
            continue;
        printf("    --%s) ", options->name);
        if (completion_has_choices(options)) {
            printf("_towpath_words \"");
            completion_put_choices(options->value);
            printf("\"");
        } else if (completion_is_folder(options->value)) {
            printf("_towpath_folders");
        } else if (completion_is_file(options->value)) {
            printf("_towpath_files");
        } else {
            printf(":");
        }
        printf("; return ;;\n");
    }
}

/* Second words behind a first one. */
static void bash_seconds(const struct tow_command *const *commands, size_t first)
{
    size_t length = strcspn(commands[first]->name, " ");

    for (size_t i = first; commands[i]; i++)
        if (strncmp(commands[i]->name, commands[first]->name, length) == 0 &&
            commands[i]->name[length] == ' ')
            printf(" %s", commands[i]->name + length + 1);
}

static void bash_command(const struct tow_command *command, const struct tow_argument *global)
{
    printf("    \"%s\")\n", command->name);
    printf("        case $previous in\n");
    bash_values(command->options);
    printf("        esac\n        _towpath_options \"");
    completion_put_names(command->options);
    completion_put_names(global);
    printf("\"%s ;;\n",
           completion_is_file(command->arguments) || strstr(command->arguments, "|FILE") ? " files"
                                                                                         : "");
}

static void completion_bash(const struct tow_command *const *commands,
                            const struct tow_argument *global)
{
    fputs(
        "# bash completion of towpath; printed by `towpath completion bash`.\n"
        "_towpath_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$current\")); }\n"
        "_towpath_files() { compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); }\n"
        "_towpath_folders() { compopt -o filenames; COMPREPLY=($(compgen -d -- \"$current\")); }\n"
        "_towpath_options() {\n"
        "    case $current in\n"
        "    -*) _towpath_words \"$1\" ;;\n"
        "    *) [ -z \"$2\" ] || _towpath_files ;;\n"
        "    esac\n"
        "}\n\n"
        "_towpath() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local first= second= i\n"
        "    COMPREPLY=()\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "        -*) case ${COMP_WORDS[i]} in\n",
        stdout);
    for (const struct tow_argument *option = global; option->name; option++)
        if (option->value)
            printf("            --%s) i=$((i + 1)) ;;\n", option->name);
    fputs("            esac ;;\n"
          "        *) if [ -z \"$first\" ]; then first=${COMP_WORDS[i]}\n"
          "           elif [ -z \"$second\" ]; then second=${COMP_WORDS[i]}; fi ;;\n"
          "        esac\n"
          "    done\n"
          "    case $previous in\n",
          stdout);
    bash_values(global);
    fputs("    esac\n    local command=$first\n    case $first in\n", stdout);
    for (size_t i = 0; commands[i]; i++)
        if (completion_is_first(commands, i) && strchr(commands[i]->name, ' ')) {
            printf("    %.*s)\n        command=\"$first $second\"\n"
                   "        if [ -z \"$second\" ]; then _towpath_words \"",
                   (int)strcspn(commands[i]->name, " "), commands[i]->name);
            bash_seconds(commands, i);
            printf("\"; return; fi ;;\n");
        }
    fputs("    \"\") _towpath_words \"", stdout);
    for (size_t i = 0; commands[i]; i++)
        if (completion_is_first(commands, i))
            printf(" %.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
    printf(" help");
    completion_put_names(global);
    fputs("\"; return ;;\n    esac\n    case $command in\n", stdout);
    for (size_t i = 0; commands[i]; i++)
        bash_command(commands[i], global);
    fputs("    esac\n}\ncomplete -F _towpath towpath\n", stdout);
}

/* ---- fish ----------------------------------------------------------------------------------- */

/* One line for each option; `when` is the condition. */
static void fish_options(const struct tow_argument *options, const char *when)
{
    for (; options && options->name; options++) {
        if (options->kind == TOW_ARGUMENT_OTHERS)
            continue;
        printf("complete -c towpath%s%s%s -l %s", *when ? " -n '" : "", when, *when ? "'" : "",
               options->name);
        if (options->letter)
            printf(" -s %c", options->letter);
        if (completion_has_choices(options)) {
            printf(" -x -a '");
            completion_put_choices(options->value);
            printf("'");
        } else if (completion_is_folder(options->value)) {
            printf(" -x -a '(__fish_complete_directories)'");
        } else if (options->value) {
            printf(completion_is_file(options->value) ? " -rF" : " -x");
        }
        printf(" -d '");
        completion_put_quoted(options->help);
        printf("'\n");
    }
}

static void fish_command(const struct tow_command *command)
{
    size_t length = strcspn(command->name, " ");
    const char *second = command->name[length] ? command->name + length + 1 : NULL;
    char when[160];

    if (second)
        printf("complete -c towpath -n '__fish_seen_subcommand_from %.*s' -a %s -d '", (int)length,
               command->name, second);
    else
        printf("complete -c towpath -n __fish_use_subcommand -f -a %s -d '", command->name);
    completion_put_quoted(command->summary);
    printf("'\n");
    if (second)
        snprintf(when, sizeof when,
                 "__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s",
                 (int)length, command->name, second);
    else
        snprintf(when, sizeof when, "__fish_seen_subcommand_from %s", command->name);
    fish_options(command->options, when);
}

static void completion_fish(const struct tow_command *const *commands,
                            const struct tow_argument *global)
{
    puts("# fish completion of towpath; printed by `towpath completion fish`.");
    fish_options(global, "");
    for (size_t i = 0; commands[i]; i++) {
        size_t length = strcspn(commands[i]->name, " ");

        if (commands[i]->name[length] && completion_is_first(commands, i))
            printf("complete -c towpath -n __fish_use_subcommand -f -a %.*s\n", (int)length,
                   commands[i]->name);
        fish_command(commands[i]);
    }
}

/* ---- zsh ------------------------------------------------------------------------------------ */

/* Text within brackets of an _arguments specification. */
static void zsh_put_help(const char *help)
{
    for (; *help; help++) {
        if (strchr("[]:\\", *help))
            putchar('\\');
        if (*help == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*help);
    }
}

static void zsh_options(const struct tow_argument *options)
{
    for (; options && options->name; options++) {
        if (options->kind == TOW_ARGUMENT_OTHERS)
            continue;
        printf(" \\\n            '%s--%s%s[", options->kind == TOW_ARGUMENT_TEXTS ? "*" : "",
               options->name, options->value ? "=" : "");
        zsh_put_help(options->help);
        putchar(']');
        if (completion_has_choices(options)) {
            printf(":value:(");
            completion_put_choices(options->value);
            putchar(')');
        } else if (options->value) {
            printf(":value:%s", completion_is_folder(options->value) ? "_files -/"
                                : completion_is_file(options->value) ? "_files"
                                                                     : " ");
        }
        putchar('\'');
    }
}

static void zsh_commands(const struct tow_command *const *commands)
{
    for (size_t i = 0; commands[i]; i++) {
        printf("        '");
        for (const char *p = commands[i]->name; *p; p++)
            putchar(*p);
        putchar(':');
        zsh_put_help(commands[i]->summary);
        printf("'\n");
    }
}

static void completion_zsh(const struct tow_command *const *commands,
                           const struct tow_argument *global)
{
    fputs(
        "#compdef towpath\n# zsh completion of towpath; printed by `towpath completion zsh`.\n"
        "_towpath() {\n    local -a commands plain\n    local command=$words[2]\n    commands=(\n",
        stdout);
    zsh_commands(commands);
    fputs("    )\n"
          "    # Commands of two words: their second word is the third of the line.\n"
          "    [[ ${(M)#commands:#$command[[:space:]]*} -gt 0 && -n $words[3] ]] && "
          "command=\"$words[2] $words[3]\"\n"
          "    if (( CURRENT == 2 )); then\n"
          "        plain=(${(u)${commands%%[: ]*}} help)\n"
          "        compadd -a plain\n        return\n    fi\n"
          "    if (( CURRENT == 3 )) && [[ ${(M)#commands:#$words[2][[:space:]]*} -gt 0 ]]; then\n"
          "        plain=(${${${(M)commands:#$words[2][[:space:]]*}#* }%%:*})\n"
          "        compadd -a plain\n        [[ $words[3] == -* ]] || return\n    fi\n"
          "    case $command in\n",
          stdout);
    for (size_t i = 0; commands[i]; i++) {
        printf("    '%s')\n        _arguments", commands[i]->name);
        zsh_options(commands[i]->options);
        zsh_options(global);
        printf(" \\\n            '*:argument:_files' ;;\n");
    }
    fputs("    esac\n}\n_towpath \"$@\"\n", stdout);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int completion_call(const struct tow_cli *cli, const void *options)
{
    const struct tow_command *const *commands = tow_cli_commands();
    const struct tow_argument *global = tow_cli_options();
    const char *shell = cli->arguments[0];

    (void)options;
    if (strcmp(shell, "bash") == 0)
        completion_bash(commands, global);
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh(commands, global);
    else if (strcmp(shell, "fish") == 0)
        completion_fish(commands, global);
    else
        return tow_cli_usage("completion", "\"%s\" is none of bash, zsh and fish", shell);
    return TOW_EXIT_OK;
}

const struct tow_command tow_cmd_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .summary = "Prints what makes a shell complete commands and options",
    .about = "`make install` puts the scripts where shells look for them.",
    .example = "  . <(towpath completion bash)",
    .argument_min = 1,
    .argument_max = 1,
    .call = completion_call,
};
