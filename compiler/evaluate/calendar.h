/*
 * The proleptic Gregorian calendar and time zones, as datetime and the ORMs need them. Days count from 1970-01-01,
 * microseconds from its midnight. Zones come from the system's tz database.
 */
#ifndef ORMC_EVALUATE_CALENDAR_H
#define ORMC_EVALUATE_CALENDAR_H

#include "compiler/evaluate/native.h"

int64_t calendar_days(int64_t year, int month, int day);
void calendar_date(int64_t days, int *year, int *month, int *day);
bool calendar_valid(int64_t year, int64_t month, int64_t day);

/* Microseconds of the wall clock, zone left aside; and back. */
int64_t datetime_ticks(const DateTimeValue *value);
void datetime_from_ticks(int64_t ticks, DateTimeValue *parts);
/* Seconds east of UTC at this wall time. False: no such zone on this system. */
bool zone_offset_local(Evaluator *ev, const Value *zone, int64_t local_ticks, int fold, int *seconds);
/* What tzname(None) says of a zone, else its name: "UTC", "-10" for Etc/GMT+10, "Europe/Paris". */
Slice zone_title(Evaluator *ev, const Value *zone);
/* The same instant in another zone; NULL zone: naive, in UTC. Raises where a zone is not known. */
Value *datetime_in_zone(Evaluator *ev, const DateTimeValue *value, Value *zone, const Node *site);
/* 2024-05-17T12:30:45.000123+02:00; `separator` stands between date and time. */
Slice datetime_isoformat(Evaluator *ev, const DateTimeValue *value, char separator);
Slice time_isoformat(Evaluator *ev, const TimeValue *value);
Slice date_isoformat(Evaluator *ev, const DateValue *value);

#endif
