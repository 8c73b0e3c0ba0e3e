#!/usr/bin/env python3
"""Prints pow10.c: the 128 leading bits of the powers of ten that kit/value/pow10.h declares."""

FIRST, LAST = -342, 324


def leading_bits(exponent):
    """floor(10^exponent * 2^shift), with the shift that gives it 128 bits."""
    power = 10 ** abs(exponent)
    if exponent >= 0:
        bits = power.bit_length()
        return power >> (bits - 128) if bits > 128 else power << (128 - bits)
    value = (1 << (power.bit_length() + 127)) // power
    return value if value.bit_length() == 128 else value >> 1


print('/* Written by pow10.py. */\n#include "kit/value/pow10.h"\n')
print("const struct tow_pow10 tow_pow10_table[TOW_POW10_LAST - TOW_POW10_FIRST + 1] = {")
for exponent in range(FIRST, LAST + 1):
    high, low = divmod(leading_bits(exponent), 1 << 64)
    print(f"    {{UINT64_C(0x{high:016x}), UINT64_C(0x{low:016x})}}, /* {exponent} */")
print("};")
