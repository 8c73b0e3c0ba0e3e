#include "config/source/source_text.h"

#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/file.h"
#include "config/others.h"
#include "config/source/brackets.h"
#include "config/source/lexer.h"
#include "config/source/number_check.h"
#include "towpath/value.h"

/* A file that is being read, and the chain of those that include it. */
struct source_file {
    const struct source_file *includer;
    struct stat info;
    const char *name;
    const char *copy; /* what is read in its place; NULL: itself */
    struct tow_text text;
    const char *copied;        /* up to here the text is in the source */
    char key[TOW_EXCERPT_MAX]; /* whose value the next token may be; "" where that is not known */
    int long_string;           /* line of the last string that runs over several; 0: none */
    int depth;
    struct tow_brackets brackets;
};

struct source_reader {
    struct tow_source *source;
    struct tow_pool *names;
    struct tow_diags *diags;
    struct tow_error *err;
    int lines;    /* newlines in source->text */
    int files;    /* read so far */
    size_t bytes; /* likewise */
};

static int source_read_file(struct source_reader *reader, struct source_file *file,
                            const struct tow_place *from);

/* ---- putting the text together -------------------------------------------------------------- */

static int source_append(struct source_reader *reader, const char *bytes, size_t length)
{
    const char *end = bytes + length;

    if (tow_text_append(&reader->source->text, bytes, length))
        return tow_error_nomem(reader->err);
    while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes)))) {
        reader->lines++;
        bytes++;
    }
    return TOW_OK;
}

/* What is appended next stands at that line of the file. Called at the start of a line. */
static int source_start_part(struct source_reader *reader, const char *file, int line)
{
    struct tow_source *source = reader->source;

    if (source->part_count == source->part_capacity) {
        size_t capacity = source->part_capacity ? source->part_capacity * 2 : 8;
        struct tow_source_part *parts =
            reallocarray(source->parts, capacity, sizeof *source->parts);

        if (!parts)
            return tow_error_nomem(reader->err);
        source->parts = parts;
        source->part_capacity = capacity;
    }
    source->parts[source->part_count++] = (struct tow_source_part){reader->lines + 1, file, line};
    return TOW_OK;
}

static int source_copy_until(struct source_reader *reader, struct source_file *file,
                             const char *end)
{
    int rc = source_append(reader, file->copied, (size_t)(end - file->copied));

    file->copied = end;
    return rc;
}

/* ---- includes ------------------------------------------------------------------------------- */

/* The path between the quotes of an include token. */
static int source_unquote(const struct tow_token *token, struct tow_text *path)
{
    const char *p = (const char *)memchr(token->start, '"', token->length) + 1;
    const char *end = token->start + token->length - 1;

    for (; p < end; p++) {
        if (*p == '\\' && (p[1] == '\\' || p[1] == '"'))
            p++;
        if (tow_text_append(path, p, 1))
            return TOW_E_NOMEM;
    }
    return tow_text_append(path, "", 0) ? TOW_E_NOMEM : TOW_OK;
}

/* The name of the file that the token includes, in the pool of names. */
static int source_include_name(struct source_reader *reader, const struct source_file *file,
                               const struct tow_token *token, const char **name)
{
    struct tow_text path = {0};
    const char *slash = strrchr(file->name, '/');
    char *dir = strndup(file->name, slash ? (size_t)(slash - file->name) + 1 : 0);
    char *resolved = NULL;
    int rc = dir ? source_unquote(token, &path) : TOW_E_NOMEM;

    if (!rc)
        rc = tow_path_resolve(path.bytes, dir, &resolved, reader->err);
    if (!rc && !(*name = tow_pool_text(reader->names, resolved, strlen(resolved))))
        rc = TOW_E_NOMEM;
    free(resolved);
    free(dir);
    tow_text_release(&path);
    return rc == TOW_E_NOMEM ? tow_error_nomem(reader->err) : rc;
}

static int source_include(struct source_reader *reader, struct source_file *file,
                          const struct tow_token *token)
{
    struct source_file included = {
        .includer = file,
        .depth = file->depth + 1,
        .brackets.outer = file->brackets.outer + file->brackets.depth,
    };
    struct tow_place from = {file->name, token->line};
    int rc = source_copy_until(reader, file, token->start);

    /* The including line goes on behind the directive; the included text has lines of its own. */
    if (!rc)
        rc = source_append(reader, "\n", 1);
    file->copied = token->start + token->length;
    if (!rc)
        rc = source_include_name(reader, file, token, &included.name);
    if (rc == TOW_E_CONFIG) {
        reader->source->incomplete = 1;
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, from.file, from.line, "@include: %s",
                      reader->err->message);
        rc = TOW_OK;
    } else if (!rc) {
        rc = source_read_file(reader, &included, &from);
    }
    if (!rc)
        rc = source_start_part(reader, file->name, token->line);
    tow_text_release(&included.text);
    return rc;
}

