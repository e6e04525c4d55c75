#include "spadix_kernels.h"
