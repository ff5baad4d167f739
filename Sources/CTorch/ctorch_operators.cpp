// Elementwise operators, reductions, shapes and indexing.
#include "support.h"

#include <ATen/Functions.h>
#include <ATen/TensorIndexing.h>

using namespace ct;

namespace {

std::vector<at::indexing::TensorIndex> tensor_indices(const ct_index *indices, int64_t count) {
  using namespace at::indexing;
  std::vector<TensorIndex> result;
  for (int64_t i = 0; i < count; ++i) {
    const ct_index &index = indices[i];
    switch (index.kind) {
      case CT_AT: result.emplace_back(index.start); break;
      case CT_SLICE: result.emplace_back(Slice(index.start, index.stop, index.step)); break;
      case CT_ELLIPSIS: result.emplace_back(Ellipsis); break;
      case CT_NEW_AXIS: result.emplace_back(None); break;
      case CT_BY_TENSOR: result.emplace_back(ref(index.tensor)); break;
    }
  }
  return result;
}

std::vector<int64_t> all_dims(const at::Tensor &x) {
  std::vector<int64_t> dims(static_cast<size_t>(x.dim()));
  for (size_t i = 0; i < dims.size(); ++i) dims[i] = static_cast<int64_t>(i);
  return dims;
}

// Reductions that have no overload for "all dimensions" are called with each of them.
at::Tensor logsumexp(const at::Tensor &x, at::OptionalIntArrayRef dims, bool keepdim) {
  return dims ? at::logsumexp(x, *dims, keepdim) : at::logsumexp(x, all_dims(x), keepdim);
}
at::Tensor amin(const at::Tensor &x, at::OptionalIntArrayRef dims, bool keepdim) {
  return at::amin(x, dims ? *dims : at::IntArrayRef(), keepdim);
}
at::Tensor amax(const at::Tensor &x, at::OptionalIntArrayRef dims, bool keepdim) {
  return at::amax(x, dims ? *dims : at::IntArrayRef(), keepdim);
}
using at::all;
using at::any;
using at::mean;
using at::sum;

at::Tensor view(const at::Tensor &x, at::IntArrayRef sizes) { return x.view(sizes); }
at::Tensor expand(const at::Tensor &x, at::IntArrayRef sizes) { return x.expand(sizes); }
at::Tensor repeat(const at::Tensor &x, at::IntArrayRef sizes) { return x.repeat(sizes); }
using at::flip;
using at::permute;
using at::reshape;

}  // namespace

extern "C" {

#define CT_DEFINE_UNARY(name) \
  ct_tensor ct_##name(ct_tensor x) { return tensor_from([&] { return at::name(ref(x)); }); }
CT_UNARY(CT_DEFINE_UNARY)

#define CT_DEFINE_BINARY(name) \
  ct_tensor ct_##name(ct_tensor x, ct_tensor y) { return tensor_from([&] { return at::name(ref(x), ref(y)); }); }
CT_BINARY(CT_DEFINE_BINARY)

#define CT_DEFINE_SCALAR(name)                                   \
  ct_tensor ct_##name##_scalar(ct_tensor x, ct_scalar s) {       \
    return tensor_from([&] { return at::name(ref(x), scalar(s)); }); \
  }
CT_SCALAR(CT_DEFINE_SCALAR)

