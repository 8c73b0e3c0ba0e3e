/* Positions and documents: the index against a reading byte by byte, the reader of documents
 * against the kit's own JSON functions, over random and damaged text. */
#include "connectors/events/document.h"
#include "guard.h"
#include "random.h"
#include "towpath/value.h"
#include "unit.h"

#define TEXT_MAX 9000
#define ROUNDS   60000

static const char *const variants[] = {"avx2", "sse2", "scalar"};

/* NULL where this processor cannot run it. */
static tow_json_index_more *variant(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    tow_json_index_more *more = tow_json_index_choose(name, &err);

    if (!more)
        assert_int_equal(err.code, TOW_E_UNSUPPORTED);
    return more;
}

/* ---- text ----------------------------------------------------------------------------------- */

struct text {
    uint64_t seed;
    char bytes[TEXT_MAX + 256];
    size_t length;
};

static void put(struct text *text, const char *bytes)
{
    size_t length = strlen(bytes);

    if (text->length + length <= TEXT_MAX) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
    }
}

static const char *any(struct text *text, const char *const *choices, size_t count)
{
    return choices[random_below(&text->seed, count)];
}

#define ANY(text, ...)                            \
    any(text, (const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *const))

static void put_space(struct text *text)
{
    put(text, ANY(text, "", "", "", "", " ", "\t", "  ", "\r"));
}

static void put_string(struct text *text)
{
    put(text, "\"");
    for (uint64_t n = random_below(&text->seed, 6); n > 0; n--)
        put(text, ANY(text, "a", "bcdefghijklmnopqrstuvwxyz0123456789", "\\\"", "\\\\", "\\u00e9",
                      "{", "}", "[,]", ":", "\xC3\xA9", " ", "\\n", "\\\\\\\\\\\"", ""));
    put(text, "\"");
}

static void put_value(struct text *text, int depth)
{
    static const char *const scalars[] = {
        "0", "-1", "12.50", "1e5", "-0.1E-7", "true", "false", "null", "7076027172059065053"};
    uint64_t kind = random_below(&text->seed, depth > 0 ? 5 : 2);

    put_space(text);
    if (kind == 0)
        put_string(text);
    else if (kind == 1)
        put(text, any(text, scalars, sizeof scalars / sizeof *scalars));
    else
        put(text, kind == 2 ? "[" : "{");
    for (uint64_t n = kind < 2 ? 0 : random_below(&text->seed, 5), i = 0; i < n; i++) {
        if (i)
            put(text, ",");
        if (kind > 2) {
            put_space(text);
            put(text, ANY(text, "\"id\"", "\"data\"", "\"\"", "\"longer name\"", "\"d\\u0061ta\"",
                          "\"k\"", "\"stream\""));
            put_space(text);
            put(text, ":");
        }
        put_value(text, depth - 1);
        put_space(text);
    }
    if (kind >= 2)
        put(text, kind == 2 ? "]" : "}");
    put_space(text);
}

/* Bytes that matter, in places where they hurt. */
static void damage(struct text *text)
{
    for (uint64_t n = random_below(&text->seed, 3); n > 0 && text->length > 0; n--) {
        size_t at = random_below(&text->seed, text->length);

        if (random_below(&text->seed, 4) == 0)
            text->length = at + 1;
        else
            text->bytes[at] =
                "\"\\{}[]:, \t\n\r\x01\x0c\x1a\xff\xc3tn-0."[random_below(&text->seed, 22)];
    }
}

/* ---- the index ------------------------------------------------------------------------------ */

struct found {
    uint32_t at[TEXT_MAX];
    size_t count;
    int in_string, high, backslash, control;
};

/* The contract, a byte at a time. */
static void index_simply(struct found *found, const char *text, size_t length)
{
    int in_string = 0, escaped = 0, in_scalar = 0;

    memset(found, 0, sizeof *found);
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        int is_escaped = escaped;
        int is_quote = byte == '"' && !is_escaped;
        int is_space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
        int is_bracket = byte && strchr("{}[]:,", byte) != NULL;

        escaped = byte == '\\' && !is_escaped;
        found->high |= (unsigned char)byte >= 0x80;
        found->backslash |= byte == '\\';
        if (in_string) {
            found->control |= (unsigned char)byte < 0x20;
            in_string = !is_quote;
            in_scalar = 0;
            continue;
        }
        if (is_bracket || (!is_space && !in_scalar))
            found->at[found->count++] = (uint32_t)i;
        in_string = is_quote;
        in_scalar = !is_quote && !is_space && !is_bracket;
    }
    found->in_string = in_string;
}

static void index_by(struct found *found, tow_json_index_more *more, const char *text,
                     size_t length)
{
    static struct tow_json_index index;

    memset(found, 0, sizeof *found);
    tow_json_index_begin(&index, text, length);
    while (more(&index)) {
        for (uint32_t i = 0; i < index.count; i++) {
            /* They stand for comma and colon in the quick look, and are neither. */
            if (text[index.at[i]] != 0x0C && text[index.at[i]] != 0x1A)
                found->at[found->count++] = index.at[i];
        }
    }
    found->in_string = index.in_string != 0;
    found->high = index.high != 0;
    found->backslash = index.backslash != 0;
    found->control = index.control != 0;
}

