#include "kernels_internal.h"

static int usable(const spadix_kernels **found) {
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    found[count++] = &spadix_kernels_vnni;
  if (__builtin_cpu_supports("avx2")) found[count++] = &spadix_kernels_avx2;
#elif defined(__aarch64__)
  found[count++] = &spadix_kernels_neon;
#endif
  found[count++] = &spadix_kernels_c;
  return count;
}

long spadix_packed_size(void) { return sizeof(spadix_packed); }

int spadix_kernel_count(void) {
  const spadix_kernels *found[4];
  return usable(found);
}

const spadix_kernels *spadix_kernel_at(int index) {
  const spadix_kernels *found[4];
  int count = usable(found);
  return found[index < count ? index : count - 1];
}