ct_tensor ct_scalar_pow(ct_scalar base, ct_tensor exponent) {
  return tensor_from([&] { return at::pow(scalar(base), ref(exponent)); });
}
ct_tensor ct_clamp(ct_tensor x, const ct_scalar *min, const ct_scalar *max) {
  return tensor_from([&] {
    std::optional<at::Scalar> low, high;
    if (min) low = scalar(*min);
    if (max) high = scalar(*max);
    return at::clamp(ref(x), low, high);
  });
}
ct_tensor ct_gelu(ct_tensor x, const char *approximate) {
  return tensor_from([&] { return at::gelu(ref(x), approximate); });
}
ct_tensor ct_softplus(ct_tensor x, double beta, double threshold) {
  return tensor_from([&] { return at::softplus(ref(x), beta, threshold); });
}
ct_tensor ct_nan_to_num(ct_tensor x, double nan, const double *positive, const double *negative) {
  return tensor_from([&] {
    std::optional<double> high, low;
    if (positive) high = *positive;
    if (negative) low = *negative;
    return at::nan_to_num(ref(x), nan, high, low);
  });
}
ct_tensor ct_where(ct_tensor condition, ct_tensor x, ct_tensor y) {
  return tensor_from([&] { return at::where(ref(condition), ref(x), ref(y)); });
}
ct_tensor ct_where_else_scalar(ct_tensor condition, ct_tensor x, ct_scalar y) {
  return tensor_from([&] { return at::where(ref(condition), ref(x), scalar(y)); });
}
ct_tensor ct_where_then_scalar(ct_tensor condition, ct_scalar x, ct_tensor y) {
  return tensor_from([&] { return at::where(ref(condition), scalar(x), ref(y)); });
}
ct_tensor ct_masked_fill(ct_tensor x, ct_tensor mask, ct_scalar value) {
  return tensor_from([&] { return at::masked_fill(ref(x), ref(mask), scalar(value)); });
}
ct_tensor ct_lerp(ct_tensor x, ct_tensor end, double weight) {
  return tensor_from([&] { return at::lerp(ref(x), ref(end), weight); });
}
ct_tensor ct_polygamma(int64_t order, ct_tensor x) {
  return tensor_from([&] { return at::polygamma(order, ref(x)); });
}

#define CT_DEFINE_ALONG(name) \
  ct_tensor ct_##name(ct_tensor x, int64_t dim) { return tensor_from([&] { return at::name(ref(x), dim); }); }
CT_ALONG(CT_DEFINE_ALONG)

#define CT_DEFINE_REDUCTION(name)                                                        \
  ct_tensor ct_##name(ct_tensor x, const int64_t *dims, int64_t count, bool keepdim) {   \
    return tensor_from([&] { return name(ref(x), dims_or_all(dims, count), keepdim); }); \
  }
CT_REDUCTION(CT_DEFINE_REDUCTION)

