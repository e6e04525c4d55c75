#include "spadix_glpk.h"
#include <glpk.h>

const char *spadix_glpk_version(void) { return glp_version(); }
