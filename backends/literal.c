/* Shared parts of the literal writers. See literal.h. */
#include "backends/literal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* `a -` before `-1` would begin a comment. */
static void guard_minus(Buffer *out) {
    if (out->length && out->data[out->length - 1] == '-') buffer_put(out, ' ');
}

void literal_put_integer(Buffer *out, int64_t number) {
    char digits[24];
    int count = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) {
        guard_minus(out);
        buffer_put(out, '-');
    }
    while (count) buffer_put(out, digits[--count]);
}

void literal_put_float(Buffer *out, double number) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    if (signbit(number)) guard_minus(out);
    buffer_text(out, text);
    if (!strpbrk(text, ".e")) buffer_text(out, ".0");
}

bool literal_is_number(Slice text) {
    size_t at = 0, digits = 0;
    if (at < text.length && (text.start[at] == '-' || text.start[at] == '+')) at++;
    for (; at < text.length && ((text.start[at] >= '0' && text.start[at] <= '9') || text.start[at] == '.'); at++) {
        if (text.start[at] != '.') digits++;
        else if (memchr(text.start, '.', at)) return false;
    }
    if (!digits) return false;
    if (at < text.length && (text.start[at] == 'e' || text.start[at] == 'E')) {
        at++;
        if (at < text.length && (text.start[at] == '-' || text.start[at] == '+')) at++;
        size_t first = at;
        while (at < text.length && text.start[at] >= '0' && text.start[at] <= '9') at++;
        if (at == first) return false;
    }
    return at == text.length;
}

void literal_put_number_text(Buffer *out, Slice text) {
    if (text.start[0] == '-') guard_minus(out);
    buffer_slice(out, text);
}

void literal_put_hex(Buffer *out, Slice bytes) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.start[i];
        buffer_put(out, digits[byte >> 4]);
        buffer_put(out, digits[byte & 15]);
    }
}

void literal_put_quoted(Buffer *out, Slice text) {
    buffer_put(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '\'') buffer_put(out, '\'');
        buffer_put(out, text.start[i]);
    }
    buffer_put(out, '\'');
}

/* Bytes of the sequence that begins with `lead`, 0 for none; `low` and `high` bound its second byte. */
static int utf8_sequence(unsigned char lead, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return 2;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0) *low = 0xa0;
        if (lead == 0xed) *high = 0x9f; /* what follows would be a surrogate */
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0) *low = 0x90;
        if (lead == 0xf4) *high = 0x8f;
        return 4;
    }
    return 0;
}

bool literal_check_text(Slice text, const char **why) {
    for (size_t i = 0; i < text.length;) {
        unsigned char low, high;
        int length = utf8_sequence((unsigned char)text.start[i], &low, &high);
        bool good = length > 0 && i + (size_t)length <= text.length;
        for (int k = 1; good && k < length; k++) {
            unsigned char byte = (unsigned char)text.start[i + (size_t)k];
            good = k == 1 ? byte >= low && byte <= high : byte >= 0x80 && byte <= 0xbf;
        }
        if (!good) {
            *why = "the text can't be encoded in UTF-8: surrogates not allowed";
            return false;
        }
        i += (size_t)length;
    }
    return true;
}
