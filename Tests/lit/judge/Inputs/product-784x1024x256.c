#define M 784
#define N 1024
#define K 256
#define SCALE (1.0f / (1 << 11))
#include "product.h"
