/* The files of a new plugin, as texts: made from those of this folder and from the guide's plugins. */
#ifndef CORE_CLI_PLUGIN_TEMPLATES_H
#define CORE_CLI_PLUGIN_TEMPLATES_H

/* Lines, NULL at the end. "@NAME@" and the like stand for what is put in. */
extern const char *const tow_template_makefile[], *const tow_template_readme[];
extern const char *const tow_template_source[], *const tow_template_source_job[];
extern const char *const tow_template_sink[], *const tow_template_sink_job[];

#endif
