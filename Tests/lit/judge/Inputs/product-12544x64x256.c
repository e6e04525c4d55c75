#define M 12544
#define N 64
#define K 256
#define SCALE (1.0f / (1 << 11))
#include "product.h"
