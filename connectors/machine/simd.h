/*
 * Which of a module's variants of vector code is used: the best that the processor runs, or one
 * that a test or a bench asks for by its name.
 */
#ifndef CONNECTORS_MACHINE_SIMD_H
#define CONNECTORS_MACHINE_SIMD_H

#include "towpath/error.h"

/* Slowest first. With a level comes what all processors have that have it. */
enum tow_simd {
    TOW_SIMD_SCALAR,
    TOW_SIMD_SSE2,   /* each x86-64 */
    TOW_SIMD_AVX2,   /* with POPCNT, BMI, PCLMUL */
    TOW_SIMD_AVX512, /* F, BW, VL, VBMI2, with BMI2 */
};

/*
 * The level to use, of those up to `most`: the highest that this processor runs, or where `name` is
 * not NULL, that one ("scalar", "sse2", "avx2", "avx512"). TOW_E_CONFIG where there is no such
 * name, TOW_E_UNSUPPORTED where this processor does not run it.
 */
int tow_simd_choose(const char *name, enum tow_simd most, enum tow_simd *level,
                    struct tow_error *err);

#endif
