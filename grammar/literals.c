/*
 * Numbers and plain strings.
 *
 * In: the place of a NUMBER or STRING token. Out: a Constant. A string without escapes is a slice of the
 * source; only one with escapes, or with line ends other than \n, is decoded into the arena. Integers that
 * int64 can't hold become their decimal digits. Examples:
 *     0x_ff -> 255      10**20 written out -> big, "100000000000000000000"      "a\n" -> 2 bytes
 */
#include "grammar/parser.h"

#include <locale.h>
#include <stdlib.h>

/* Strings */

typedef struct Decoder {
    Parser *parser;
    Slice text;
    Extent at;
    size_t next; /* in text */
    DecodeOptions options;
    char *out;
    size_t length;
} Decoder;

static void decoder_put_code_point(Decoder *decoder, uint32_t code) {
    decoder->length += unicode_write(decoder->out + decoder->length, code);
}

static void decoder_put(Decoder *decoder, char byte) { decoder->out[decoder->length++] = byte; }

static void decoder_put_character(Decoder *decoder, uint32_t code) {
    if (decoder->options.bytes) decoder_put(decoder, (char)code);
    else decoder_put_code_point(decoder, code);
}

static void decoder_fail(Decoder *decoder, size_t start, const char *message) {
    parser_report(decoder->parser,
                  (Extent){decoder->at.start + (uint32_t)start, decoder->at.start + (uint32_t)decoder->next}, "%s",
                  message);
}

