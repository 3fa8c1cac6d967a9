/* What an unknown name must be, by how it is used. */
#ifndef ORMC_DJANGO_GUESS_H
#define ORMC_DJANGO_GUESS_H

#include "compiler/evaluate/native.h"

/* NativeFamily.guess_name */
Value *django_guess_name(Evaluator *ev, Atom name, Slice attribute, bool awaited, const Node *site);

#endif