static void test_every_index_finds_what_a_simple_one_finds(void **state)
{
    static struct text text = {.seed = RANDOM_SEED};
    static struct found wanted, found;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        text.length = 0;
        while (text.length < random_below(&text.seed, 300))
            put(&text,
                ANY(&text, "\"", "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "a", "1", "\\\\",
                    "\xC3\xA9", "\x01", "\"abc\"", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        index_simply(&wanted, text.bytes, text.length);
        for (size_t i = 0; i < 3; i++) {
            tow_json_index_more *more = variant(variants[i]);

            if (!more)
                continue;
            index_by(&found, more, text.bytes, text.length);
            assert_int_equal(found.count, wanted.count);
            assert_memory_equal(found.at, wanted.at, wanted.count * sizeof *wanted.at);
            assert_int_equal(found.in_string, wanted.in_string);
            assert_int_equal(found.high, wanted.high);
            assert_int_equal(found.backslash, wanted.backslash);
            assert_int_equal(found.control, wanted.control);
        }
    }
}

/* A text of more than one piece, each of its bytes a part. */
static void test_a_text_may_be_nothing_but_brackets(void **state)
{
    static char text[3 * TOW_JSON_INDEX_BYTES + 64];
    static struct tow_json_index index;
    size_t count = 0;

    (void)state;
    memset(text, '[', sizeof text);
    for (size_t i = 0; i < 3; i++) {
        tow_json_index_more *more = variant(variants[i]);

        if (!more)
            continue;
        tow_json_index_begin(&index, text, 3 * TOW_JSON_INDEX_BYTES);
        for (count = 0; more(&index); count += index.count)
            assert_int_equal(index.at[0], count);
        assert_int_equal(count, 3 * TOW_JSON_INDEX_BYTES);
    }
}

static void test_an_unknown_index_is_refused(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_null(tow_json_index_choose("mmx", &err));
    assert_int_equal(err.code, TOW_E_CONFIG);
    assert_says(err, "\"mmx\"");
    assert_non_null(tow_json_index_choose(NULL, &err));
}

/* ---- documents ------------------------------------------------------------------------------ */

static void want(struct tow_document *document, tow_json_index_more *more)
{
    memset(document, 0, sizeof *document);
    document->more = more;
    tow_document_want(document, "id");
    tow_document_want(document, "data");
    tow_document_want(document, "nobody has this one");
}

/* The members by the kit's walker; 0 where a wanted one is doubled. */
static int find_simply(const char *text, size_t length, struct tow_json_part found[2])
{
    static const char *const names[] = {"id", "data"};
    struct tow_json_part whole = {text, length}, key, value;
    struct tow_json_scan scan;
    struct tow_buffer name = {0};
    int is_sound = 1;

    found[0] = found[1] = (struct tow_json_part){NULL, 0};
    if (!tow_json_scan_object(&scan, whole))
        return -1;
    while (tow_json_scan_member(&scan, &key, &value)) {
        name.size = 0;
        if (tow_json_unescape(&name, key, NULL) != TOW_OK)
            continue;
        for (int i = 0; i < 2; i++) {
            if (name.size != strlen(names[i]) || memcmp(name.data, names[i], name.size) != 0)
                continue;
            is_sound = is_sound && !found[i].text;
            found[i] = value;
        }
    }
    tow_buffer_release(&name);
    return is_sound;
}

static void compare(struct tow_document *document, const struct text *text,
                    enum tow_document_verdict verdict)
{
    int is_json = tow_json_valid(text->bytes, text->length, TOW_DOCUMENT_DEPTH_MAX);
    struct tow_json_part found[2];
    int sound = is_json ? find_simply(text->bytes, text->length, found) : -1;

    if (verdict == TOW_DOCUMENT_OK) {
        assert_int_equal(sound, 1);
        for (int i = 0; i < 2; i++) {
            assert_ptr_equal(document->found[i].text, found[i].text);
            assert_int_equal(document->found[i].length, found[i].length);
        }
        assert_null(document->found[2].text);
        assert_int_equal(document->whole.text[document->whole.length - 1], '}');
    } else if (verdict == TOW_DOCUMENT_NOT_OBJECT) {
        assert_true(!is_json || sound == -1);
    } else if (verdict == TOW_DOCUMENT_DOUBLED) {
        /* It stops there, before the rest is known to be sound. */
        assert_true(!is_json || sound == 0);
    } else {
        assert_false(is_json);
    }
    assert_true(document->fault <= text->length);
}

static void test_documents_are_read_as_the_kit_reads_them(void **state)
{
    static struct text text = {.seed = RANDOM_SEED};
    static struct tow_document document;
    int counts[TOW_DOCUMENT_NOMEM] = {0};

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        tow_json_index_more *more = variant(variants[round % 3]);
        enum tow_document_verdict verdict;

        if (!more)
            continue;
        text.length = 0;
        put_value(&text, 5);
        if (round % 2)
            damage(&text);
        want(&document, more);
        verdict = tow_document_read(&document, text.bytes, text.length);
        compare(&document, &text, verdict);
        counts[verdict]++;
        tow_document_release(&document);
    }
    assert_true(counts[TOW_DOCUMENT_OK] > ROUNDS / 20);
    assert_true(counts[TOW_DOCUMENT_NOT_JSON] > ROUNDS / 20);
    assert_true(counts[TOW_DOCUMENT_NOT_OBJECT] > 100);
    assert_true(counts[TOW_DOCUMENT_DOUBLED] > 100);
    assert_true(counts[TOW_DOCUMENT_NOT_UTF8] > 10);
}