static int source_is_open(const struct source_file *file)
{
    const struct source_file *outer = file->includer;

    while (outer &&
           (outer->info.st_dev != file->info.st_dev || outer->info.st_ino != file->info.st_ino))
        outer = outer->includer;
    return outer != NULL;
}

/* ---- looking at the words ------------------------------------------------------------------- */

static void source_check_string(struct source_reader *reader, struct source_file *file,
                                const struct tow_token *token)
{
    const char *end = token->start + token->length;
    const char *p = token->start;

    if (memchr(p, '\n', token->length))
        file->long_string = token->line;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        if (end - p > 4 && (p[1] == 'x' || p[1] == 'X') && p[2] == '0' && p[3] == '0')
            tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, token->line,
                          "%s%sa string cannot hold \\x00", file->key, *file->key ? ": " : "");
        p += 2;
    }
}

/* The word may be a secret: only its key is shown. */
static void source_bad_word(struct source_reader *reader, const struct source_file *file,
                            const struct tow_token *token)
{
    tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, token->line,
                  "%s%sthe value is no number; text needs quotes: \"...\"", file->key,
                  *file->key ? ": " : "");
    reader->source->unreadable = 1;
}

static void source_unclosed(struct source_reader *reader, const struct source_file *file,
                            const struct tow_token *token)
{
    reader->source->unreadable = 1;
    if (*token->start == '/')
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, token->line,
                      "the comment that starts here is never closed by '*/'");
    else if (file->long_string)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, token->line,
                      "the string that starts here is never closed; is a quote missing in line "
                      "%d, whose string runs over several lines?",
                      file->long_string);
    else
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, token->line,
                      "the string that starts here is never closed");
}

static int source_token(struct source_reader *reader, struct source_file *file,
                        const struct tow_token *token)
{
    int rc;

    switch (token->kind) {
    case TOW_TOKEN_INCLUDE:
        return source_include(reader, file, token);
    case TOW_TOKEN_INTEGER:
    case TOW_TOKEN_FLOAT:
        if (!tow_number_check(token, file->key, file->name, reader->diags))
            return TOW_OK;
        /* With the suffix put in, later findings show the number that stands in the file. */
        rc = source_copy_until(reader, file, token->start + token->length);
        return rc ? rc : source_append(reader, "L", 1);
    case TOW_TOKEN_NAME:
        tow_excerpt(token->start, token->length, file->key);
        return TOW_OK;
    case TOW_TOKEN_CLOSE:
        *file->key = '\0';
        return TOW_OK;
    case TOW_TOKEN_STRING:
        source_check_string(reader, file, token);
        return TOW_OK;
    case TOW_TOKEN_BAD_WORD:
        source_bad_word(reader, file, token);
        return TOW_OK;
    case TOW_TOKEN_UNCLOSED:
        source_unclosed(reader, file, token);
        return TOW_OK;
    default:
        return TOW_OK;
    }
}

