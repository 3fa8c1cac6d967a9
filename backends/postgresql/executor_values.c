/*
 * Values of PostgreSQL: parameters as the server would read the literals that an ORM's driver writes, cells from text
 * or binary form.
 *
 * A number gets the type that its literal would have (5 → int4, 5000000000 → int8, 1.5 → numeric), a text none, so that
 * it becomes what its place wants; dates, UUIDs, bytes and intervals have their own.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/postgresql/executor_parts.h"

enum {
    OID_HSTORE = PG_HSTORE,
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_CHAR = 18,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_OID = 26,
    OID_JSON = 114,
    OID_CIDR = 650,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_INET = 869,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_INTERVAL = 1186,
    OID_TIMETZ = 1266,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    OID_INT4RANGE = 3904,
    OID_NUMRANGE = 3906,
    OID_TSRANGE = 3908,
    OID_TSTZRANGE = 3910,
    OID_DATERANGE = 3912,
    OID_INT8RANGE = 3926
};

static const struct {
    Oid array, item;
} pg_arrays[] = {{1000, OID_BOOL},
                 {1001, OID_BYTEA},
                 {1003, OID_NAME},
                 {1005, OID_INT2},
                 {1007, OID_INT4},
                 {1009, OID_TEXT},
                 {1014, OID_BPCHAR},
                 {1015, OID_VARCHAR},
                 {1016, OID_INT8},
                 {1021, OID_FLOAT4},
                 {1022, OID_FLOAT8},
                 {1028, OID_OID},
                 {1115, OID_TIMESTAMP},
                 {1182, OID_DATE},
                 {1183, OID_TIME},
                 {1185, OID_TIMESTAMPTZ},
                 {1187, OID_INTERVAL},
                 {1231, OID_NUMERIC},
                 {1270, OID_TIMETZ},
                 {199, OID_JSON},
                 {2951, OID_UUID},
                 {3807, OID_JSONB},
                 {651, OID_CIDR},
                 {1041, OID_INET},
                 {3905, OID_INT4RANGE},
                 {3907, OID_NUMRANGE},
                 {3909, OID_TSRANGE},
                 {3911, OID_TSTZRANGE},
                 {3913, OID_DATERANGE},
                 {3927, OID_INT8RANGE},
                 {PG_HSTORE_ARRAY, OID_HSTORE}};

static Oid array_of(Oid item) {
    for (size_t i = 0; i < sizeof pg_arrays / sizeof *pg_arrays; i++)
        if (pg_arrays[i].item == item) return pg_arrays[i].array;
    return 0;
}

static Oid item_of(Oid array) {
    for (size_t i = 0; i < sizeof pg_arrays / sizeof *pg_arrays; i++)
        if (pg_arrays[i].array == array) return pg_arrays[i].item;
    return 0;
}

/* ---- parameters */

bool pg_accepts(const OrmcValue *value, const char **why) {
    if (value->is_null) return true;
    if (value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP) {
        for (size_t i = 0; i < value->length; i++)
            if (!pg_accepts(&value->items[i], why)) return false;
        return true;
    }
    bool is_text = value->type == ORMC_TYPE_TEXT || value->type == ORMC_TYPE_JSON || value->type == ORMC_TYPE_UNKNOWN;
    if (!is_text || !memchr(value->text, '\0', value->length)) return true;
    *why = "PostgreSQL's texts can't hold a NUL character";
    return false;
}

static bool has_offset(const OrmcValue *value, size_t from) {
    for (size_t i = from; i < value->length; i++)
        if (value->text[i] == '+' || value->text[i] == '-' || value->text[i] == 'Z') return true;
    return false;
}

