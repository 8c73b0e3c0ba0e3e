#include "connectors/machine/simd.h"

#include <string.h>

#if defined(__x86_64__)
static const char *const simd_names[] = {"scalar", "sse2", "avx2", "avx512"};
#else
static const char *const simd_names[] = {"scalar"};
#endif
#define SIMD_LEVELS ((int)(sizeof simd_names / sizeof *simd_names))

static int simd_works(int level)
{
#if defined(__x86_64__)
    if (level == TOW_SIMD_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
               __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
    if (level == TOW_SIMD_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("pclmul");
#endif
    (void)level;
    return 1;
}

static int simd_refuse(const char *name, int count, struct tow_error *err)
{
    char names[64] = "";

    for (int i = 0; i < count; i++) {
        strcat(names, i == 0 ? "" : i + 1 < count ? ", " : " or ");
        strcat(names, simd_names[i]);
    }
    return tow_error_set(err, TOW_E_CONFIG, "there is no index \"%s\" here: %s", name, names);
}

int tow_simd_choose(const char *name, enum tow_simd most, enum tow_simd *level,
                    struct tow_error *err)
{
    int count = (int)most < SIMD_LEVELS ? (int)most + 1 : SIMD_LEVELS;

    for (int i = count - 1; i >= 0; i--) {
        if (name && strcmp(name, simd_names[i]) != 0)
            continue;
        *level = (enum tow_simd)i;
        if (simd_works(i))
            return TOW_OK;
        if (name)
            return tow_error_set(err, TOW_E_UNSUPPORTED,
                                 "this processor cannot run the index \"%s\"", name);
    }
    return simd_refuse(name, count, err);
}
