#define M 3136
#define N 128
#define K 512
#define SCALE (1.0f / (1 << 11))
#include "product.h"