Oid pg_param_type(const OrmcValue *value, bool certain) {
    if (value->is_null) return certain ? OID_TEXT : 0;
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN: return OID_BOOL;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT:
        if (value->text) return OID_NUMERIC;
        return value->integer >= INT32_MIN && value->integer <= INT32_MAX ? OID_INT4 : OID_INT8;
    case ORMC_TYPE_FLOAT: return isfinite(value->number) ? OID_NUMERIC : OID_FLOAT8;
    case ORMC_TYPE_DECIMAL: return OID_NUMERIC;
    case ORMC_TYPE_BYTES: return OID_BYTEA;
    case ORMC_TYPE_DATE: return OID_DATE;
    case ORMC_TYPE_TIME: return has_offset(value, 0) ? OID_TIMETZ : OID_TIME;
    case ORMC_TYPE_DATETIME: return has_offset(value, 11) ? OID_TIMESTAMPTZ : OID_TIMESTAMP;
    case ORMC_TYPE_INTERVAL: return OID_INTERVAL;
    case ORMC_TYPE_UUID: return OID_UUID;
    case ORMC_TYPE_JSON: return certain ? OID_JSONB : 0;
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_UNKNOWN: return certain ? OID_TEXT : 0;
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_ARRAY: return 0;
    }
    return 0;
}

/* The widest type among the items: one type holds them all. */
static Oid pg_item_type(const OrmcValue *array) {
    Oid type = 0;
    for (size_t i = 0; i < array->length; i++) {
        const OrmcValue *item = &array->items[i];
        if (item->is_null) continue;
        Oid here = item->type == ORMC_TYPE_ARRAY ? pg_item_type(item) : pg_param_type(item, true);
        if (type == OID_INT8 && here == OID_INT4) continue;
        if (type == OID_NUMERIC && (here == OID_INT4 || here == OID_INT8)) continue;
        type = here;
    }
    return type;
}

/* Text that grows in a store; `text` is NULL once memory has run out. */
typedef struct Text {
    Store *store;
    char *text;
    size_t length, capacity;
} Text;

static Text text_begin(Store *store) {
    Text out = {.store = store, .text = store_allocate(store, 64), .capacity = 64};
    if (out.text) out.text[0] = '\0';
    return out;
}

static void text_put(Text *out, const char *bytes, size_t length) {
    if (out->capacity - out->length < length + 1) {
        size_t capacity = (out->capacity + length + 16) * 2;
        char *larger = out->text ? store_allocate(out->store, capacity) : NULL;
        if (larger) memcpy(larger, out->text, out->length);
        out->text = larger;
        out->capacity = capacity;
    }
    if (!out->text) return;
    memcpy(out->text + out->length, bytes, length);
    out->length += length;
    out->text[out->length] = '\0';
}

static void text_put_quoted(Text *out, const char *bytes, size_t length) {
    text_put(out, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') text_put(out, "\\", 1);
        text_put(out, bytes + i, 1);
    }
    text_put(out, "\"", 1);
}

/* A duration in days and seconds, as Python's timedelta has it: days carry over months and changes of the clock. */
static size_t write_interval(int64_t microseconds, char *text, size_t capacity) {
    const int64_t day = INT64_C(86400000000);
    int64_t days = microseconds / day, rest = microseconds % day;
    if (rest < 0) days--, rest += day;
    return (size_t)snprintf(text, capacity, "%" PRId64 " days %" PRId64 ".%06" PRId64 " seconds", days, rest / 1000000,
                            rest % 1000000);
}

static size_t write_scalar(const OrmcValue *value, char *text, size_t capacity) {
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN: return (size_t)snprintf(text, capacity, "%s", value->integer ? "t" : "f");
    case ORMC_TYPE_FLOAT: return number_write(value->number, text, capacity);
    case ORMC_TYPE_INTERVAL: return write_interval(value->integer, text, capacity);
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT: return (size_t)snprintf(text, capacity, "%" PRId64, value->integer);
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_BYTES:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_ARRAY:
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_UNKNOWN: break;
    }
    return 0;
}

static bool is_texty(const OrmcValue *value) {
    switch (value->type) {
    case ORMC_TYPE_BOOLEAN:
    case ORMC_TYPE_FLOAT:
    case ORMC_TYPE_INTERVAL: return false;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT: return value->text != NULL;
    case ORMC_TYPE_DECIMAL:
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_BYTES:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_ARRAY:
    case ORMC_TYPE_MAP:
    case ORMC_TYPE_UNKNOWN: return true;
    }
    return true;
}

