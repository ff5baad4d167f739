#pragma once
#include <hdf5.h>

#include "chdf5.h"

/// HDF5's type of numbers in memory.
static inline hid_t chdf5_memory_type(chdf5_type type) {
  switch (type) {
    case chdf5_uint8: return H5T_NATIVE_UINT8;
    case chdf5_int64: return H5T_NATIVE_INT64;
    case chdf5_float32: return H5T_NATIVE_FLOAT;
    case chdf5_float64: return H5T_NATIVE_DOUBLE;
    default: return -1;
  }
}