static enum tow_document_verdict read_text(const char *text, size_t *fault)
{
    static struct tow_document document;
    char *guard = guard_new();
    enum tow_document_verdict verdict;
    char *copy = guard_end(guard, strlen(text) + TOW_JSON_INDEX_SLACK);

    memcpy(copy, text, strlen(text));
    memset(copy + strlen(text), '"', TOW_JSON_INDEX_SLACK);
    want(&document, tow_json_index_choose(NULL, NULL));
    verdict = tow_document_read(&document, copy, strlen(text));
    *fault = document.fault;
    tow_document_release(&document);
    guard_free(guard);
    return verdict;
}

static void test_a_document_says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text;
        enum tow_document_verdict verdict;
        size_t fault;
    } cases[] = {
        {"", TOW_DOCUMENT_NOT_JSON, 0},
        {"  ", TOW_DOCUMENT_NOT_JSON, 0},
        {"{}", TOW_DOCUMENT_OK, 0},
        {"[1]", TOW_DOCUMENT_NOT_OBJECT, 0},
        {" 12", TOW_DOCUMENT_NOT_OBJECT, 1},
        {"abc", TOW_DOCUMENT_NOT_JSON, 0},
        {"{\"a\":1", TOW_DOCUMENT_NOT_JSON, 6},
        {"{\"a\" 1}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":01}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":1.}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":+1}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":1e}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":nul}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":nulls}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":1\"b\"}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\":\"b\"c}", TOW_DOCUMENT_NOT_JSON, 8},
        {"{\"a\":1]", TOW_DOCUMENT_NOT_JSON, 6},
        {"{\"a\":[1}", TOW_DOCUMENT_NOT_JSON, 7},
        {"{\"a\":1,}", TOW_DOCUMENT_NOT_JSON, 7},
        {"{,}", TOW_DOCUMENT_NOT_JSON, 1},
        {"{a:1}", TOW_DOCUMENT_NOT_JSON, 1},
        {"{} {}", TOW_DOCUMENT_NOT_JSON, 3},
        {"{\"a\":\"\\x\"}", TOW_DOCUMENT_NOT_JSON, 6},
        {"{\"a\":\"\\u12g4\"}", TOW_DOCUMENT_NOT_JSON, 6},
        {"{\"a\":\"\t\"}", TOW_DOCUMENT_NOT_JSON, 0},
        {"{\"a\":\"b}", TOW_DOCUMENT_NOT_JSON, 8},
        {"{\"a\x0c\"b\"}", TOW_DOCUMENT_NOT_JSON, 5},
        {"{\"a\"\x1a\"b\"}", TOW_DOCUMENT_NOT_JSON, 4},
        {"{\"id\":1,\"i\\u0064\":2}", TOW_DOCUMENT_DOUBLED, 17},
        {"{\"a\":\"\xff\"}", TOW_DOCUMENT_NOT_UTF8, 6},
        {"{\"a\":\"\xed\xa0\x80\"}", TOW_DOCUMENT_NOT_UTF8, 6},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t fault;

        if (read_text(cases[i].text, &fault) != cases[i].verdict ||
            (cases[i].verdict != TOW_DOCUMENT_OK && fault != cases[i].fault))
            fail_msg("%s: verdict %d, fault %zu", cases[i].text,
                     (int)read_text(cases[i].text, &fault), fault);
    }
}

static void test_depth_is_bounded(void **state)
{
    char text[2 * TOW_DOCUMENT_DEPTH_MAX + 32];
    size_t fault;

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        int inner = TOW_DOCUMENT_DEPTH_MAX - 1 + extra;

        strcpy(text, "{\"a\":");
        memset(text + 5, '[', (size_t)inner);
        memset(text + 5 + inner, ']', (size_t)inner);
        strcpy(text + 5 + 2 * inner, "}");
        assert_int_equal(read_text(text, &fault), extra ? TOW_DOCUMENT_TOO_DEEP : TOW_DOCUMENT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_index_finds_what_a_simple_one_finds),
        cmocka_unit_test(test_a_text_may_be_nothing_but_brackets),
        cmocka_unit_test(test_an_unknown_index_is_refused),
        cmocka_unit_test(test_documents_are_read_as_the_kit_reads_them),
        cmocka_unit_test(test_a_document_says_what_is_wrong_and_where),
        cmocka_unit_test(test_depth_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
