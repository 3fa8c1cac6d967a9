/*
 * Dates and times as text: fromisoformat, strptime, strftime. Input: known text and formats; unknown ones make the
 * result unknown. Output: values whose parts have been checked.
 */
#include <stdlib.h>

#include "compiler/evaluate/calendar.h"
#include "compiler/evaluate/datetime_parts.h"
#include "compiler/evaluate/internal.h"

/* ---- reading ISO 8601 ---- */

static bool digits_at(Slice text, size_t *at, int count, int64_t *out) {
    *out = 0;
    for (int i = 0; i < count; i++, ++*at) {
        if (*at >= text.length || text.start[*at] < '0' || text.start[*at] > '9') return false;
        *out = *out * 10 + text.start[*at] - '0';
    }
    return true;
}

static bool iso_date(Slice text, size_t *at, Parts *parts) {
    int64_t *n = parts->numbers;
    if (!digits_at(text, at, 4, &n[YEAR])) return false;
    bool dashes = *at < text.length && text.start[*at] == '-';
    *at += dashes;
    if (!digits_at(text, at, 2, &n[MONTH])) return false;
    if (dashes && (*at >= text.length || text.start[(*at)++] != '-')) return false;
    return digits_at(text, at, 2, &n[DAY_OF_MONTH]);
}

static bool iso_offset(Evaluator *ev, Slice text, size_t *at, Parts *parts) {
    if (*at >= text.length) return true;
    char sign = text.start[(*at)++];
    if (sign == 'Z' && *at == text.length) {
        parts->zone = ev->builtins.utc;
        return true;
    }
    int64_t hours, minutes = 0, seconds = 0;
    if ((sign != '+' && sign != '-') || !digits_at(text, at, 2, &hours)) return false;
    if (*at < text.length && text.start[*at] == ':') ++*at;
    if (*at < text.length && !digits_at(text, at, 2, &minutes)) return false;
    if (*at < text.length && text.start[*at] == ':') {
        ++*at;
        if (!digits_at(text, at, 2, &seconds)) return false;
    }
    int64_t total = hours * 3600 + minutes * 60 + seconds;
    parts->zone = total ? value_fixed_zone(ev, (int)(sign == '-' ? -total : total)) : ev->builtins.utc;
    return *at == text.length;
}

static bool iso_time(Evaluator *ev, Slice text, size_t *at, Parts *parts) {
    int64_t *n = parts->numbers;
    if (!digits_at(text, at, 2, &n[HOUR])) return false;
    for (int part = MINUTE; part <= SECONDS && *at < text.length && text.start[*at] == ':'; part++) {
        ++*at;
        if (!digits_at(text, at, 2, &n[part])) return false;
    }
    if (*at < text.length && (text.start[*at] == '.' || text.start[*at] == ',')) {
        int64_t scale = 100000;
        for (++*at; *at < text.length && text.start[*at] >= '0' && text.start[*at] <= '9'; ++*at, scale /= 10)
            n[MICROSECOND] += (text.start[*at] - '0') * scale;
    }
    return iso_offset(ev, text, at, parts);
}

static Value *fromisoformat(Evaluator *ev, const Arguments *arguments, ValueKind kind) {
    if (arguments->count != 1 || !value_is(arguments->items[0], VALUE_STRING))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[kind]);
    Slice text = value_text(arguments->items[0]);
    Parts parts = {0};
    size_t at = 0;
    bool good = kind == VALUE_TIME ? iso_time(ev, text, &at, &parts) : iso_date(text, &at, &parts);
    if (good && kind == VALUE_DATETIME && at < text.length) {
        at++;
        good = iso_time(ev, text, &at, &parts);
    }
    if (!good || at != text.length)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "Invalid isoformat string: %.*s",
                                  SLICE_ARGS(value_repr(ev, arguments->items[0])));
    if (kind == VALUE_TIME) return parts_time(ev, &parts, arguments->site);
    return kind == VALUE_DATE ? parts_date(ev, &parts, arguments->site) : parts_datetime(ev, &parts, arguments->site);
}

Value *date_fromisoformat(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, fromisoformat(ev, a, VALUE_DATE);
}
Value *time_fromisoformat(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, fromisoformat(ev, a, VALUE_TIME);
}
Value *datetime_fromisoformat(Evaluator *ev, Value *self, const Arguments *a) {
    return (void)self, fromisoformat(ev, a, VALUE_DATETIME);
}

