// What the ctorch_*.cpp files share: handles, and the catching of everything LibTorch throws.
#pragma once
#include "ctorch.h"

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <exception>
#include <vector>

namespace ct {

void record_error(const char *message) noexcept;

inline at::Tensor &ref(ct_tensor x) { return *reinterpret_cast<at::Tensor *>(x); }
inline ct_tensor wrap(at::Tensor x) { return reinterpret_cast<ct_tensor>(new at::Tensor(std::move(x))); }
inline at::Tensor ref_or_undefined(ct_tensor x) { return x ? ref(x) : at::Tensor(); }
inline std::optional<at::Tensor> ref_if_any(ct_tensor x) {
  return x ? std::optional<at::Tensor>(ref(x)) : std::nullopt;
}

inline at::Scalar scalar(ct_scalar s) {
  switch (s.kind) {
    case CT_FLOAT: return at::Scalar(s.real);
    case CT_INTEGER: return at::Scalar(s.integer);
    case CT_BOOL: return at::Scalar(s.integer != 0);
  }
  return at::Scalar(s.real);
}

inline at::Device device(ct_device d) {
  return at::Device(static_cast<at::DeviceType>(d.type), static_cast<at::DeviceIndex>(d.index));
}
inline at::TensorOptions options(ct_options o) {
  return at::TensorOptions().dtype(static_cast<at::ScalarType>(o.dtype)).device(device(o.device));
}

inline at::IntArrayRef ints(const int64_t *values, int64_t count) {
  return at::IntArrayRef(values, static_cast<size_t>(count));
}
/// nullopt, meaning all dimensions, for a count of -1.
inline at::OptionalIntArrayRef dims_or_all(const int64_t *values, int64_t count) {
  if (count < 0) return std::nullopt;
  return ints(values, count);
}
inline std::optional<int64_t> int_if_any(const int64_t *value) {
  return value ? std::optional<int64_t>(*value) : std::nullopt;
}
inline std::vector<at::Tensor> list(const ct_tensor *tensors, int64_t count) {
  std::vector<at::Tensor> result;
  result.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) result.push_back(ref_or_undefined(tensors[i]));
  return result;
}

/// Runs `body`; true unless it threw, in which case the message is kept.
template <class Body> bool guarded(Body &&body) noexcept {
  try {
    body();
    return true;
  } catch (const c10::Error &error) {
    record_error(error.what_without_backtrace());
  } catch (const std::exception &error) {
    record_error(error.what());
  } catch (...) {
    record_error("LibTorch threw something that is no exception.");
  }
  return false;
}

template <class Body> ct_tensor tensor_from(Body &&body) noexcept {
  ct_tensor result = nullptr;
  guarded([&] { result = wrap(body()); });
  return result;
}

template <class Body> int status_of(Body &&body) noexcept { return guarded(body) ? 0 : -1; }

/// Hands out the members of a tuple of tensors, all or none.
template <class... T> void hand_out(std::tuple<T...> values, ct_tensor *out) {
  std::apply([&](auto &...value) { ((*out++ = wrap(std::move(value))), ...); }, values);
}

}  // namespace ct
