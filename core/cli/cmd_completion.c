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

/* What a command's arguments may be, beside files: words that a shell asks towpath itself for. */
static const struct completion_words {
    const char *arguments; /* as the command has them */
    const char *name;
    const char *body; /* of a function in each of the shells */
} completion_lists[] = {
    {"NAME|FILE", "plugins", "towpath plugins list 2>/dev/null | awk 'NR > 1 { print $1 }'"},
    {"SOURCE SINK", "plugins", NULL},
    {"RUN", "runs", "towpath runs --last 50 2>/dev/null | awk 'NR > 1 { print $1 }'"},
    {"JOB", "jobs", "towpath runs --last 0 2>/dev/null | awk 'NR > 1 && !n[$2]++ { print $2 }'"},
    {"[JOB]", "jobs", NULL},
    {"bash|zsh|fish", "shells", "printf '%s\\n' bash zsh fish"},
    {NULL, NULL, NULL},
};

static const char *completion_list(const struct tow_command *command)
{
    for (const struct completion_words *list = completion_lists; list->arguments; list++)
        if (strcmp(list->arguments, command->arguments) == 0)
            return list->name;
    return NULL;
}

static int completion_takes_files(const struct tow_command *command)
{
    return strstr(command->arguments, "FILE") != NULL;
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

/* A function for each list, by a format of its name and its body. */
static void completion_put_lists(const char *format)
{
    for (const struct completion_words *list = completion_lists; list->arguments; list++) {
        const char *text = format;

        if (!list->body)
            continue;
        for (const char *value = list->name; *text; text++)
            if (text[0] == '%' && text[1] == 's') {
                fputs(value, stdout);
                value = list->body;
                text++;
            } else {
                putchar(*text);
            }
    }
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
static void completion_put_seconds(const struct tow_command *const *commands, size_t first)
{
    size_t length = strcspn(commands[first]->name, " ");

    for (size_t i = first; commands[i]; i++)
        if (strncmp(commands[i]->name, commands[first]->name, length) == 0 &&
            commands[i]->name[length] == ' ')
            printf(" %s", commands[i]->name + length + 1);
}

/* 1 where the command's only word is also the first of others: "runs", "runs show". */
static int completion_is_mixed(const struct tow_command *const *commands, size_t i)
{
    size_t length = strcspn(commands[i]->name, " ");

    for (size_t j = 0; commands[i]->name[length] == '\0' && commands[j]; j++)
        if (strncmp(commands[j]->name, commands[i]->name, length) == 0 &&
            commands[j]->name[length] == ' ')
            return 1;
    return 0;
}

static void bash_command(const struct tow_command *const *commands, size_t i,
                         const struct tow_argument *global)
{
    const struct tow_command *command = commands[i];

    printf("    \"%s\")\n", command->name);
    printf("        case $previous in\n");
    bash_values(command->options);
    printf("        esac\n        _towpath_options \"");
    completion_put_names(command->options);
    completion_put_names(global);
    const char *list = completion_list(command);
    printf("\" \"%s\" \"%s%s\" \"", completion_takes_files(command) ? "files" : "",
           list ? "_towpath_" : "", list ? list : "");
    if (completion_is_mixed(commands, i))
        completion_put_seconds(commands, i);
    printf("\" ;;\n");
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
        "    *)\n"
        "        local listed=()\n"
        "        [ -z \"$3\" ] || _towpath_words \"$($3) $4\"\n"
        "        [ -z \"$2\" ] || { listed=(\"${COMPREPLY[@]}\"); _towpath_files; "
        "COMPREPLY+=(\"${listed[@]}\"); } ;;\n"
        "    esac\n"
        "}\n",
        stdout);
    completion_put_lists("_towpath_%s() { %s; }\n");
    fputs("\n_towpath() {\n"
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
            completion_put_seconds(commands, i);
            printf("\"; return; fi ;;\n");
        } else if (completion_is_mixed(commands, i)) {
            printf("    %s) [[ \"", commands[i]->name);
            completion_put_seconds(commands, i);
            printf(" \" != *\" $second \"* ]] || command=\"$first $second\" ;;\n");
        }
    fputs("    \"\") _towpath_words \"", stdout);
    for (size_t i = 0; commands[i]; i++)
        if (completion_is_first(commands, i))
            printf(" %.*s", (int)strcspn(commands[i]->name, " "), commands[i]->name);
    printf(" help");
    completion_put_names(global);
    fputs("\"; return ;;\n    esac\n    case $command in\n", stdout);
    for (size_t i = 0; commands[i]; i++)
        bash_command(commands, i, global);
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

/* Second words behind a first one, as fish asks for them. */
static void fish_second_words(const struct tow_command *const *commands, size_t first)
{
    size_t length = strcspn(commands[first]->name, " ");
    const char *name = commands[first]->name;

    if (name[length])
        printf("complete -c towpath -n __fish_use_subcommand -f -a %.*s\n", (int)length, name);
    printf("complete -c towpath -n '__fish_seen_subcommand_from %.*s; and not "
           "__fish_seen_subcommand_from",
           (int)length, name);
    completion_put_seconds(commands, first);
    printf("' -f -a '");
    completion_put_seconds(commands, first);
    printf("'\n");
}

#define FISH_WHEN_MAX 256

/* When the command's words are on the line, and not those of a longer one. */
static void fish_when(const struct tow_command *const *commands, size_t i, char when[FISH_WHEN_MAX])
{
    static const char seen[] = "__fish_seen_subcommand_from";
    const char *name = commands[i]->name;
    size_t length = strcspn(name, " ");
    int n = snprintf(when, FISH_WHEN_MAX, "%s %.*s", seen, (int)length, name);

    if (name[length])
        snprintf(when + n, FISH_WHEN_MAX - (size_t)n, "; and %s %s", seen, name + length + 1);
    for (size_t j = 0; completion_is_mixed(commands, i) && commands[j]; j++)
        if (strncmp(commands[j]->name, name, length) == 0 && commands[j]->name[length] == ' ')
            n += snprintf(when + n, FISH_WHEN_MAX - (size_t)n, "; and not %s %s", seen,
                          commands[j]->name + length + 1);
}

static void fish_command(const struct tow_command *const *commands, size_t i)
{
    const struct tow_command *command = commands[i];
    const char *list = completion_list(command);
    char when[FISH_WHEN_MAX];

    fish_when(commands, i, when);
    if (!strchr(command->name, ' ')) {
        printf("complete -c towpath -n __fish_use_subcommand -f -a %s -d '", command->name);
        completion_put_quoted(command->summary);
        printf("'\n");
    }
    if (list || !completion_takes_files(command)) {
        printf("complete -c towpath -n '%s'%s", when, completion_takes_files(command) ? "" : " -f");
        if (list)
            printf(" -a '(__towpath_%s)'", list);
        putchar('\n');
    }
    fish_options(command->options, when);
}

static void completion_fish(const struct tow_command *const *commands,
                            const struct tow_argument *global)
{
    puts("# fish completion of towpath; printed by `towpath completion fish`.");
    completion_put_lists("function __towpath_%s; %s; end\n");
    fish_options(global, "");
    for (size_t i = 0; commands[i]; i++) {
        if ((strchr(commands[i]->name, ' ') && completion_is_first(commands, i)) ||
            completion_is_mixed(commands, i))
            fish_second_words(commands, i);
        fish_command(commands, i);
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

static void zsh_arguments(const struct tow_command *command)
{
    const char *list = completion_list(command);

    if (list && completion_takes_files(command))
        printf(" \\\n            '*:argument:{ _towpath_%s; _files }' ;;\n", list);
    else if (list)
        printf(" \\\n            '*:argument:_towpath_%s' ;;\n", list);
    else
        printf("%s ;;\n",
               completion_takes_files(command) ? " \\\n            '*:argument:_files'" : "");
}

/* First words, and for each that has them the second ones. */
static void zsh_words(const struct tow_command *const *commands)
{
    fputs("    local -a firsts=(", stdout);
    for (size_t i = 0; commands[i]; i++)
        if (completion_is_first(commands, i))
            printf("%.*s ", (int)strcspn(commands[i]->name, " "), commands[i]->name);
    fputs("help)\n    local -A seconds=(", stdout);
    for (size_t i = 0; commands[i]; i++) {
        if (!completion_is_mixed(commands, i) &&
            !(strchr(commands[i]->name, ' ') && completion_is_first(commands, i)))
            continue;
        printf(" %.*s '", (int)strcspn(commands[i]->name, " "), commands[i]->name);
        completion_put_seconds(commands, i);
        putchar('\'');
    }
    fputs(" )\n", stdout);
}

static void completion_zsh(const struct tow_command *const *commands,
                           const struct tow_argument *global)
{
    fputs("#compdef towpath\n# zsh completion of towpath; printed by `towpath completion zsh`.\n",
          stdout);
    completion_put_lists("_towpath_%s() { compadd -- $(%s) }\n");
    fputs("_towpath() {\n    local command=$words[2]\n", stdout);
    zsh_words(commands);
    fputs("    local -a behind=(${=seconds[$command]})\n"
          "    if (( CURRENT == 2 )) && [[ $command != -* ]]; then\n"
          "        compadd -a firsts\n        return\n    fi\n"
          "    if (( CURRENT == 3 )) && [[ $words[3] != -* ]]; then compadd -a behind; fi\n"
          "    (( CURRENT > 3 && $behind[(Ie)$words[3]] )) && command+=\" $words[3]\"\n"
          "    case $command in\n",
          stdout);
    for (size_t i = 0; commands[i]; i++) {
        printf("    '%s')\n        _arguments", commands[i]->name);
        zsh_options(commands[i]->options);
        zsh_options(global);
        zsh_arguments(commands[i]);
    }
    fputs("    *)\n        _arguments", stdout);
    zsh_options(global);
    fputs(" ;;\n    esac\n}\n_towpath \"$@\"\n", stdout);
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
