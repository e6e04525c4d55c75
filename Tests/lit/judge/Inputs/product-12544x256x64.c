#define M 12544
#define N 256
#define K 64
#define SCALE (1.0f / (1 << 10))
#include "product.h"
