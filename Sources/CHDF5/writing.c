#include "chdf5.h"

#include <hdf5.h>

#include "types.h"

void chdf5_prepare(void) {
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
}

chdf5_id chdf5_create_file(const char *path) { return H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT); }

chdf5_id chdf5_create_group(chdf5_id parent, const char *name) {
  return H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

bool chdf5_close(chdf5_id object) {
  return (H5Iget_type(object) == H5I_FILE ? H5Fclose(object) : H5Oclose(object)) >= 0;
}

// h5py's type of booleans.
static hid_t bool_type(void) {
  hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  int8_t no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

static bool write_array(
  hid_t group, const char *name, hid_t type, int rank, const uint64_t *sizes, const void *values) {
  if (rank < 1 || rank > 32) return false;
  hsize_t now[32], most[32], chunk[32];
  size_t row = H5Tget_size(type);
  for (int i = 0; i < rank; i++) {
    now[i] = most[i] = sizes[i];
    chunk[i] = sizes[i] > 0 ? sizes[i] : 1;
    if (i > 0) row *= chunk[i];
  }
  most[0] = H5S_UNLIMITED;
  // Chunks of at most a mebibyte, or one row.
  hsize_t rows = row < (1 << 20) ? (1 << 20) / row : 1;
  if (chunk[0] > rows) chunk[0] = rows;
  hid_t space = H5Screate_simple(rank, now, most), plan = H5Pcreate(H5P_DATASET_CREATE);
  bool done = space >= 0 && plan >= 0 && H5Pset_chunk(plan, rank, chunk) >= 0;
  hid_t dataset = done ? H5Dcreate2(group, name, type, space, H5P_DEFAULT, plan, H5P_DEFAULT) : -1;
  done = dataset >= 0 && (sizes[0] == 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  if (dataset >= 0) H5Dclose(dataset);
  if (plan >= 0) H5Pclose(plan);
  if (space >= 0) H5Sclose(space);
  return done;
}

bool chdf5_write(
  chdf5_id group, const char *name, chdf5_type type, int rank, const uint64_t *sizes, const void *values) {
  if (type != chdf5_bool) return write_array(group, name, chdf5_memory_type(type), rank, sizes, values);
  hid_t boolean = bool_type();
  bool done = write_array(group, name, boolean, rank, sizes, values);
  H5Tclose(boolean);
  return done;
}

bool chdf5_write_text(chdf5_id group, const char *name, size_t count, const char *const *texts) {
  hid_t type = H5Tcopy(H5T_C_S1);
  uint64_t size = count;
  bool done = H5Tset_size(type, H5T_VARIABLE) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0 &&
    write_array(group, name, type, 1, &size, texts);
  H5Tclose(type);
  return done;
}

bool chdf5_write_attribute(chdf5_id object, const char *name, int64_t value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT);
  bool done = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return done;
}
