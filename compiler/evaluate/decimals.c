#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/types.h"
const Type decimal_type = {.name = "Decimal", .kind = VALUE_DECIMAL};
void decimals_setup(Evaluator *ev) { (void)ev; }