ct_tensor ct_var(ct_tensor x, const int64_t *dims, int64_t count, double correction, bool keepdim) {
  return tensor_from([&] { return at::var(ref(x), dims_or_all(dims, count), at::Scalar(correction), keepdim); });
}
ct_tensor ct_std(ct_tensor x, const int64_t *dims, int64_t count, double correction, bool keepdim) {
  return tensor_from([&] { return at::std(ref(x), dims_or_all(dims, count), at::Scalar(correction), keepdim); });
}
ct_tensor ct_vector_norm(ct_tensor x, double order, const int64_t *dims, int64_t count, bool keepdim) {
  return tensor_from([&] { return at::linalg_vector_norm(ref(x), order, dims_or_all(dims, count), keepdim); });
}
ct_tensor ct_prod(ct_tensor x, const int64_t *dim, bool keepdim) {
  return tensor_from([&] { return dim ? at::prod(ref(x), *dim, keepdim) : at::prod(ref(x)); });
}
ct_tensor ct_argmax(ct_tensor x, const int64_t *dim, bool keepdim) {
  return tensor_from([&] { return at::argmax(ref(x), int_if_any(dim), keepdim); });
}
ct_tensor ct_argmin(ct_tensor x, const int64_t *dim, bool keepdim) {
  return tensor_from([&] { return at::argmin(ref(x), int_if_any(dim), keepdim); });
}
ct_tensor ct_max(ct_tensor x) {
  return tensor_from([&] { return at::max(ref(x)); });
}
ct_tensor ct_min(ct_tensor x) {
  return tensor_from([&] { return at::min(ref(x)); });
}
int ct_max_dim(ct_tensor x, int64_t dim, bool keepdim, ct_tensor *out) {
  return status_of([&] { hand_out(at::max(ref(x), dim, keepdim), out); });
}
int ct_min_dim(ct_tensor x, int64_t dim, bool keepdim, ct_tensor *out) {
  return status_of([&] { hand_out(at::min(ref(x), dim, keepdim), out); });
}
int ct_sort(ct_tensor x, int64_t dim, bool descending, ct_tensor *out) {
  // Stable, so that ties come in one order on every machine.
  return status_of([&] { hand_out(at::sort(ref(x), /*stable=*/true, dim, descending), out); });
}
int ct_topk(ct_tensor x, int64_t k, int64_t dim, bool largest, ct_tensor *out) {
  return status_of([&] { hand_out(at::topk(ref(x), k, dim, largest, /*sorted=*/true), out); });
}
int ct_cummax(ct_tensor x, int64_t dim, ct_tensor *out) {
  return status_of([&] { hand_out(at::cummax(ref(x), dim), out); });
}
int ct_cummin(ct_tensor x, int64_t dim, ct_tensor *out) {
  return status_of([&] { hand_out(at::cummin(ref(x), dim), out); });
}
int ct_median(ct_tensor x, int64_t dim, bool keepdim, ct_tensor *out) {
  return status_of([&] { hand_out(at::median(ref(x), dim, keepdim), out); });
}
ct_tensor ct_quantile(ct_tensor x, double q, const int64_t *dim, bool keepdim) {
  return tensor_from([&] { return at::quantile(ref(x), q, int_if_any(dim), keepdim); });
}
int ct_unique(ct_tensor x, const int64_t *dim, ct_tensor *out) {
  return status_of([&] {
    hand_out(dim ? at::unique_dim(ref(x), *dim, /*sorted=*/true, /*return_inverse=*/true, /*return_counts=*/true)
                 : at::_unique2(ref(x), /*sorted=*/true, /*return_inverse=*/true, /*return_counts=*/true),
             out);
  });
}
ct_tensor ct_bincount(ct_tensor x, ct_tensor weights, int64_t minimum_length) {
  return tensor_from([&] { return at::bincount(ref(x), ref_if_any(weights), minimum_length); });
}
ct_tensor ct_searchsorted(ct_tensor sorted, ct_tensor values, bool right) {
  return tensor_from([&] { return at::searchsorted(ref(sorted), ref(values), /*out_int32=*/false, right); });
}

#define CT_DEFINE_SHAPED(name)                                               \
  ct_tensor ct_##name(ct_tensor x, const int64_t *sizes, int64_t count) {    \
    return tensor_from([&] { return name(ref(x), ints(sizes, count)); });    \
  }
CT_SHAPED(CT_DEFINE_SHAPED)

