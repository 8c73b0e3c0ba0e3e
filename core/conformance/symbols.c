/* What the module exports and what it asks for, read from its ELF symbol table. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance/suite.h"

struct symbols {
    const unsigned char *file;
    size_t size;
    const Elf64_Sym *table;
    size_t count;
    const char *names;
    size_t names_size;
};

static int symbols_within(const struct symbols *symbols, uint64_t offset, uint64_t length)
{
    return offset <= symbols->size && length <= symbols->size - offset;
}

/* Finds .dynsym and its strings; the file is not trusted. */
static int symbols_find(struct symbols *symbols)
{
    const Elf64_Ehdr *header = (const void *)symbols->file;

    if (symbols->size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 ||
        !symbols_within(symbols, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
        return 0;
    const Elf64_Shdr *sections = (const void *)(symbols->file + header->e_shoff);
    for (size_t i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_DYNSYM || sections[i].sh_link >= header->e_shnum)
            continue;
        const Elf64_Shdr *names = &sections[sections[i].sh_link];
        if (!symbols_within(symbols, sections[i].sh_offset, sections[i].sh_size) ||
            !symbols_within(symbols, names->sh_offset, names->sh_size))
            return 0;
        symbols->table = (const void *)(symbols->file + sections[i].sh_offset);
        symbols->count = sections[i].sh_size / sizeof *symbols->table;
        symbols->names = (const char *)symbols->file + names->sh_offset;
        symbols->names_size = names->sh_size;
        return 1;
    }
    return 0;
}

static const char *symbols_name(const struct symbols *symbols, const Elf64_Sym *symbol)
{
    if (symbol->st_name >= symbols->names_size ||
        !memchr(symbols->names + symbol->st_name, '\0', symbols->names_size - symbol->st_name))
        return "";
    return symbols->names + symbol->st_name;
}

static int symbols_is_global(const Elf64_Sym *symbol)
{
    int binding = ELF64_ST_BIND(symbol->st_info);

    return binding == STB_GLOBAL || binding == STB_WEAK;
}

static void symbols_judge(struct suite *suite, const struct symbols *symbols)
{
    const char *one = "exactly one symbol is exported";
    const char *none = "no symbol of the host is linked";
    const char *extra = NULL, *host = NULL;
    size_t exported = 0;

    for (size_t i = 1; i < symbols->count; i++) {
        const Elf64_Sym *symbol = &symbols->table[i];
        const char *name = symbols_name(symbols, symbol);

        if (!symbols_is_global(symbol))
            continue;
        if (symbol->st_shndx == SHN_UNDEF) {
            if (strncmp(name, "tow_", 4) == 0)
                host = name;
        } else {
            exported++;
            if (!strstr(name, "_LTX_tow_plugin_entry"))
                extra = name;
        }
    }
    if (extra || exported != 1)
        suite_fail(suite, one, "%zu are, among them %s; build with hidden visibility", exported,
                   extra ? extra : "no entry");
    else
        suite_pass(suite, one);
    if (host)
        suite_fail(suite, none, "it needs %s; link the kit, or ask through the host table", host);
    else
        suite_pass(suite, none);
}

void suite_check_symbols(struct suite *suite)
{
    const char *what = "the symbol table can be read";
    struct symbols symbols = {0};
    struct stat status;
    int fd = open(suite->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status)) {
        suite_fail(suite, what, "%s", strerror(errno));
    } else {
        symbols.size = (size_t)status.st_size;
        symbols.file = mmap(NULL, symbols.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (symbols.file == MAP_FAILED)
            suite_fail(suite, what, "%s", strerror(errno));
        else if (!symbols_find(&symbols))
            suite_fail(suite, what, "no 64-bit ELF file with dynamic symbols");
        else
            symbols_judge(suite, &symbols);
        if (symbols.file != MAP_FAILED)
            munmap((void *)symbols.file, symbols.size);
    }
    if (fd >= 0)
        close(fd);
}
