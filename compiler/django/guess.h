/* What an unknown name must be, by how it is used. */
#ifndef ORMC_DJANGO_GUESS_H
#define ORMC_DJANGO_GUESS_H

#include "compiler/evaluate/native.h"

/* NativeFamily.guess_name */
Value *django_guess_name(Evaluator *ev, Atom name, Slice attribute, bool awaited, const Node *site);

/* NativeFamily.adopt_unknown: adopts nothing, but `Bok.objects` of an unknown `Bok` is a model that is missing. */
Value *django_adopt_unknown(Evaluator *ev, const UnknownValue *unknown, Atom attribute, const Node *site);

#endif
