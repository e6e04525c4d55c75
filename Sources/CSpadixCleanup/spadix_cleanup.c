#include "spadix_cleanup.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A list that only grows, so that a signal handler can walk it at any moment.
struct spadix_leftover {
  struct spadix_leftover *next;
  atomic_bool is_pending;
  bool is_folder;
  char path[];
};

static _Atomic(spadix_leftover *) newest;
static atomic_int holds;
static atomic_int waiting;

// unlink and rmdir are safe in signal handlers. Newest first: files go before the folders made for them.
static void remove_leftovers(void) {
  for (spadix_leftover *it = atomic_load(&newest); it; it = it->next) {
    if (!atomic_exchange(&it->is_pending, false)) continue;
    if (it->is_folder) rmdir(it->path);
    else unlink(it->path);
  }
}

static void end(int number) {
  if (atomic_load(&holds) > 0) {
    atomic_store(&waiting, number);
    return;
  }
  remove_leftovers();
  signal(number, SIG_DFL);
  raise(number);
}

static void watch(int number) {
  struct sigaction current;
  if (sigaction(number, NULL, &current) != 0 || current.sa_handler != SIG_DFL) return;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = end;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

spadix_leftover *spadix_leftover_add(const char *path, bool is_folder) {
  static atomic_flag is_registered = ATOMIC_FLAG_INIT;
  if (!atomic_flag_test_and_set(&is_registered)) atexit(remove_leftovers);
  watch(SIGINT);
  watch(SIGTERM);
  watch(SIGHUP);
  size_t length = strlen(path) + 1;
  spadix_leftover *entry = malloc(sizeof *entry + length);
  if (!entry) return NULL;
  entry->is_folder = is_folder;
  memcpy(entry->path, path, length);
  atomic_init(&entry->is_pending, true);
  entry->next = atomic_load(&newest);
  while (!atomic_compare_exchange_weak(&newest, &entry->next, entry)) {}
  return entry;
}

void spadix_leftover_keep(spadix_leftover *leftover) { atomic_store(&leftover->is_pending, false); }

void spadix_signals_hold(void) { atomic_fetch_add(&holds, 1); }

void spadix_signals_release(void) {
  if (atomic_fetch_sub(&holds, 1) > 1) return;
  int number = atomic_exchange(&waiting, 0);
  if (number) end(number);
}
