#include "kit/value/digits.h"

const uint64_t tow_digits_power[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

const char tow_digits_pairs[200] = "0001020304050607080910111213141516171819"
                                   "2021222324252627282930313233343536373839"
                                   "4041424344454647484950515253545556575859"
                                   "6061626364656667686970717273747576777879"
                                   "8081828384858687888990919293949596979899";

#define TRIPLE(a, b, c)                                                 \
    {                                                                   \
        {a, b, c}, (c) != '0' ? 3 : (b) != '0' ? 2 : (a) != '0' ? 1 : 0 \
    }
#define TRIPLES10(a, b)                                                                            \
    TRIPLE(a, b, '0'), TRIPLE(a, b, '1'), TRIPLE(a, b, '2'), TRIPLE(a, b, '3'), TRIPLE(a, b, '4'), \
        TRIPLE(a, b, '5'), TRIPLE(a, b, '6'), TRIPLE(a, b, '7'), TRIPLE(a, b, '8'),                \
        TRIPLE(a, b, '9')
#define TRIPLES100(a)                                                                              \
    TRIPLES10(a, '0'), TRIPLES10(a, '1'), TRIPLES10(a, '2'), TRIPLES10(a, '3'), TRIPLES10(a, '4'), \
        TRIPLES10(a, '5'), TRIPLES10(a, '6'), TRIPLES10(a, '7'), TRIPLES10(a, '8'),                \
        TRIPLES10(a, '9')

const struct tow_digits_triple tow_digits_triples[1000] = {
    TRIPLES100('0'), TRIPLES100('1'), TRIPLES100('2'), TRIPLES100('3'), TRIPLES100('4'),
    TRIPLES100('5'), TRIPLES100('6'), TRIPLES100('7'), TRIPLES100('8'), TRIPLES100('9'),
};
