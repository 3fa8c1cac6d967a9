#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/types.h"
const Type date_type = {.name = "date", .kind = VALUE_DATE}, time_type = {.name = "time", .kind = VALUE_TIME},
           datetime_type = {.name = "datetime", .kind = VALUE_DATETIME},
           timedelta_type = {.name = "timedelta", .kind = VALUE_TIMEDELTA},
           timezone_type = {.name = "timezone", .kind = VALUE_TIMEZONE},
           uuid_type = {.name = "UUID", .kind = VALUE_UUID};
void datetimes_setup(Evaluator *ev) { (void)ev; }
