/* The holds of an environment. */
#include "holds.h"

#include <stdlib.h>
#include <string.h>

enum { SLOT_BITS = 20, SLOT_LIMIT = 1 << SLOT_BITS };

struct hold_slot {
  int64_t handle; /* 0: free */
  lock_file file;
  char *path; /* kept from hold to hold, so that most holds allocate nothing */
  size_t path_size;
  int next_free;
};

/* Process-wide, so that no two environments hand out the same number. */
#ifndef FIRST_GENERATION
#define FIRST_GENERATION 0
#endif
static atomic_llong generation = FIRST_GENERATION;

/* A handle has to fit into the 53 bits of a number: after 2^33 generations the count starts again at 1. */
int64_t generation_next(void) {
  const int64_t last = (INT64_C(1) << (53 - SLOT_BITS)) - 1;
  return (int64_t)((uint64_t)atomic_fetch_add(&generation, 1) % (uint64_t)last) + 1;
}

static bool slots_grow(holds *self) {
  int count = self->slot_count == 0 ? 8 : self->slot_count * 2;
  if (count > SLOT_LIMIT) return false;
  hold_slot *slots = realloc(self->slots, (size_t)count * sizeof *slots);
  if (slots == NULL) return false;
  for (int i = self->slot_count; i < count; i++) {
    slots[i] = (hold_slot){.next_free = i + 1 < count ? i + 1 : -1};
  }
  self->first_free = self->slot_count;
  self->slots = slots;
  self->slot_count = count;
  return true;
}

static bool slot_keep_path(hold_slot *self, const char *path) {
  size_t size = strlen(path) + 1;
  if (size > self->path_size) {
    char *grown = realloc(self->path, size);
    if (grown == NULL) return false;
    self->path = grown;
    self->path_size = size;
  }
  memcpy(self->path, path, size);
  return true;
}

int64_t hold_add(holds *self, lock_file *file, const char *path) {
  if (self->first_free < 0 && !slots_grow(self)) goto refused;
  int index = self->first_free;
  hold_slot *found = &self->slots[index];
  if (!slot_keep_path(found, path)) goto refused;
  self->first_free = found->next_free;
  found->file = *file;
  found->handle = generation_next() * SLOT_LIMIT + index;
  return found->handle;
refused:
  lock_release(file);
  return -ENOMEM;
}

static hold_slot *slot_find(holds *self, int64_t handle) {
  int64_t index = handle % SLOT_LIMIT;
  if (handle <= 0 || index >= self->slot_count) return NULL;
  return self->slots[index].handle == handle ? &self->slots[index] : NULL;
}

const lock_file *hold_find(holds *self, int64_t handle, const char **path) {
  hold_slot *found = slot_find(self, handle);
  if (found == NULL) return NULL;
  *path = found->path;
  return &found->file;
}

bool hold_is_of(const holds *self, uint64_t device, uint64_t inode) {
  for (int i = 0; i < self->slot_count; i++) {
    const hold_slot *hold = &self->slots[i];
    if (hold->handle != 0 && hold->file.inode == inode && hold->file.device == device) return true;
  }
  return false;
}

bool hold_remove(holds *self, int64_t handle, lock_file *file) {
  hold_slot *found = slot_find(self, handle);
  if (found == NULL) return false;
  *file = found->file;
  found->handle = 0;
  found->next_free = self->first_free;
  self->first_free = (int)(found - self->slots);
  return true;
}

int64_t hold_pass_on(holds *self, int64_t handle, const lock_request *request) {
  hold_slot *found = slot_find(self, handle);
  if (found == NULL) return -EBADF;
  lock_request next = *request;
  next.path = found->path;
  int result = lock_pass_on(&found->file, &next);
  if (result < 0) return result;
  found->handle = generation_next() * SLOT_LIMIT + (found - self->slots);
  return found->handle;
}

void holds_close(holds *self) {
  for (int i = 0; i < self->slot_count; i++) {
    if (self->slots[i].handle != 0) lock_release(&self->slots[i].file);
    free(self->slots[i].path);
  }
  free(self->slots);
}
