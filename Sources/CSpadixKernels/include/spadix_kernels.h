#ifndef SPADIX_KERNELS_H
#define SPADIX_KERNELS_H
#endif
