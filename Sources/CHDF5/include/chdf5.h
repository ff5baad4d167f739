// What Guerdon needs of the HDF5 library: groups, arrays of numbers or text, and integers as attributes.
//
// Functions that return a bool are false on failure; an id is negative. HDF5 is not safe for threads: the caller lets
// one in at a time. Nor is it safe from damaged files: they are read in a process of their own, which may die of them.
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

// MARK: Reading, in another process

typedef struct chdf5_reader chdf5_reader;

/// Starts a process that reads; NULL if there is no room for one.
chdf5_reader *chdf5_start_reader(void);
/// Ends the process.
void chdf5_end_reader(chdf5_reader *reader);

chdf5_id chdf5_open_file(chdf5_reader *reader, const char *path);
/// Opens a member of a group; a soft or external link is not followed.
chdf5_id chdf5_open_member(chdf5_reader *reader, chdf5_id group, const char *name, chdf5_kind *kind);
void chdf5_close_object(chdf5_reader *reader, chdf5_id object);

int64_t chdf5_member_count(chdf5_reader *reader, chdf5_id group);
/// The name's length, negative on failure or if it does not fit.
int64_t chdf5_member_name(chdf5_reader *reader, chdf5_id group, int64_t index, char *name, size_t size);

bool chdf5_describe(chdf5_reader *reader, chdf5_id dataset, chdf5_shape *shape);
/// Reads all values, as the type that `chdf5_describe` named.
bool chdf5_read(chdf5_reader *reader, chdf5_id dataset, chdf5_type type, void *values, size_t bytes);
/// Reads all texts of a dataset with one axis or none: the size of each (8 bytes) and its bytes, one after another. The
/// caller frees them; NULL on failure, or if they are more than `limit`.
void *chdf5_read_text(chdf5_reader *reader, chdf5_id dataset, size_t limit, size_t *bytes);
bool chdf5_read_attribute(chdf5_reader *reader, chdf5_id object, const char *name, int64_t *value);

// MARK: Writing

/// Keeps HDF5 from printing its errors and from loading plugins.
void chdf5_prepare(void);

chdf5_id chdf5_create_file(const char *path);
chdf5_id chdf5_create_group(chdf5_id parent, const char *name);
/// Closes a file or a group.
bool chdf5_close(chdf5_id object);

/// Writes an array that can grow along its first axis.
bool chdf5_write(
  chdf5_id group, const char *name, chdf5_type type, int rank, const uint64_t *sizes, const void *values);
bool chdf5_write_text(chdf5_id group, const char *name, size_t count, const char *const *texts);
bool chdf5_write_attribute(chdf5_id object, const char *name, int64_t value);