/* "a"=>"1", "b"=>NULL */
static void write_map(Text *out, const OrmcValue *map) {
    for (size_t i = 0; i < map->length; i++) {
        const OrmcValue *item = &map->items[i];
        if (i) text_put(out, i % 2 ? "=>" : ", ", 2);
        if (item->is_null) text_put(out, "NULL", 4);
        else text_put_quoted(out, item->text, item->length);
    }
}

/* {1,NULL,"a \"b\""}; the depth was checked when the value was. */
static void write_array(Text *out, const OrmcValue *array) {
    text_put(out, "{", 1);
    for (size_t i = 0; i < array->length; i++) {
        const OrmcValue *item = &array->items[i];
        if (i) text_put(out, ",", 1);
        char small[64];
        if (item->is_null) {
            text_put(out, "NULL", 4);
        } else if (item->type == ORMC_TYPE_ARRAY) {
            write_array(out, item);
        } else if (item->type == ORMC_TYPE_MAP) {
            Text map = text_begin(out->store);
            write_map(&map, item);
            if (map.text) text_put_quoted(out, map.text, map.length);
            else out->text = NULL;
        } else if (item->type == ORMC_TYPE_BYTES) {
            text_put(out, "\"\\\\x", 4);
            for (size_t k = 0; k < item->length; k++)
                text_put(out, small, (size_t)snprintf(small, sizeof small, "%02x", (unsigned char)item->text[k]));
            text_put(out, "\"", 1);
        } else if (is_texty(item)) {
            text_put_quoted(out, item->text, item->length);
        } else {
            text_put_quoted(out, small, write_scalar(item, small, sizeof small));
        }
    }
    text_put(out, "}", 1);
}

bool pg_param(Store *store, const OrmcValue *value, bool certain, PgParam *param) {
    *param = (PgParam){.type = pg_param_type(value, certain)};
    if (value->is_null) return true;
    if (value->type == ORMC_TYPE_ARRAY || value->type == ORMC_TYPE_MAP) {
        Text out = text_begin(store);
        if (value->type == ORMC_TYPE_MAP) write_map(&out, value);
        else param->type = array_of(pg_item_type(value)), write_array(&out, value);
        param->text = out.text;
        param->length = out.length;
    } else if (is_texty(value)) {
        param->text = value->text ? value->text : ""; /* a copy of the request's, terminated */
        param->length = value->length;
        param->format = value->type == ORMC_TYPE_BYTES;
    } else if (param->type == OID_INT4 || param->type == OID_INT8) {
        param->length = param->type == OID_INT4 ? 4 : 8;
        param->format = 1;
        char *bytes = store_allocate(store, 8);
        for (size_t i = 0; bytes && i < param->length; i++)
            bytes[i] = (char)((uint64_t)value->integer >> (8 * (param->length - 1 - i)));
        param->text = bytes;
    } else {
        char *text = store_allocate(store, 64);
        if (text) write_scalar(value, text, 64);
        param->text = text;
    }
    return param->text != NULL;
}

/* ---- cells */

OrmcType pg_type(Oid oid) {
    switch (oid) {
    case OID_BOOL: return ORMC_TYPE_BOOLEAN;
    case OID_BYTEA: return ORMC_TYPE_BYTES;
    case OID_INT8: return ORMC_TYPE_BIGINT;
    case OID_INT2:
    case OID_INT4:
    case OID_OID: return ORMC_TYPE_INTEGER;
    case OID_CHAR:
    case OID_NAME:
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_VARCHAR: return ORMC_TYPE_TEXT;
    case OID_JSON:
    case OID_JSONB: return ORMC_TYPE_JSON;
    case OID_FLOAT4:
    case OID_FLOAT8: return ORMC_TYPE_FLOAT;
    case OID_DATE: return ORMC_TYPE_DATE;
    case OID_TIME:
    case OID_TIMETZ: return ORMC_TYPE_TIME;
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ: return ORMC_TYPE_DATETIME;
    case OID_INTERVAL: return ORMC_TYPE_INTERVAL;
    case OID_NUMERIC: return ORMC_TYPE_DECIMAL;
    case OID_UUID: return ORMC_TYPE_UUID;
    case OID_HSTORE: return ORMC_TYPE_MAP;
    default: return item_of(oid) ? ORMC_TYPE_ARRAY : ORMC_TYPE_UNKNOWN;
    }
}

