/*
 * Words in options of the sink and the results: whose they are, what they stand for offline, and
 * what the source says when it is open (towpath/plugin.h, `names`).
 *
 * Words are asked for once a load, and kept in the job's ledger: a load that goes on has those of
 * before, a replay those of the job's last load.
 */
#ifndef CORE_RUN_ASSEMBLY_WORDS_H
#define CORE_RUN_ASSEMBLY_WORDS_H

#include "run/assembly/assembly.h"
#include "run/host.h"

struct run;

/* Fills assembly->words: each word that the source offers stands for itself. */
void words_stand_in(struct tow_assembly *assembly);

/* Of an instance of a section that words are filled into ("sink", "results"; others are left as
 * they are): findings about words that nobody fills in, then the stand-ins put in their place. */
int words_look(const struct tow_assembly *assembly, struct tow_instance *instance, const char *role,
               const struct tow_setting *section, struct tow_diags *diags, struct tow_error *err);

/* Those words of the source that options of sink and results use. */
int words_used(const struct tow_assembly *assembly, struct tow_words *used, struct tow_error *err);

/* Asks a source that is open for the word; no retry. */
int words_ask(const struct tow_plugin *source, void *self, const struct tow_host_box *box,
              struct tow_word *word, struct tow_error *err);

/* The source is open: fills run->words, with retries. */
int words_find(struct run *run, struct tow_error *err);

#endif
