#ifndef SPADIX_GLPK_H
#define SPADIX_GLPK_H
/* The version of the GLPK library that is linked, such as "5.0". */
const char *spadix_glpk_version(void);
#endif
