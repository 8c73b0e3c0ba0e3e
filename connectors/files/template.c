#include "connectors/files/template.h"

#include <string.h>

int tow_template_is(const char *text)
{
    return strpbrk(text, "{}") || strstr(text, "**");
}

int tow_template_is_pattern(const char *text)
{
    return strpbrk(text, "{}*?[") != NULL;
}

/* ---- one name against one segment ----------------------------------------------------------- */

enum template_place {
    PLACE_STREAM,
    PLACE_YEAR,
    PLACE_MONTH,
    PLACE_DAY,
    PLACE_HOUR,
    PLACE_NONE,
};

static const struct {
    const char *text;
    size_t digits; /* 0: any bytes */
} template_places[] = {
    [PLACE_STREAM] = {"{stream}", 0}, [PLACE_YEAR] = {"{yyyy}", 4}, [PLACE_MONTH] = {"{mm}", 2},
    [PLACE_DAY] = {"{dd}", 2},        [PLACE_HOUR] = {"{hh}", 2},
};

static enum template_place template_place(const char *text, size_t length)
{
    for (int i = 0; i < PLACE_NONE; i++) {
        size_t size = strlen(template_places[i].text);

        if (length >= size && memcmp(text, template_places[i].text, size) == 0)
            return (enum template_place)i;
    }
    return PLACE_NONE;
}

struct segment {
    const char *p, *end; /* what is left of the segment */
};

struct name {
    const char *p, *end;
};

/*
 * Names come from whoever can make a file. A star that fits nowhere in what is left would not fit
 * in less of it, so a star before it need not try the next byte; unless a place in between could
 * then have another value. Without that, each star of a template would be a power of the length.
 */
enum match {
    MATCH_NO,
    MATCH_YES,
    MATCH_NEVER /* nor behind a later byte, or a later folder, with the same values */
};

static int template_has_same(const struct tow_template_values *a,
                             const struct tow_template_values *b)
{
    return a->stream == b->stream && a->stream_length == b->stream_length && a->year == b->year &&
           a->month == b->month && a->day == b->day;
}

static enum match segment_match(struct segment segment, struct name name,
                                struct tow_template_values *values);

/* Any bytes, at least `least`; those of a stream are its value. */
static enum match segment_match_run(struct segment segment, struct name name, size_t least,
                                    int is_stream, struct tow_template_values *values)
{
    size_t length = (size_t)(name.end - name.p);
    enum match match;

    for (size_t taken = least; taken <= length; taken++) {
        struct tow_template_values tried = *values;
        const struct name rest = {name.p + taken, name.end};

        if (is_stream) {
            tried.stream = name.p;
            tried.stream_length = taken;
        }
        match = segment_match(segment, rest, &tried);
        if (match == MATCH_YES)
            *values = tried;
        if (match == MATCH_YES || (match == MATCH_NEVER && !is_stream))
            return match;
    }
    return is_stream ? MATCH_NO : MATCH_NEVER;
}

/* A stream that is there again is the same one. */
static int segment_match_stream(struct name *name, const struct tow_template_values *values)
{
    if ((size_t)(name->end - name->p) < values->stream_length ||
        memcmp(name->p, values->stream, values->stream_length) != 0)
        return 0;
    name->p += values->stream_length;
    return 1;
}

/* Digits; a date that is there twice is the same one. */
static int segment_match_digits(enum template_place place, struct name *name,
                                struct tow_template_values *values)
{
    static const int lowest[] = {
        [PLACE_YEAR] = 1, [PLACE_MONTH] = 1, [PLACE_DAY] = 1, [PLACE_HOUR] = 0};
    static const int highest[] = {
        [PLACE_YEAR] = 9999, [PLACE_MONTH] = 12, [PLACE_DAY] = 31, [PLACE_HOUR] = 23};
    int *const slots[] = {[PLACE_YEAR] = &values->year,
                          [PLACE_MONTH] = &values->month,
                          [PLACE_DAY] = &values->day,
                          [PLACE_HOUR] = NULL};
    int number = 0;

    for (size_t i = 0; i < template_places[place].digits; i++) {
        if (name->p == name->end || *name->p < '0' || *name->p > '9')
            return 0;
        number = number * 10 + (*name->p++ - '0');
    }
    if (number < lowest[place] || number > highest[place] ||
        (slots[place] && *slots[place] && *slots[place] != number))
        return 0;
    if (slots[place])
        *slots[place] = number;
    return 1;
}

static enum match segment_match_place(struct segment segment, struct name name,
                                      enum template_place place, struct tow_template_values *values)
{
    const struct tow_template_values before = *values;
    enum match match;

    segment.p += strlen(template_places[place].text);
    if (place == PLACE_STREAM && !values->stream)
        return segment_match_run(segment, name, 1, 1, values);
    if (place == PLACE_STREAM ? !segment_match_stream(&name, values)
                              : !segment_match_digits(place, &name, values))
        return MATCH_NO;
    match = segment_match(segment, name, values);
    return match == MATCH_NEVER && !template_has_same(values, &before) ? MATCH_NO : match;
}

/* "[...]" at segment->p, which is stepped over: 1 where the byte is in it. A '[' that nothing
 * closes stands for itself. */
