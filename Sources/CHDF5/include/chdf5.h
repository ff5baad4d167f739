// What Guerdon needs of the HDF5 library: groups, arrays of numbers or text, and integers as attributes.
//
// Functions that return a bool are false on failure; an id is negative. HDF5 is not safe for threads: the caller lets one
// in at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t chdf5_id;

typedef enum chdf5_type {
  chdf5_bool,  // bytes, 0 or 1
  chdf5_uint8,
  chdf5_int64,
  chdf5_float32,
  chdf5_float64,
  chdf5_text,
  chdf5_unknown
} chdf5_type;

typedef enum chdf5_kind { chdf5_missing, chdf5_group, chdf5_dataset, chdf5_link, chdf5_other } chdf5_kind;

typedef struct chdf5_shape {
  chdf5_type type;
  int rank;
  uint64_t sizes[32];
  // Its bytes are in another file, or need code that is not HDF5's own.
  bool is_foreign;
} chdf5_shape;

/// Keeps HDF5 from printing its errors and from loading plugins.
void chdf5_prepare(void);

chdf5_id chdf5_create_file(const char *path);
/// For reading only.
chdf5_id chdf5_open_file(const char *path);
chdf5_id chdf5_create_group(chdf5_id parent, const char *name);
/// Opens a member of a group; a soft or external link is not followed.
chdf5_id chdf5_open_member(chdf5_id group, const char *name, chdf5_kind *kind);
/// Closes a file, a group or a dataset.
bool chdf5_close(chdf5_id object);

int64_t chdf5_member_count(chdf5_id group);
/// The name's length, negative on failure; `name` is cut to `size`.
int64_t chdf5_member_name(chdf5_id group, int64_t index, char *name, size_t size);

bool chdf5_describe(chdf5_id dataset, chdf5_shape *shape);
/// Reads all values, as the type that `chdf5_describe` named.
bool chdf5_read(chdf5_id dataset, chdf5_type type, void *values);
/// Hands all texts to `take`, one after another.
bool chdf5_read_text(
  chdf5_id dataset, size_t count, void (*take)(void *context, const char *text, size_t length), void *context);

/// Writes an array that can grow along its first axis.
bool chdf5_write(
  chdf5_id group, const char *name, chdf5_type type, int rank, const uint64_t *sizes, const void *values);
bool chdf5_write_text(chdf5_id group, const char *name, size_t count, const char *const *texts);

bool chdf5_write_attribute(chdf5_id object, const char *name, int64_t value);
bool chdf5_read_attribute(chdf5_id object, const char *name, int64_t *value);
