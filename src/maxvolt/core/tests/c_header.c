/* The header is C, too. */
#include "maxvolt.h"

int interface_seen_from_c(void) { return maxvolt_interface(); }