static int source_scan(struct source_reader *reader, struct source_file *file)
{
    struct tow_lexer lexer;
    struct tow_token token;
    int rc;

    file->brackets.file = file->name;
    file->brackets.diags = reader->diags;
    tow_lexer_init(&lexer, file->copied,
                   (size_t)(file->text.bytes + file->text.length - file->copied));
    do {
        tow_lexer_next(&lexer, &token);
        rc = source_token(reader, file, &token);
        /* Whatever brackets stand behind an open string were taken for its text. */
        if (!rc && token.kind == TOW_TOKEN_UNCLOSED)
            break;
        if (!rc && tow_brackets_take(&file->brackets, &token)) {
            reader->source->unreadable = 1;
            break;
        }
    } while (!rc && token.kind != TOW_TOKEN_END);
    return rc;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* Bytes that no text holds. 1 where there are none. */
static int source_check_bytes(struct source_reader *reader, const struct source_file *file)
{
    const char *bytes = file->text.bytes;
    size_t good = tow_utf8_prefix(bytes, file->text.length);
    const char *nul = memchr(bytes, '\0', file->text.length);
    int line = 1;

    if (nul)
        good = good < (size_t)(nul - bytes) ? good : (size_t)(nul - bytes);
    if (good == file->text.length)
        return 1;
    for (const char *p = bytes; p < bytes + good; p++)
        line += *p == '\n';
    tow_diags_add(reader->diags, TOW_DIAG_ERROR, file->name, line,
                  "byte 0x%02x is no text; job files are UTF-8", (unsigned char)bytes[good]);
    reader->source->unreadable = 1;
    return 0;
}

static void source_refuse_file(struct source_reader *reader, const struct source_file *file,
                               const struct tow_place *from, struct tow_error *found)
{
    reader->source->incomplete = 1;
    if (from) {
        tow_error_prefix(found, "@include \"%s\"", file->name);
        tow_diags_found(reader->diags, from->file, from->line, found);
        return;
    }
    tow_diags_found(reader->diags, file->name, 0, found);
    reader->source->unreadable = 1;
}

/* Fills file->text; found says why the file cannot be taken, where it cannot. */
static int source_load(struct source_reader *reader, struct source_file *file,
                       struct tow_error *found)
{
    if (file->depth > TOW_SOURCE_INCLUDE_MAX)
        return tow_error_set(found, TOW_E_CONFIG, "includes lie more than 10 deep in each other");
    if (++reader->files > TOW_SOURCE_FILES_MAX)
        return tow_error_set(found, TOW_E_CONFIG, "the job includes more than 256 files");
    int rc = tow_file_read(file->copy ? file->copy : file->name, TOW_SOURCE_BYTES_MAX, &file->text,
                           &file->info, found);
    reader->bytes += file->text.length;
    if (!rc && reader->bytes > TOW_SOURCE_BYTES_MAX)
        rc = tow_error_set(found, TOW_E_CONFIG, "job file and includes have more than 4096 KiB");
    if (!rc && source_is_open(file))
        rc = tow_error_set(found, TOW_E_CONFIG, "the file includes itself");
    return rc;
}

/* A copy is the work of whoever handed it over, who has looked at the file. */
static void source_check_writers(const struct source_reader *reader, const struct source_file *file)
{
    char who[TOW_OTHERS_MAX];

    if (!file->copy && tow_others_write(&file->info, who))
        tow_diags_add(reader->diags, TOW_DIAG_WARNING, file->name, 0,
                      "%s, and so decides what runs; chmod go-w it", who);
}

static int source_read_file(struct source_reader *reader, struct source_file *file,
                            const struct tow_place *from)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct tow_error found = TOW_ERROR_INIT;
    int rc = source_load(reader, file, &found);

    if (rc == TOW_E_NOMEM)
        return tow_error_nomem(reader->err);
    if (rc) {
        source_refuse_file(reader, file, from, &found);
        return TOW_OK;
    }
    source_check_writers(reader, file);
    if (file->text.length == 0 || !source_check_bytes(reader, file))
        return TOW_OK;
    file->copied = file->text.bytes;
    if (strncmp(file->copied, byte_order_mark, strlen(byte_order_mark)) == 0)
        file->copied += strlen(byte_order_mark);
    rc = source_start_part(reader, file->name, 1);
    if (!rc)
        rc = source_scan(reader, file);
    if (!rc)
        rc = source_copy_until(reader, file, file->text.bytes + file->text.length);
    /* A last line without end would swallow what follows, and libconfig wants one behind '#'. */
    if (!rc)
        rc = source_append(reader, "\n", 1);
    return rc;
}

int tow_source_read(struct tow_source *source, const char *path, struct tow_pool *names,
                    struct tow_diags *diags, struct tow_error *err)
{
    return tow_source_read_copy(source, path, NULL, names, diags, err);
}

int tow_source_read_copy(struct tow_source *source, const char *path, const char *copy,
                         struct tow_pool *names, struct tow_diags *diags, struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    struct source_reader reader = {.source = source, .names = names, .diags = diags, .err = &own};
    struct source_file file = {.name = tow_pool_text(names, path, strlen(path)), .copy = copy};
    int rc;

    *source = (struct tow_source){0};
    if (!file.name)
        return tow_error_nomem(err);
    rc = source_read_file(&reader, &file, NULL);
    tow_text_release(&file.text);
    return rc ? tow_error_nomem(err) : TOW_OK;
}

void tow_source_release(struct tow_source *source)
{
    tow_text_release(&source->text);
    free(source->parts);
    *source = (struct tow_source){0};
}

struct tow_place tow_source_place(const struct tow_source *source, int line)
{
    size_t low = 0, high = source->part_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (source->parts[middle].first_line <= line)
            low = middle;
        else
            high = middle;
    }
    if (low >= source->part_count)
        return (struct tow_place){NULL, 0};
    return (struct tow_place){source->parts[low].file,
                              source->parts[low].line + line - source->parts[low].first_line};
}