bool pg_type_reads_binary(Oid oid, bool utc) {
    switch (oid) {
    case OID_BOOL:
    case OID_BYTEA:
    case OID_INT8:
    case OID_INT2:
    case OID_INT4:
    case OID_NAME:
    case OID_TEXT:
    case OID_BPCHAR:
    case OID_VARCHAR:
    case OID_JSON:
    case OID_JSONB:
    case OID_FLOAT8:
    case OID_DATE:
    case OID_TIMESTAMP:
    case OID_INTERVAL:
    case OID_UUID: return true;
    case OID_TIMESTAMPTZ: return utc;
    default: return false;
    }
}

static uint64_t read_big(const char *bytes, size_t length) {
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static int64_t read_signed(const char *bytes, size_t length) {
    uint64_t value = read_big(bytes, length);
    if (length == 2) return (int16_t)value;
    if (length == 4) return (int32_t)value;
    return (int64_t)value;
}

static const int64_t day_length = INT64_C(86400000000);
/* A month counts 30 days and a year 365, as Python's drivers count them. What 64 bits of microseconds can't hold is
 * spelled out. False: no memory. */
static bool cell_interval(Store *store, OrmcValue *cell, int64_t months, int64_t days, int64_t microseconds) {
    int64_t all = months / 12 * 365 + months % 12 * 30 + days, most = INT64_MAX / day_length;
    bool fits = all >= -most && all <= most;
    int64_t length_of_days = fits ? all * day_length : 0;
    if (microseconds > 0) fits = fits && length_of_days <= INT64_MAX - microseconds;
    else fits = fits && length_of_days >= INT64_MIN - microseconds;
    if (fits) {
        value_set_integer(cell, ORMC_TYPE_INTERVAL, length_of_days + microseconds);
        return true;
    }
    char text[96];
    bool endless = months == INT32_MAX || months == INT32_MIN; /* since PostgreSQL 17 */
    int length = endless ? snprintf(text, sizeof text, "%sinfinity", months < 0 ? "-" : "")
                         : snprintf(text, sizeof text, "%" PRId64 " mons %" PRId64 " days %" PRId64 " us", months, days,
                                    microseconds);
    return value_set_text(store, cell, ORMC_TYPE_UNKNOWN, text, (size_t)length);
}

/* Days since 2000-01-01 → "2024-05-17", and " BC" in *era where it belongs. */
static size_t write_date(int64_t days, char *text, size_t capacity, const char **era) {
    int64_t z = days + 10957 + 719468; /* since 0000-03-01 */
    int64_t eras = (z >= 0 ? z : z - 146096) / 146097, day_of_era = z - eras * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    int64_t year = year_of_era + eras * 400 + (month <= 2);
    *era = year < 1 ? " BC" : "";
    return (size_t)snprintf(text, capacity, "%04d-%02d-%02d", (int)(year < 1 ? 1 - year : year), (int)month, (int)day);
}

static bool cell_moment(Store *store, OrmcValue *cell, Oid oid, int64_t moment) {
    if (moment == INT64_MAX || moment == INT64_MIN) {
        const char *text = moment > 0 ? "infinity" : "-infinity";
        return value_set_text(store, cell, ORMC_TYPE_DATETIME, text, strlen(text));
    }
    int64_t days = moment / day_length, rest = moment % day_length;
    if (rest < 0) days--, rest += day_length;
    char text[64];
    const char *era;
    size_t length = write_date(days, text, sizeof text, &era);
    int seconds = (int)(rest / 1000000), fraction = (int)(rest % 1000000);
    length += (size_t)snprintf(text + length, sizeof text - length, "T%02d:%02d:%02d", seconds / 3600,
                               seconds / 60 % 60, seconds % 60);
    if (fraction) length += (size_t)snprintf(text + length, sizeof text - length, ".%06d", fraction);
    length +=
        (size_t)snprintf(text + length, sizeof text - length, "%s%s", oid == OID_TIMESTAMPTZ ? "+00:00" : "", era);
    return value_set_text(store, cell, ORMC_TYPE_DATETIME, text, length);
}

static bool cell_day(Store *store, OrmcValue *cell, int32_t day) {
    char text[48];
    const char *era = "";
    size_t length = day == INT32_MAX   ? (size_t)snprintf(text, sizeof text, "infinity")
                    : day == INT32_MIN ? (size_t)snprintf(text, sizeof text, "-infinity")
                                       : write_date(day, text, sizeof text, &era);
    length += (size_t)snprintf(text + length, sizeof text - length, "%s", era);
    return value_set_text(store, cell, ORMC_TYPE_DATE, text, length);
}

static bool cell_uuid(Store *store, OrmcValue *cell, const char *bytes) {
    char text[37];
    size_t out = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[out++] = '-';
        text[out++] = "0123456789abcdef"[(unsigned char)bytes[i] >> 4];
        text[out++] = "0123456789abcdef"[(unsigned char)bytes[i] & 15];
    }
    return value_set_text(store, cell, ORMC_TYPE_UUID, text, out);
}

