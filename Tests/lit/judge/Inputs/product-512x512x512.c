#define M 512
#define N 512
#define K 512
#define SCALE (1.0f / (1 << 11))
#include "product.h"
