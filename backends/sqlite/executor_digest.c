/*
 * MD5 (RFC 1321) and SHA-1, SHA-224 … SHA-512 (FIPS 180-4) of a text, as hexadecimal.
 *
 *     sqlite_digest_hex(DIGEST_MD5, "abc", 3) → 900150983cd24fb0d6963f7d28e17f72
 */
#include <math.h>
#include <string.h>

#include "backends/sqlite/executor_parts.h"

static uint32_t rotate_left(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }
static uint32_t rotate_right(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }
static uint64_t rotate_right_64(uint64_t x, unsigned n) { return x >> n | x << (64 - n); }

static uint32_t read_big(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void md5_block(uint32_t *state, const unsigned char *block) {
    static const unsigned char shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 | (uint32_t)block[4 * i + 2] << 16 |
                   (uint32_t)block[4 * i + 3] << 24;
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed;
        unsigned word;
        switch (i / 16) {
        case 0: mixed = (b & c) | (~b & d), word = i; break;
        case 1: mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16; break;
        case 2: mixed = b ^ c ^ d, word = (3 * i + 5) % 16; break;
        default: mixed = c ^ (b | ~d), word = 7 * i % 16; break;
        }
        uint32_t constant = (uint32_t)(fabs(sin((double)i + 1)) * 4294967296.0);
        uint32_t next = b + rotate_left(a + mixed + constant + words[word], shifts[i / 16][i % 4]);
        a = d, d = c, c = b, b = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

static void sha1_block(uint32_t *state, const unsigned char *block) {
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++)
        words[i] = i < 16 ? read_big(block + 4 * i)
                          : rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        static const uint32_t constants[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t mixed = i < 20 ? (b & c) | (~b & d) : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
        uint32_t next = rotate_left(a, 5) + mixed + e + constants[i / 20] + words[i];
        e = d, d = c, c = rotate_left(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

/* The round constants of SHA-512; those of SHA-256 are the upper halves of the first 64. */
static const uint64_t sha2_constants[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static void sha256_block(uint32_t *state, const unsigned char *block) {
    uint32_t words[64], s[8];
    for (int i = 0; i < 64; i++) {
        if (i < 16) {
            words[i] = read_big(block + 4 * i);
            continue;
        }
        uint32_t low = words[i - 15], high = words[i - 2];
        words[i] = words[i - 16] + (rotate_right(low, 7) ^ rotate_right(low, 18) ^ low >> 3) + words[i - 7] +
                   (rotate_right(high, 17) ^ rotate_right(high, 19) ^ high >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t first = s[7] + (rotate_right(s[4], 6) ^ rotate_right(s[4], 11) ^ rotate_right(s[4], 25)) +
                         ((s[4] & s[5]) ^ (~s[4] & s[6])) + (uint32_t)(sha2_constants[i] >> 32) + words[i];
        uint32_t second = (rotate_right(s[0], 2) ^ rotate_right(s[0], 13) ^ rotate_right(s[0], 22)) +
                          ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += first;
        s[0] = first + second;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

static void sha512_block(uint64_t *state, const unsigned char *block) {
    uint64_t words[80], s[8];
    for (int i = 0; i < 80; i++) {
        if (i < 16) {
            words[i] = (uint64_t)read_big(block + 8 * i) << 32 | read_big(block + 8 * i + 4);
            continue;
        }
        uint64_t low = words[i - 15], high = words[i - 2];
        words[i] = words[i - 16] + (rotate_right_64(low, 1) ^ rotate_right_64(low, 8) ^ low >> 7) + words[i - 7] +
                   (rotate_right_64(high, 19) ^ rotate_right_64(high, 61) ^ high >> 6);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 80; i++) {
        uint64_t first = s[7] + (rotate_right_64(s[4], 14) ^ rotate_right_64(s[4], 18) ^ rotate_right_64(s[4], 41)) +
                         ((s[4] & s[5]) ^ (~s[4] & s[6])) + sha2_constants[i] + words[i];
        uint64_t second = (rotate_right_64(s[0], 28) ^ rotate_right_64(s[0], 34) ^ rotate_right_64(s[0], 39)) +
                          ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += first;
        s[0] = first + second;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

typedef union DigestState {
    uint32_t narrow[8];
    uint64_t wide[8];
} DigestState;

static DigestState digest_start(DigestKind kind) {
    switch (kind) {
    case DIGEST_MD5: return (DigestState){.narrow = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    case DIGEST_SHA1: return (DigestState){.narrow = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    case DIGEST_SHA224:
        return (DigestState){
            .narrow = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4}};
    case DIGEST_SHA256:
        return (DigestState){
            .narrow = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
    case DIGEST_SHA384:
        return (DigestState){.wide = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                      0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}};
    case DIGEST_SHA512:
        return (DigestState){.wide = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                      0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}};
    }
    return (DigestState){0};
}

static void digest_block(DigestKind kind, DigestState *state, const unsigned char *block) {
    switch (kind) {
    case DIGEST_MD5: md5_block(state->narrow, block); return;
    case DIGEST_SHA1: sha1_block(state->narrow, block); return;
    case DIGEST_SHA224:
    case DIGEST_SHA256: sha256_block(state->narrow, block); return;
    case DIGEST_SHA384:
    case DIGEST_SHA512: sha512_block(state->wide, block); return;
    }
}

void sqlite_digest_hex(DigestKind kind, const void *data, size_t length, char *hex) {
    static const unsigned char sizes[] = {16, 20, 28, 32, 48, 64};
    DigestState state = digest_start(kind);
    bool wide = kind >= DIGEST_SHA384;
    size_t block = wide ? 128 : 64, counter = wide ? 16 : 8;
    const unsigned char *bytes = data;
    size_t left = length;
    for (; left >= block; left -= block, bytes += block) digest_block(kind, &state, bytes);
    unsigned char tail[256] = {0};
    if (left) memcpy(tail, bytes, left);
    tail[left] = 0x80;
    size_t total = left + 1 + counter <= block ? block : 2 * block;
    for (size_t i = 0; i < 8; i++) {
        size_t at = kind == DIGEST_MD5 ? total - 8 + i : total - 1 - i;
        tail[at] = (unsigned char)((uint64_t)length * 8 >> 8 * i);
    }
    for (size_t at = 0; at < total; at += block) digest_block(kind, &state, tail + at);
    for (size_t i = 0; i < sizes[kind]; i++) {
        unsigned char byte = wide                 ? (unsigned char)(state.wide[i / 8] >> (56 - 8 * (i % 8)))
                             : kind == DIGEST_MD5 ? (unsigned char)(state.narrow[i / 4] >> 8 * (i % 4))
                                                  : (unsigned char)(state.narrow[i / 4] >> (24 - 8 * (i % 4)));
        hex[2 * i] = "0123456789abcdef"[byte >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[byte & 15];
    }
    hex[2 * sizes[kind]] = '\0';
}