static void strftime_letter(Evaluator *ev, char letter, const Parts *parts, Value *self, Buffer *out) {
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    const int64_t *n = parts->numbers;
    bool dated = !value_is(self, VALUE_TIME);
    int month = n[MONTH] ? (int)n[MONTH] : 1;
    switch (letter) {
    case 'Y': buffer_format(out, "%04d", (int)n[YEAR]); break;
    case 'y': buffer_format(out, "%02d", (int)n[YEAR] % 100); break;
    case 'm': buffer_format(out, "%02d", month); break;
    case 'd': buffer_format(out, "%02d", (int)n[DAY_OF_MONTH]); break;
    case 'H': buffer_format(out, "%02d", (int)n[HOUR]); break;
    case 'I': buffer_format(out, "%02d", (int)(n[HOUR] + 11) % 12 + 1); break;
    case 'p': buffer_text(out, n[HOUR] < 12 ? "AM" : "PM"); break;
    case 'M': buffer_format(out, "%02d", (int)n[MINUTE]); break;
    case 'S': buffer_format(out, "%02d", (int)n[SECONDS]); break;
    case 'f': buffer_format(out, "%06d", (int)n[MICROSECOND]); break;
    case 'B': buffer_text(out, months[month - 1]); break;
    case 'b': buffer_format(out, "%.3s", months[month - 1]); break;
    case 'A': buffer_text(out, days[dated ? date_weekday_of(self) : 0]); break;
    case 'a': buffer_format(out, "%.3s", days[dated ? date_weekday_of(self) : 0]); break;
    case 'j':
        buffer_format(out, "%03d", dated ? (int)(date_days_of(self) - calendar_days(n[YEAR], 1, 1) + 1) : 1);
        break;
    case 'u': buffer_format(out, "%d", dated ? date_weekday_of(self) + 1 : 1); break;
    case 'w': buffer_format(out, "%d", dated ? (date_weekday_of(self) + 1) % 7 : 1); break;
    case '%': buffer_put(out, '%'); break;
    default: buffer_slice(out, slice_format(ev->arena, "%%%c", letter)); break;
    }
}

Value *any_strftime(Evaluator *ev, Value *self, const Arguments *arguments) {
    if (arguments->count != 1 || !value_is(arguments->items[0], VALUE_STRING))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_STRING]);
    Slice format = value_text(arguments->items[0]);
    Parts parts = parts_of(self);
    Buffer out;
    buffer_init(&out, ev->arena);
    for (size_t i = 0; i < format.length; i++) {
        if (format.start[i] == '%' && i + 1 < format.length) strftime_letter(ev, format.start[++i], &parts, self, &out);
        else buffer_put(&out, format.start[i]);
    }
    return value_string(ev, buffer_view(&out));
}

Value *datetime_strptime(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    if (arguments->count != 2 || !value_is(arguments->items[0], VALUE_STRING) ||
        !value_is(arguments->items[1], VALUE_STRING))
        return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_DATETIME]);
    Slice text = value_text(arguments->items[0]), format = value_text(arguments->items[1]);
    Parts parts = {.numbers = {1900, 1, 1}};
    static const char letters[] = "YmdHMSf";
    static const Part letter_parts[] = {YEAR, MONTH, DAY_OF_MONTH, HOUR, MINUTE, SECONDS, MICROSECOND};
    size_t at = 0;
    bool good = true;
    for (size_t i = 0; i < format.length && good; i++) {
        if (format.start[i] != '%') {
            good = at < text.length && text.start[at++] == format.start[i];
            continue;
        }
        const char *letter = ++i < format.length ? strchr(letters, format.start[i]) : NULL;
        if (!letter) return unknown_result(ev, arguments->site, ev->builtins.kinds[VALUE_DATETIME]);
        int most = *letter == 'Y' ? 4 : *letter == 'f' ? 6 : 2, count = 0;
        int64_t number = 0;
        for (; count < most && at < text.length && text.start[at] >= '0' && text.start[at] <= '9'; count++)
            number = number * 10 + text.start[at++] - '0';
        for (int j = count; *letter == 'f' && j < 6; j++) number *= 10;
        good = count > 0;
        parts.numbers[letter_parts[letter - letters]] = number;
    }
    if (!good || at != text.length)
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "time data %.*s does not match format %.*s",
                                  SLICE_ARGS(value_repr(ev, arguments->items[0])),
                                  SLICE_ARGS(value_repr(ev, arguments->items[1])));
    return parts_datetime(ev, &parts, arguments->site);
}