static bool cell_binary(Store *store, OrmcValue *cell, Oid oid, const char *bytes, size_t length) {
    switch (oid) {
    case OID_BOOL: value_set_integer(cell, ORMC_TYPE_BOOLEAN, bytes[0] != 0); return true;
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: value_set_integer(cell, pg_type(oid), read_signed(bytes, length)); return true;
    case OID_FLOAT8: {
        uint64_t bits = read_big(bytes, 8);
        double number;
        memcpy(&number, &bits, sizeof number);
        value_set_number(cell, number);
        return true;
    }
    case OID_DATE: return cell_day(store, cell, (int32_t)read_signed(bytes, 4));
    case OID_TIMESTAMP:
    case OID_TIMESTAMPTZ: return cell_moment(store, cell, oid, read_signed(bytes, 8));
    case OID_INTERVAL:
        return cell_interval(store, cell, read_signed(bytes + 12, 4), read_signed(bytes + 8, 4), read_signed(bytes, 8));
    case OID_UUID: return cell_uuid(store, cell, bytes);
    case OID_JSONB: return value_set_text(store, cell, ORMC_TYPE_JSON, bytes + 1, length - 1); /* a version first */
    default: return value_set_text(store, cell, pg_type(oid), bytes, length);
    }
}

/* "04:05:06.789" → microseconds. The sign is the caller's. */
static int64_t read_clock(int64_t hours, const char *minutes) {
    char *end;
    int64_t whole = hours * 60 + strtoll(minutes, &end, 10), fraction = 0, scale = 100000;
    whole = whole * 60 + (*end == ':' ? strtoll(end + 1, &end, 10) : 0);
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, scale /= 10) fraction += (*end - '0') * scale;
    return whole * 1000000 + fraction;
}

/* "1 year 2 mons -3 days 04:05:06.789", as IntervalStyle postgres writes it; in another style it stays the server's
 * text. False: no memory. */