static int hex_digit(char byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* \xhh, \uhhhh, \Uhhhhhhhh: `next` is past the letter. */
static void decoder_hex(Decoder *decoder, int digits) {
    size_t start = decoder->next - 2;
    uint32_t code = 0;
    for (int i = 0; i < digits; i++) {
        int digit = decoder->next < decoder->text.length ? hex_digit(decoder->text.start[decoder->next]) : -1;
        if (digit < 0) {
            decoder_fail(decoder, start, "truncated escape sequence: hexadecimal digits are missing");
            return;
        }
        code = code << 4 | (uint32_t)digit;
        decoder->next++;
    }
    if (code > 0x10FFFF) decoder_fail(decoder, start, "no such Unicode character");
    else decoder_put_character(decoder, code);
}

static void decoder_octal(Decoder *decoder) {
    uint32_t code = 0;
    for (int i = 0; i < 3 && decoder->next < decoder->text.length; i++) {
        char byte = decoder->text.start[decoder->next];
        if (byte < '0' || byte > '7') break;
        code = code * 8 + (uint32_t)(byte - '0');
        decoder->next++;
    }
    decoder_put_character(decoder, decoder->options.bytes ? code & 0xFF : code);
}

/* \N{name}: `next` is past the N. */
static void decoder_name(Decoder *decoder) {
    size_t start = decoder->next - 2;
    Slice rest = slice_sub(decoder->text, decoder->next, decoder->text.length);
    size_t end = slice_find(rest, '}');
    if (!rest.length || rest.start[0] != '{' || end == rest.length) {
        decoder_fail(decoder, start, "malformed \\N{…} escape");
        return;
    }
    decoder->next += end + 1;
    uint32_t code;
    if (unicode_find_name(slice_sub(rest, 1, end), &code)) decoder_put_code_point(decoder, code);
    else decoder_fail(decoder, start, "unknown Unicode character name");
}

static void decoder_skip_block_indent(Decoder *decoder) {
    uint32_t indent = decoder->parser->layout.block_indent;
    while (indent && decoder->next < decoder->text.length && decoder->text.start[decoder->next] == ' ') {
        decoder->next++;
        indent--;
    }
}

/* At a line end; it counts as \n however it is written. */
static void decoder_line_end(Decoder *decoder, bool keep) {
    const char *text = decoder->text.start;
    if (text[decoder->next] == '\r' && decoder->next + 1 < decoder->text.length && text[decoder->next + 1] == '\n')
        decoder->next++;
    decoder->next++;
    if (keep) decoder_put(decoder, '\n');
    decoder_skip_block_indent(decoder);
}

/* After a backslash. */
static void decoder_escape(Decoder *decoder) {
    static const char simple[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    char byte = decoder->text.start[decoder->next];
    if (byte == '\n' || byte == '\r') {
        decoder_line_end(decoder, false);
        return;
    }
    if (byte >= '0' && byte <= '7') {
        decoder_octal(decoder);
        return;
    }
    bool is_text = !decoder->options.bytes;
    if (byte == 'x' || (is_text && (byte == 'u' || byte == 'U'))) {
        decoder->next++;
        decoder_hex(decoder, byte == 'x' ? 2 : byte == 'u' ? 4 : 8);
        return;
    }
    if (is_text && byte == 'N') {
        decoder->next++;
        decoder_name(decoder);
        return;
    }
    for (size_t i = 0; i + 1 < sizeof simple; i += 2) {
        if (simple[i] != byte) continue;
        decoder_put(decoder, simple[i + 1]);
        decoder->next++;
        return;
    }
    decoder_put(decoder, '\\'); /* unknown escapes stay as they are; what follows is read as usual */
}

static bool decoder_is_needed(const Decoder *decoder) {
    bool strips = decoder->parser->layout.block_indent > 0;
    for (size_t i = 0; i < decoder->text.length; i++) {
        char byte = decoder->text.start[i];
        if (byte == '\r' || (byte == '\\' && !decoder->options.raw) || (byte == '\n' && strips)) return true;
        if (decoder->options.braces && (byte == '{' || byte == '}')) return true;
    }
    return false;
}

Slice parser_decode(Parser *parser, Extent at, DecodeOptions options) {
    Decoder decoder = {.parser = parser, .text = layout_text(&parser->layout, at), .at = at, .options = options};
    Slice text = decoder.text;
    if (!decoder_is_needed(&decoder)) return text;
    decoder.out = arena_allocate(parser->arena, text.length + 4);
    while (decoder.next < text.length) {
        char byte = text.start[decoder.next];
        if (byte == '\n' || byte == '\r') {
            decoder_line_end(&decoder, true);
        } else if (byte == '\\' && !options.raw && decoder.next + 1 < text.length) {
            decoder.next++;
            decoder_escape(&decoder);
        } else {
            decoder_put(&decoder, byte);
            bool twice = options.braces && (byte == '{' || byte == '}') && decoder.next + 1 < text.length &&
                         text.start[decoder.next + 1] == byte;
            decoder.next += twice ? 2 : 1;
        }
    }
    return (Slice){decoder.out, decoder.length};
}

Node *parser_string(Parser *parser, Extent at) {
    Slice text = layout_text(&parser->layout, at);
    Constant constant = {.kind = CONSTANT_STRING};
    DecodeOptions options = {0};
    uint32_t prefix = 0;
    for (; text.start[prefix] != '"' && text.start[prefix] != '\''; prefix++) {
        char letter = text.start[prefix] | 0x20;
        options.raw |= letter == 'r';
        options.bytes |= letter == 'b';
        constant.unicode_kind |= text.start[prefix] == 'u';
    }
    char quote = text.start[prefix];
    bool triple = text.length >= prefix + 6 && text.start[prefix + 1] == quote && text.start[prefix + 2] == quote;
    uint32_t width = triple ? 3 : 1;
    Extent body = {at.start + prefix + width, at.end - width};
    if (options.bytes) {
        constant.kind = CONSTANT_BYTES;
        for (uint32_t i = body.start; i < body.end; i++)
            if ((unsigned char)parser->source->text.start[i] >= 0x80)
                parser_report(parser, at, "bytes can only contain ASCII literal characters");
    }
    constant.text = parser_decode(parser, body, options);
    return MAKE_NODE(parser, Constant, at, .value = constant);
}

/* Numbers */

/* The digits without `_` and without prefix, terminated, in the arena. */
static char *digits_copy(Arena *arena, Slice text, size_t *length) {
    char *digits = arena_allocate(arena, text.length + 1);
    *length = 0;
    for (size_t i = 0; i < text.length; i++)
        if (text.start[i] != '_') digits[(*length)++] = text.start[i];
    digits[*length] = '\0';
    return digits;
}

/* Little-endian limbs of nine decimal digits: limbs = limbs * factor + digit. */
static int limbs_multiply_add(uint32_t *limbs, int count, uint32_t factor, uint32_t digit) {
    uint64_t carry = digit;
    for (int i = 0; i < count; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)(carry % 1000000000u);
        carry /= 1000000000u;
    }
    if (carry) limbs[count++] = (uint32_t)carry;
    return count;
}

/* Decimal digits of an integer in another base that int64 can't hold. */
static Slice big_integer_text(Arena *arena, Slice digits, uint32_t base) {
    uint32_t *limbs = arena_allocate(arena, (digits.length / 7 + 2) * sizeof *limbs);
    int count = 0;
    for (size_t i = 0; i < digits.length; i++)
        count = limbs_multiply_add(limbs, count, base, (uint32_t)hex_digit(digits.start[i]));
    Buffer out;
    buffer_init(&out, arena);
    buffer_format(&out, "%u", (unsigned)limbs[count - 1]);
    for (int i = count - 2; i >= 0; i--) buffer_format(&out, "%09u", (unsigned)limbs[i]);
    return buffer_view(&out);
}

enum { INTEGER_DIGITS_LIMIT = 20000 }; /* of a literal in another base than ten: the conversion is quadratic */

static Constant integer_read(Parser *parser, Slice text, Extent at) {
    Constant constant = {.kind = CONSTANT_INTEGER};
    uint32_t base = 10;
    if (text.length > 1 && text.start[0] == '0' && (text.start[1] | 0x20) > '9') {
        char letter = text.start[1] | 0x20;
        base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
        text = slice_sub(text, 2, text.length);
    }
    uint64_t value = 0;
    bool fits = true;
    for (size_t i = 0; i < text.length && fits; i++) {
        if (text.start[i] == '_') continue;
        uint64_t digit = (uint64_t)hex_digit(text.start[i]);
        fits = value <= ((uint64_t)INT64_MAX - digit) / base;
        value = value * base + digit;
    }
    constant.integer = (int64_t)value;
    if (fits) return constant;
    constant.integer = 0;
    constant.big = true;
    Slice digits;
    digits.start = digits_copy(parser->arena, text, &digits.length);
    while (digits.length > 1 && digits.start[0] == '0') digits = slice_sub(digits, 1, digits.length);
    if (base != 10 && digits.length > INTEGER_DIGITS_LIMIT)
        layout_report(&parser->layout, CODE_LIMIT, at, "the number has too many digits");
    else if (base != 10) digits = big_integer_text(parser->arena, digits, base);
    constant.text = digits;
    return constant;
}

/* Exact where mantissa and power of ten both are: nearly all literals. */
static bool float_read_exactly(const char *digits, double *value) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t mantissa = 0;
    int exponent = 0;
    bool after_point = false;
    for (; *digits && (*digits | 0x20) != 'e'; digits++) {
        if (*digits == '.') {
            after_point = true;
            continue;
        }
        mantissa = mantissa * 10 + (uint64_t)(*digits - '0');
        exponent -= after_point;
        if (mantissa >> 53) return false;
    }
    if (*digits) {
        long written = strtol(digits + 1, NULL, 10);
        if (written > 400 || written < -400) return false;
        exponent += (int)written;
    }
    if (exponent < -22 || exponent > 22) return false;
    *value = exponent < 0 ? (double)mantissa / powers[-exponent] : (double)mantissa * powers[exponent];
    return true;
}

