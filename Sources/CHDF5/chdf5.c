#include "chdf5.h"

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

void chdf5_prepare(void) {
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
}

// MARK: Objects

chdf5_id chdf5_create_file(const char *path) { return H5Fcreate(path, H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT); }

chdf5_id chdf5_open_file(const char *path) { return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT); }

chdf5_id chdf5_create_group(chdf5_id parent, const char *name) {
  return H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
}

chdf5_id chdf5_open_member(chdf5_id group, const char *name, chdf5_kind *kind) {
  *kind = chdf5_missing;
  if (H5Lexists(group, name, H5P_DEFAULT) <= 0) return -1;
  H5L_info_t link;
  *kind = chdf5_other;
  if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0) return -1;
  *kind = chdf5_link;
  if (link.type != H5L_TYPE_HARD) return -1;
  hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  *kind = chdf5_other;
  if (object < 0) return -1;
  H5I_type_t type = H5Iget_type(object);
  if (type == H5I_GROUP) *kind = chdf5_group;
  if (type == H5I_DATASET) *kind = chdf5_dataset;
  return object;
}

bool chdf5_close(chdf5_id object) {
  return (H5Iget_type(object) == H5I_FILE ? H5Fclose(object) : H5Oclose(object)) >= 0;
}

int64_t chdf5_member_count(chdf5_id group) {
  H5G_info_t info;
  return H5Gget_info(group, &info) < 0 ? -1 : (int64_t)info.nlinks;
}

int64_t chdf5_member_name(chdf5_id group, int64_t index, char *name, size_t size) {
  return H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, (hsize_t)index, name, size, H5P_DEFAULT);
}

// MARK: Reading

static chdf5_type type_of(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return H5Tget_size(type) == 1 && H5Tget_sign(type) == H5T_SGN_NONE ? chdf5_uint8 : chdf5_int64;
    case H5T_FLOAT: return H5Tget_size(type) <= 4 ? chdf5_float32 : chdf5_float64;
    case H5T_ENUM: return H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 ? chdf5_bool : chdf5_unknown;
    case H5T_STRING: return chdf5_text;
    default: return chdf5_unknown;
  }
}

static bool is_foreign(hid_t dataset) {
  hid_t plan = H5Dget_create_plist(dataset);
  if (plan < 0) return true;
  bool foreign = H5Pget_external_count(plan) != 0 || H5Pget_layout(plan) == H5D_VIRTUAL;
  int filters = H5Pget_nfilters(plan);
  for (int i = 0; i < filters && !foreign; i++) {
    unsigned flags = 0;
    size_t values = 0;
    H5Z_filter_t filter = H5Pget_filter2(plan, (unsigned)i, &flags, &values, NULL, 0, NULL, NULL);
    foreign = filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32 &&
      filter != H5Z_FILTER_NBIT && filter != H5Z_FILTER_SCALEOFFSET;
  }
  H5Pclose(plan);
  return foreign || filters < 0;
}

bool chdf5_describe(chdf5_id dataset, chdf5_shape *shape) {
  hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
  bool known = type >= 0 && space >= 0;
  shape->rank = known ? H5Sget_simple_extent_ndims(space) : -1;
  known = shape->rank >= 0 && shape->rank <= 32;
  hsize_t sizes[32];
  known = known && H5Sget_simple_extent_dims(space, sizes, NULL) >= 0;
  for (int i = 0; known && i < shape->rank; i++) shape->sizes[i] = sizes[i];
  if (known) shape->type = type_of(type);
  shape->is_foreign = is_foreign(dataset);
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return known;
}

static hid_t memory_type(chdf5_type type) {
  switch (type) {
    case chdf5_uint8: return H5T_NATIVE_UINT8;
    case chdf5_int64: return H5T_NATIVE_INT64;
    case chdf5_float32: return H5T_NATIVE_FLOAT;
    case chdf5_float64: return H5T_NATIVE_DOUBLE;
    default: return -1;
  }
}

bool chdf5_read(chdf5_id dataset, chdf5_type type, void *values) {
  if (type != chdf5_bool) return H5Dread(dataset, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  // An enumeration's bytes, as they are.
  hid_t own = H5Dget_type(dataset);
  bool done = own >= 0 && H5Tget_size(own) == 1 && H5Dread(dataset, own, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
  if (own >= 0) H5Tclose(own);
  return done;
}

bool chdf5_read_text(
  chdf5_id dataset, size_t count, void (*take)(void *context, const char *text, size_t length), void *context) {
  hid_t own = H5Dget_type(dataset);
  if (own < 0) return false;
  bool done = false;
  if (H5Tis_variable_str(own) > 0) {
    hid_t space = H5Dget_space(dataset), type = H5Tcopy(H5T_C_S1);
    char **texts = calloc(count + 1, sizeof *texts);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5Tget_cset(own));
    done = texts && space >= 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    for (size_t i = 0; done && i < count; i++) take(context, texts[i] ? texts[i] : "", texts[i] ? strlen(texts[i]) : 0);
    if (done) H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    free(texts);
    H5Tclose(type);
    if (space >= 0) H5Sclose(space);
  } else {
    size_t size = H5Tget_size(own);
    char *texts = size > 0 && size < (1 << 20) ? calloc(count + 1, size) : NULL;
    done = texts && H5Dread(dataset, own, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    for (size_t i = 0; done && i < count; i++) take(context, texts + i * size, strnlen(texts + i * size, size));
    free(texts);
  }
  H5Tclose(own);
  return done;
}

// MARK: Writing

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
  if (type != chdf5_bool) return write_array(group, name, memory_type(type), rank, sizes, values);
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

// MARK: Attributes

bool chdf5_write_attribute(chdf5_id object, const char *name, int64_t value) {
  hid_t space = H5Screate(H5S_SCALAR);
  hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT64, space, H5P_DEFAULT, H5P_DEFAULT);
  bool done = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0;
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return done;
}

bool chdf5_read_attribute(chdf5_id object, const char *name, int64_t *value) {
  if (H5Aexists(object, name) <= 0) return false;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (attribute < 0) return false;
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  bool done = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_INTEGER && H5Sget_simple_extent_npoints(space) == 1 &&
    H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return done;
}