static bool cell_interval_text(Store *store, OrmcValue *cell, const char *text, size_t length) {
    int64_t months = 0, days = 0;
    for (const char *p = text; *p;) {
        bool negative = *p == '-';
        char *end;
        int64_t number = strtoll(p, &end, 10);
        if (end == p) break;
        if (*end == ':') {
            int64_t clock = read_clock(number < 0 ? -number : number, end + 1);
            return cell_interval(store, cell, months, days, negative ? -clock : clock);
        }
        if (*end != ' ') break;
        p = end + 1;
        if (strncmp(p, "year", 4) == 0) months += number * 12;
        else if (strncmp(p, "mon", 3) == 0) months += number;
        else if (strncmp(p, "day", 3) == 0) days += number;
        else break;
        p += strcspn(p, " ");
        p += strspn(p, " ");
        if (!*p) return cell_interval(store, cell, months, days, 0);
    }
    return value_set_text(store, cell, ORMC_TYPE_UNKNOWN, text, length);
}

static char hex_value(char digit) { return (char)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10); }

static bool cell_bytes(Store *store, OrmcValue *cell, const char *text, size_t length) {
    char *out = store_allocate(store, length + 1);
    if (!out) return false;
    size_t count = 0;
    if (length >= 2 && text[0] == '\\' && text[1] == 'x') {
        for (size_t i = 2; i + 1 < length; i += 2)
            out[count++] = (char)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
    } else { /* bytea_output = escape */
        for (size_t i = 0; i < length; i++) {
            if (text[i] != '\\') out[count++] = text[i];
            else if (text[i + 1] == '\\') out[count++] = text[++i];
            else
                out[count++] = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0')),
                i += 3;
        }
    }
    *cell = (OrmcValue){.type = ORMC_TYPE_BYTES, .text = out, .length = count};
    return true;
}

static bool cell_text(Store *store, OrmcValue *cell, Oid oid, const char *text, size_t length);

/* ---- arrays: {1,NULL,{"a \"b\""}} with a bound like [0:2]= before it where it isn't 1 */

typedef struct ArrayReader {
    Store *store;
    Oid item;
    const char *at, *end;
    bool failed;
} ArrayReader;

static void array_read_item(ArrayReader *reader, OrmcValue *cell) {
    char *copy = store_allocate(reader->store, (size_t)(reader->end - reader->at) + 1);
    if (!copy) {
        reader->failed = true;
        return;
    }
    size_t length = 0;
    bool quoted = reader->at < reader->end && *reader->at == '"';
    if (quoted) reader->at++;
    for (; reader->at < reader->end; reader->at++) {
        char c = *reader->at;
        if (quoted ? c == '"' : c == ',' || c == '}') break;
        if (c == '\\' && reader->at + 1 < reader->end) c = *++reader->at;
        copy[length++] = c;
    }
    if (quoted) reader->at++;
    copy[length] = '\0';
    if (!quoted && strcmp(copy, "NULL") == 0) value_set_null(cell);
    else if (!cell_text(reader->store, cell, reader->item, copy, length)) reader->failed = true;
}

static void array_read(ArrayReader *reader, OrmcValue *cell, int depth) {
    OrmcValue *items = NULL;
    size_t count = 0, capacity = 0;
    reader->at++; /* { */
    while (!reader->failed && reader->at < reader->end && *reader->at != '}') {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            OrmcValue *larger = store_allocate(reader->store, capacity * sizeof *larger);
            if (!larger) reader->failed = true;
            if (!larger) return;
            if (count) memcpy(larger, items, count * sizeof *items);
            items = larger;
        }
        if (*reader->at == '{' && depth < 6) array_read(reader, &items[count], depth + 1);
        else array_read_item(reader, &items[count]);
        count++;
        if (reader->at < reader->end && *reader->at == ',') reader->at++;
    }
    reader->at++;
    *cell = (OrmcValue){.type = ORMC_TYPE_ARRAY, .items = items, .length = count};
}

/* ---- hstore: "a"=>"1", "b"=>NULL */