static int segment_match_set(struct segment *segment, char byte)
{
    const char *p = segment->p + 1;
    int is_not = p < segment->end && (*p == '!' || *p == '^'), is_in = 0;
    const char *first = p += is_not;

    for (; p < segment->end && (*p != ']' || p == first); p++) {
        if (p + 2 < segment->end && p[1] == '-' && p[2] != ']') {
            is_in |= byte >= *p && byte <= p[2];
            p += 2;
        } else {
            is_in |= byte == *p;
        }
    }
    if (p >= segment->end)
        return *segment->p++ == byte;
    segment->p = p + 1;
    return is_in != is_not;
}

static enum match segment_match(struct segment segment, struct name name,
                                struct tow_template_values *values)
{
    while (segment.p < segment.end) {
        enum template_place place =
            *segment.p == '{' ? template_place(segment.p, (size_t)(segment.end - segment.p))
                              : PLACE_NONE;

        if (place != PLACE_NONE)
            return segment_match_place(segment, name, place, values);
        if (*segment.p == '*') {
            while (segment.p < segment.end && *segment.p == '*')
                segment.p++;
            return segment_match_run(segment, name, 0, 0, values);
        }
        if (name.p == name.end)
            return MATCH_NO;
        if (*segment.p == '[') {
            if (!segment_match_set(&segment, *name.p))
                return MATCH_NO;
        } else if (*segment.p++ != *name.p && segment.p[-1] != '?') {
            return MATCH_NO;
        }
        name.p++;
    }
    return name.p == name.end ? MATCH_YES : MATCH_NO;
}

static int template_match_name(const struct tow_template *template, size_t i, const char *text,
                               size_t length, struct tow_template_values *values)
{
    const struct segment segment = {template->segments[i],
                                    template->segments[i] + template->lengths[i]};
    const struct name name = {text, text + length};

    if (length > 0 && *text == '.' && (template->lengths[i] == 0 || *segment.p != '.'))
        return 0;
    return segment_match(segment, name, values) == MATCH_YES;
}

/* ---- whole paths ---------------------------------------------------------------------------- */

static int template_is_deep(const struct tow_template *template, size_t i)
{
    return template->lengths[i] == 2 && memcmp(template->segments[i], "**", 2) == 0;
}

static int template_check_places(const char *text, struct tow_error *err)
{
    for (const char *p = text; (p = strchr(p, '{')) != NULL; p++)
        if (template_place(p, strlen(p)) == PLACE_NONE)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "\"%s\" has a place that there is none of, at \"%s\": {stream}, "
                                 "{yyyy}, {mm}, {dd}, {hh}",
                                 text, p);
    return TOW_OK;
}

int tow_template_init(struct tow_template *template, const char *text, struct tow_error *err)
{
    const char *p = text;

    template->count = 0;
    for (;;) {
        const char *slash = strchrnul(p, '/');

        if (template->count == TOW_TEMPLATE_SEGMENTS_MAX)
            return tow_error_set(err, TOW_E_CONFIG, "\"%s\" has more than %d folders", text,
                                 TOW_TEMPLATE_SEGMENTS_MAX);
        template->segments[template->count] = p;
        template->lengths[template->count++] = (size_t)(slash - p);
        if (!*slash)
            break;
        p = slash + 1;
    }
    if (template_is_deep(template, template->count - 1))
        return tow_error_set(err, TOW_E_CONFIG,
                             "\"%s\" ends with \"**\": files are meant by \"**/*\"", text);
    return template_check_places(text, err);
}

static enum match template_match_from(const struct tow_template *template, size_t i,
                                      const char *path, int depth,
                                      struct tow_template_values *values);

/* "**": the rest here, or behind the next folder. What fits no folder fits none of fewer. */
static enum match template_match_deep(const struct tow_template *template, size_t i,
                                      const char *path, int depth,
                                      struct tow_template_values *values)
{
    for (;; depth++) {
        const char *slash = strchrnul(path, '/');
        enum match match = template_match_from(template, i + 1, path, depth, values);

        if (match != MATCH_NO)
            return match;
        if (!*slash || *path == '.' || depth == TOW_TEMPLATE_DEPTH_MAX)
            return MATCH_NEVER;
        path = slash + 1;
    }
}

static enum match template_match_from(const struct tow_template *template, size_t i,
                                      const char *path, int depth,
                                      struct tow_template_values *values)
{
    const char *slash = strchrnul(path, '/');
    struct tow_template_values tried = *values;
    enum match match = MATCH_YES;

    if (i == template->count)
        return MATCH_NO;
    if (template_is_deep(template, i))
        return template_match_deep(template, i, path, depth, values);
    if (!template_match_name(template, i, path, (size_t)(slash - path), &tried))
        return MATCH_NO;
    if (*slash)
        match = template_match_from(template, i + 1, slash + 1, depth, &tried);
    else if (i + 1 != template->count)
        match = MATCH_NO;
    if (match == MATCH_NEVER && !template_has_same(&tried, values))
        match = MATCH_NO;
    if (match == MATCH_YES)
        *values = tried;
    return match;
}

int tow_template_match(const struct tow_template *template, const char *path,
                       struct tow_template_values *values)
{
    *values = (struct tow_template_values){NULL, 0, 0, 0, 0};
    return template_match_from(template, 0, path, 0, values) == MATCH_YES;
}