ct_tensor ct_squeeze_dim(ct_tensor x, int64_t dim) {
  return tensor_from([&] { return at::squeeze(ref(x), dim); });
}
ct_tensor ct_transpose(ct_tensor x, int64_t first, int64_t second) {
  return tensor_from([&] { return at::transpose(ref(x), first, second); });
}
ct_tensor ct_flatten(ct_tensor x, int64_t start, int64_t end) {
  return tensor_from([&] { return at::flatten(ref(x), start, end); });
}
ct_tensor ct_contiguous(ct_tensor x) {
  return tensor_from([&] { return ref(x).contiguous(); });
}
ct_tensor ct_select(ct_tensor x, int64_t dim, int64_t index) {
  return tensor_from([&] { return at::select(ref(x), dim, index); });
}
ct_tensor ct_narrow(ct_tensor x, int64_t dim, int64_t start, int64_t length) {
  return tensor_from([&] { return at::narrow(ref(x), dim, start, length); });
}
ct_tensor ct_diagonal(ct_tensor x, int64_t offset, int64_t first, int64_t second) {
  return tensor_from([&] { return at::diagonal(ref(x), offset, first, second); });
}
ct_tensor ct_diag_embed(ct_tensor x, int64_t offset) {
  return tensor_from([&] { return at::diag_embed(ref(x), offset); });
}
ct_tensor ct_tril(ct_tensor x, int64_t diagonal) {
  return tensor_from([&] { return at::tril(ref(x), diagonal); });
}
ct_tensor ct_triu(ct_tensor x, int64_t diagonal) {
  return tensor_from([&] { return at::triu(ref(x), diagonal); });
}
ct_tensor ct_cat(const ct_tensor *tensors, int64_t count, int64_t dim) {
  return tensor_from([&] { return at::cat(list(tensors, count), dim); });
}
ct_tensor ct_stack(const ct_tensor *tensors, int64_t count, int64_t dim) {
  return tensor_from([&] { return at::stack(list(tensors, count), dim); });
}
ct_tensor ct_one_hot(ct_tensor x, int64_t classes) {
  return tensor_from([&] { return at::one_hot(ref(x), classes); });
}
ct_tensor ct_movedim(ct_tensor x, int64_t source, int64_t destination) {
  return tensor_from([&] { return at::movedim(ref(x), source, destination); });
}
ct_tensor ct_roll(ct_tensor x, const int64_t *shifts, const int64_t *dims, int64_t count) {
  return tensor_from([&] { return at::roll(ref(x), ints(shifts, count), ints(dims, count)); });
}
ct_tensor ct_repeat_interleave(ct_tensor x, int64_t times, int64_t dim) {
  return tensor_from([&] { return at::repeat_interleave(ref(x), times, dim); });
}
ct_tensor ct_diff(ct_tensor x, int64_t order, int64_t dim) {
  return tensor_from([&] { return at::diff(ref(x), order, dim); });
}
ct_tensor ct_windows(ct_tensor x, int64_t dim, int64_t size, int64_t step) {
  return tensor_from([&] { return ref(x).unfold(dim, size, step); });
}
ct_tensor ct_pad(ct_tensor x, const int64_t *widths, int64_t count, const char *mode, double value) {
  return tensor_from([&] {
    bool constant = std::string_view(mode) == "constant";
    return at::pad(ref(x), ints(widths, count), mode, constant ? std::optional<double>(value) : std::nullopt);
  });
}

ct_tensor ct_index_get(ct_tensor x, const ct_index *indices, int64_t count) {
  return tensor_from([&] { return ref(x).index(tensor_indices(indices, count)); });
}
int ct_index_put(ct_tensor x, const ct_index *indices, int64_t count, ct_tensor value) {
  return status_of([&] { ref(x).index_put_(tensor_indices(indices, count), ref(value)); });
}
ct_tensor ct_gather(ct_tensor x, int64_t dim, ct_tensor index) {
  return tensor_from([&] { return at::gather(ref(x), dim, ref(index)); });
}
ct_tensor ct_index_select(ct_tensor x, int64_t dim, ct_tensor index) {
  return tensor_from([&] { return at::index_select(ref(x), dim, ref(index)); });
}
ct_tensor ct_scatter(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source) {
  return tensor_from([&] { return at::scatter(ref(x), dim, ref(index), ref(source)); });
}
ct_tensor ct_scatter_add(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source) {
  return tensor_from([&] { return at::scatter_add(ref(x), dim, ref(index), ref(source)); });
}
ct_tensor ct_index_add(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source) {
  return tensor_from([&] { return at::index_add(ref(x), dim, ref(index), ref(source)); });
}
ct_tensor ct_index_copy(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source) {
  return tensor_from([&] { return at::index_copy(ref(x), dim, ref(index), ref(source)); });
}
ct_tensor ct_index_fill(ct_tensor x, int64_t dim, ct_tensor index, ct_scalar value) {
  return tensor_from([&] { return at::index_fill(ref(x), dim, ref(index), scalar(value)); });
}
ct_tensor ct_scatter_reduce(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source, const char *reduce,
                            bool include_self) {
  return tensor_from([&] { return at::scatter_reduce(ref(x), dim, ref(index), ref(source), reduce, include_self); });
}
ct_tensor ct_masked_scatter(ct_tensor x, ct_tensor mask, ct_tensor source) {
  return tensor_from([&] { return at::masked_scatter(ref(x), ref(mask), ref(source)); });
}

}  // extern "C"
