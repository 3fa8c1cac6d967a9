#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/standard.h"
bool value_is_suppress(const Value *value) {
    (void)value;
    return false;
}
const NativeModule standard_modules[] = {{"enum", enum_setup}, {NULL, NULL}};