/* strtod reads the point of the embedding program's locale. */
static double float_read_slowly(Parser *parser, const char *digits) {
    const char *point = localeconv()->decimal_point;
    const char *dot = strchr(digits, '.');
    if (!dot || strcmp(point, ".") == 0) return strtod(digits, NULL);
    Slice text = slice_format(parser->arena, "%.*s%s%s", (int)(dot - digits), digits, point, dot + 1);
    return strtod(text.start, NULL);
}

Node *parser_number(Parser *parser, Extent at) {
    Slice text = layout_text(&parser->layout, at);
    char last = text.start[text.length - 1] | 0x20;
    bool is_prefixed = text.length > 1 && text.start[0] == '0' && strchr("xXoObB", text.start[1]);
    bool is_imaginary = !is_prefixed && last == 'j';
    bool is_float = is_imaginary;
    for (size_t i = 0; i < text.length && !is_prefixed; i++)
        is_float |= text.start[i] == '.' || (text.start[i] | 0x20) == 'e';
    if (!is_float) return MAKE_NODE(parser, Constant, at, .value = integer_read(parser, text, at));
    Constant constant = {.kind = is_imaginary ? CONSTANT_IMAGINARY : CONSTANT_FLOAT, .text = text};
    size_t length;
    const char *digits = digits_copy(parser->arena, slice_sub(text, 0, text.length - is_imaginary), &length);
    if (!float_read_exactly(digits, &constant.number)) constant.number = float_read_slowly(parser, digits);
    return MAKE_NODE(parser, Constant, at, .value = constant);
}
