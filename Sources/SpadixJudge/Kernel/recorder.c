// Calls a kernel and writes down its commands: recorder FILE. Built and run by spadix judge, with limits on time and memory.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

// RECORDER_BASE, RECORDER_BYTES, RECORDER_COMMANDS, RECORDER_SECONDS, RECORDER_MEMORY, and recorder_call().
#include "recorder.h"

enum { TOO_MANY = 70, NO_MEMORY = 71, NO_FILE = 72 };

static uint64_t buffer[3 * 4096];
static unsigned used;
static unsigned long total;
static int file;

static void flush(void) {
  const char *bytes = (const char *)buffer;
  size_t rest = used * sizeof buffer[0];
  while (rest > 0) {
    ssize_t written = write(file, bytes, rest);
    if (written <= 0) _exit(NO_FILE);
    bytes += written;
    rest -= (size_t)written;
  }
  used = 0;
}

void spadix_record(unsigned funct, uint64_t rs1, uint64_t rs2) {
  if (total++ >= RECORDER_COMMANDS) _exit(TOO_MANY);
  buffer[used] = funct;
  buffer[used + 1] = rs1;
  buffer[used + 2] = rs2;
  used += 3;
  if (used == sizeof buffer / sizeof buffer[0]) flush();
}

/// The hard limit lies one above: of two equal limits on time, the kernel sends the signal that says nothing.
static void limit(int resource, rlim_t value) {
  struct rlimit it = {value, value + 1};
  setrlimit(resource, &it);
}

int main(int count, char **arguments) {
  if (count != 2) return NO_FILE;
  file = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return NO_FILE;
  // Tensors are the accelerator's: no byte of them can be read or written here.
  void *base = (void *)(uintptr_t)RECORDER_BASE;
  void *mapped = mmap(base, RECORDER_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped != base) return NO_MEMORY;
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, RECORDER_SECONDS);
  limit(RLIMIT_AS, (rlim_t)RECORDER_BYTES + RECORDER_MEMORY);
  limit(RLIMIT_FSIZE, (rlim_t)RECORDER_COMMANDS * 24 + 4096);
  // Sleeping takes no processor time.
  alarm(2 * RECORDER_SECONDS);
  recorder_call();
  // A last command of its own tells a kernel that returned from one that ended the process.
  total = 0;
  spadix_record(0xFFFF, 0, 0);
  flush();
  _exit(0);
}
