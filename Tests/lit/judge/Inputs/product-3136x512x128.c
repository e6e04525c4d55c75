#define M 3136
#define N 512
#define K 128
#define SCALE (1.0f / (1 << 10))
#include "product.h"