/* A key or a value, and what stands behind it. False: no memory. */
static bool map_read_item(Store *store, const char **at, const char *end, OrmcValue *item) {
    char *copy = store_allocate(store, (size_t)(end - *at) + 1);
    if (!copy) return false;
    size_t length = 0;
    bool quoted = *at < end && **at == '"';
    *at += quoted;
    for (; *at < end && (quoted ? **at != '"' : **at != ','); ++*at) {
        if (**at == '\\' && *at + 1 < end) ++*at;
        copy[length++] = **at;
    }
    copy[length] = '\0';
    *at += quoted;
    while (*at < end && (**at == '=' || **at == '>' || **at == ',' || **at == ' ')) ++*at;
    if (quoted) *item = (OrmcValue){.type = ORMC_TYPE_TEXT, .text = copy, .length = length};
    else value_set_null(item);
    return true;
}

static bool cell_map(Store *store, OrmcValue *cell, const char *text, size_t length) {
    size_t arrows = 0, count = 0;
    for (size_t i = 0; i + 1 < length; i++) arrows += text[i] == '=' && text[i + 1] == '>';
    OrmcValue *items = store_allocate(store, (2 * arrows + 1) * sizeof *items);
    if (!items) return false;
    for (const char *at = text, *end = text + length; at < end && count < 2 * arrows; count++)
        if (!map_read_item(store, &at, end, &items[count])) return false;
    *cell = (OrmcValue){.type = ORMC_TYPE_MAP, .items = items, .length = count};
    return true;
}

static bool cell_array(Store *store, OrmcValue *cell, Oid item, const char *text, size_t length) {
    ArrayReader reader = {.store = store, .item = item, .at = text, .end = text + length};
    while (reader.at < reader.end && *reader.at != '{') reader.at++;
    array_read(&reader, cell, 0);
    return !reader.failed;
}

static double read_float(const char *text) {
    if (text[0] == 'N') return NAN;
    if (text[0] == 'I') return INFINITY;
    if (text[0] == '-' && text[1] == 'I') return -INFINITY;
    return strtod(text, NULL);
}

static bool cell_decimal(Store *store, OrmcValue *cell, const char *text, size_t length) {
    const char *spelled = text[0] == 'N'                     ? "nan"
                          : text[0] == 'I'                   ? "inf"
                          : text[0] == '-' && text[1] == 'I' ? "-inf"
                                                             : NULL;
    return value_set_text(store, cell, ORMC_TYPE_DECIMAL, spelled ? spelled : text, spelled ? strlen(spelled) : length);
}

/* `text` is terminated. */
static bool cell_text(Store *store, OrmcValue *cell, Oid oid, const char *text, size_t length) {
    OrmcType type = pg_type(oid);
    switch (type) {
    case ORMC_TYPE_BOOLEAN: value_set_integer(cell, type, text[0] == 't'); return true;
    case ORMC_TYPE_INTEGER:
    case ORMC_TYPE_BIGINT: value_set_integer(cell, type, strtoll(text, NULL, 10)); return true;
    case ORMC_TYPE_FLOAT: value_set_number(cell, read_float(text)); return true;
    case ORMC_TYPE_DECIMAL: return cell_decimal(store, cell, text, length);
    case ORMC_TYPE_BYTES: return cell_bytes(store, cell, text, length);
    case ORMC_TYPE_INTERVAL: return cell_interval_text(store, cell, text, length);
    case ORMC_TYPE_TIME:
    case ORMC_TYPE_DATETIME: return value_set_moment(store, cell, type, text, length);
    case ORMC_TYPE_ARRAY: return cell_array(store, cell, item_of(oid), text, length);
    case ORMC_TYPE_MAP: return cell_map(store, cell, text, length);
    case ORMC_TYPE_TEXT:
    case ORMC_TYPE_DATE:
    case ORMC_TYPE_UUID:
    case ORMC_TYPE_JSON:
    case ORMC_TYPE_UNKNOWN: break;
    }
    return value_set_text(store, cell, type, text, length);
}

bool pg_cell(Store *store, OrmcValue *cell, Oid oid, int format, const char *bytes, size_t length) {
    return format ? cell_binary(store, cell, oid, bytes, length) : cell_text(store, cell, oid, bytes, length);
}
