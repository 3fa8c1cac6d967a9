/* The contrib apps' models as Python text, made from compiler/django/contrib at build time. */
#ifndef ORMC_DJANGO_CONTRIB_H
#define ORMC_DJANGO_CONTRIB_H

#include "compiler/django/model.h"

typedef struct ContribSource {
    const char *app; /* "auth"; NULL ends the table */
    const char *text;
    size_t length;
} ContribSource;
extern const ContribSource contrib_sources[];

/* Evaluates the models of one app in the module `django.contrib.APP.models`. */
void contrib_setup(Evaluator *ev, ModuleValue *module);

#endif
