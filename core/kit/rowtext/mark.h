/*
 * Which bytes of a text a format cannot have as they stand: one bit for each byte, found by vector
 * compares.
 */
#ifndef KIT_ROWTEXT_MARK_H
#define KIT_ROWTEXT_MARK_H

#include <stddef.h>
#include <stdint.h>

/* The bytes below `below`, and four others, which may be the same. */
struct tow_mark_set {
    unsigned char below;
    char bytes[4];
};

/* Words of bits for a text, with one behind them, so that eight bytes of bits can be read from
 * where any byte's bit lies. */
#define TOW_MARK_WORDS(length) ((length) / 64 + 2)

/* Sets bit i % 64 of marks[i / 64] where byte i is of the set, clears all others of
 * TOW_MARK_WORDS(length), and returns the union of the words. Reads no byte but those of the
 * text. */
typedef uint64_t tow_mark_run(const struct tow_mark_set *set, const char *text, size_t length,
                              uint64_t *marks);

/* The fastest variant for this processor, or where `name` is not NULL, that one: "scalar", "sse2"
 * or "avx2". NULL: there is none, or this processor cannot run it. */
tow_mark_run *tow_mark_choose(const char *name);

#endif
