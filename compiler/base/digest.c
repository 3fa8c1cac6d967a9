/*
 * MD5 as the ORMs use it to keep generated names unique: index and constraint names end in a few digits of the digest
 * of what they stand for.
 *
 * Input: texts. Output: hexadecimal digits. Example: digest of "book" "author_id", eight digits, ends the name
 * "library_book_author_id_1a2b3c4d".
 */
#include "compiler/base/digest.h"

typedef struct Md5 {
    uint32_t state[4];
    uint64_t length;
    uint8_t block[64];
} Md5;

/* floor(2^32 × |sin(i + 1)|) */
static const uint32_t md5_sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
static const uint8_t md5_shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static void md5_mix(Md5 *md5) {
    uint32_t words[16];
    for (int i = 0; i < 16; i++) {
        const uint8_t *b = md5->block + 4 * i;
        words[i] = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    }
    uint32_t a = md5->state[0], b = md5->state[1], c = md5->state[2], d = md5->state[3];
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        if (i < 16) {
            f = (b & c) | (~b & d);
            g = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) & 15;
        } else if (i < 48) {
            f = b ^ c ^ d;
            g = (3 * i + 5) & 15;
        } else {
            f = c ^ (b | ~d);
            g = (7 * i) & 15;
        }
        uint32_t turned = a + f + md5_sines[i] + words[g];
        int shift = md5_shifts[i / 16][i & 3];
        a = d;
        d = c;
        c = b;
        b += turned << shift | turned >> (32 - shift);
    }
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

static void md5_feed(Md5 *md5, const char *data, size_t length) {
    for (size_t i = 0; i < length; i++) {
        md5->block[md5->length++ & 63] = (uint8_t)data[i];
        if ((md5->length & 63) == 0) md5_mix(md5);
    }
}

static void md5_finish(Md5 *md5, uint8_t digest[16]) {
    uint64_t bits = md5->length * 8;
    md5_feed(md5, "\x80", 1);
    while ((md5->length & 63) != 56) md5_feed(md5, "", 1);
    for (int i = 0; i < 8; i++) {
        char byte = (char)(bits >> (8 * i));
        md5_feed(md5, &byte, 1);
    }
    for (int i = 0; i < 16; i++) digest[i] = (uint8_t)(md5->state[i / 4] >> (8 * (i & 3)));
}

Slice name_digest(Arena *arena, const Slice *texts, int count, int length) {
    Md5 md5 = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, 0, {0}};
    for (int i = 0; i < count; i++) md5_feed(&md5, texts[i].start, texts[i].length);
    uint8_t digest[16];
    md5_finish(&md5, digest);
    char *text = arena_allocate(arena, 32);
    for (int i = 0; i < length && i < 32; i++) text[i] = "0123456789abcdef"[digest[i / 2] >> (i & 1 ? 0 : 4) & 15];
    return (Slice){text, (size_t)length};
}

Slice name_truncate(Arena *arena, Slice name, int limit, int digest_length) {
    if (limit <= 0 || name.length <= (size_t)limit) return name;
    Slice digest = name_digest(arena, &name, 1, digest_length);
    return slice_format(arena, "%.*s%.*s", limit - digest_length, name.start, SLICE_ARGS(digest));
}
