// A thin C ABI over LibTorch: opaque handles, and no C++ exception ever crosses it.
//
// A function that makes a tensor returns NULL when LibTorch threw; one that fills an output returns 0, or -1 when
// LibTorch threw. The message is then kept for this thread until its next failure: ct_last_error().
// A handle is owned by whoever received it and is given back with ct_free. Arguments are borrowed for the call.
// Dtypes are LibTorch's c10::ScalarType numbers; devices are a c10::DeviceType number and an index.
//
// Functions of one signature are declared from one list, which ctorch_*.cpp defines from too: an operator is one word.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma clang assume_nonnull begin

#define CT_OPTIONAL _Nullable

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;

/// A new tensor, or NULL: see ct_last_error.
#define CT_RESULT ct_tensor CT_OPTIONAL
/// Tensors borrowed for the call.
#define CT_LIST const ct_tensor _Nullable *_Nonnull
/// Room for the tensors that a call makes.
#define CT_OUT ct_tensor _Nullable *_Nonnull

/// A Python-like number: its kind decides type promotion.
typedef enum { CT_FLOAT, CT_INTEGER, CT_BOOL } ct_scalar_kind;
typedef struct {
  ct_scalar_kind kind;
  double real;      // the value, when kind is CT_FLOAT
  int64_t integer;  // the value otherwise
} ct_scalar;

typedef struct { int32_t type; int32_t index; } ct_device;
typedef struct { int32_t dtype; ct_device device; } ct_options;

// The library.
const char *ct_last_error(void);
const char *ct_version(void);
void ct_set_threads(int32_t count);
int32_t ct_get_threads(void);
bool ct_device_available(ct_device device);
bool ct_grad_enabled(void);
void ct_set_grad_enabled(bool enabled);

// Handles, metadata and data.
void ct_free(ct_tensor x);
int64_t ct_dim(ct_tensor x);
void ct_shape(ct_tensor x, int64_t *sizes);
int64_t ct_numel(ct_tensor x);
int32_t ct_dtype(ct_tensor x);
ct_device ct_device_of(ct_tensor x);
bool ct_is_contiguous(ct_tensor x);
/// Where the first element is, or NULL unless the tensor is contiguous on the CPU.
void *CT_OPTIONAL ct_data(ct_tensor x);
int ct_item_double(ct_tensor x, double *out);
int ct_item_int(ct_tensor x, int64_t *out);
int ct_equal(ct_tensor x, ct_tensor y, bool *out);
int ct_allclose(ct_tensor x, ct_tensor y, double rtol, double atol, bool equal_nan, bool *out);
/// Copies every element, in C order and the tensor's own dtype, to `out`, which has room for `bytes`.
int ct_copy_out(ct_tensor x, void *out, size_t bytes);
/// PyTorch's printed form, of at most `capacity` bytes with the final zero; returns the length it would have in full.
int64_t ct_print(ct_tensor x, char *CT_OPTIONAL out, size_t capacity);

// Autograd.
bool ct_requires_grad(ct_tensor x);
bool ct_is_leaf(ct_tensor x);
int ct_set_requires_grad(ct_tensor x, bool requires_grad);
/// The accumulated gradient, or NULL when there is none (which is no failure).
CT_RESULT ct_grad(ct_tensor x);
int ct_set_grad(ct_tensor x, ct_tensor CT_OPTIONAL grad);
int ct_backward(ct_tensor x, ct_tensor CT_OPTIONAL gradient, bool retain_graph, bool create_graph);
/// `out` receives one gradient per input; NULL for an input that the outputs do not depend on, if that is allowed.
/// `grad_outputs` may be NULL, or hold one (possibly NULL) tensor per output.
int ct_gradients(CT_LIST outputs, int64_t output_count, CT_LIST inputs,
                 int64_t input_count, const ct_tensor _Nullable *_Nullable grad_outputs, bool retain_graph,
                 bool create_graph, bool allow_unused, CT_OUT out);

// Creation.
CT_RESULT ct_empty(const int64_t *sizes, int64_t dims, ct_options options);
CT_RESULT ct_full(const int64_t *sizes, int64_t dims, ct_scalar value, ct_options options);
CT_RESULT ct_arange(ct_scalar start, ct_scalar end, ct_scalar step, ct_options options);
CT_RESULT ct_linspace(double start, double end, int64_t steps, ct_options options);
CT_RESULT ct_eye(int64_t rows, int64_t columns, ct_options options);
/// Copies `bytes` bytes, which must be exactly the tensor's size.
CT_RESULT ct_from_data(const void *data, size_t bytes, const int64_t *sizes, int64_t dims, ct_options options);
CT_RESULT ct_to(ct_tensor x, ct_options options);

// Seeded randomness.
ct_generator CT_OPTIONAL ct_generator_new(uint64_t seed, ct_device device);
void ct_generator_free(ct_generator generator);
CT_RESULT ct_generator_state(ct_generator generator);
int ct_generator_set_state(ct_generator generator, ct_tensor state);
CT_RESULT ct_rand(const int64_t *sizes, int64_t dims, ct_generator generator, ct_options options);
CT_RESULT ct_randn(const int64_t *sizes, int64_t dims, ct_generator generator, ct_options options);
CT_RESULT ct_randint(int64_t low, int64_t high, const int64_t *sizes, int64_t dims, ct_generator generator,
                     ct_options options);
CT_RESULT ct_randperm(int64_t count, ct_generator generator, ct_options options);
CT_RESULT ct_uniform(const int64_t *sizes, int64_t dims, double low, double high, ct_generator generator,
                     ct_options options);
CT_RESULT ct_bernoulli(ct_tensor probabilities, ct_generator generator);
CT_RESULT ct_exponential(const int64_t *sizes, int64_t dims, ct_generator generator, ct_options options);
/// Gamma(concentration, 1) and Dirichlet(concentration), which can be differentiated once.
CT_RESULT ct_gamma(ct_tensor concentration, ct_generator generator);
CT_RESULT ct_dirichlet(ct_tensor concentration, ct_generator generator);
CT_RESULT ct_multinomial(ct_tensor probabilities, int64_t count, bool replacement, ct_generator generator);

// x -> f(x)
#define CT_UNARY(OP)                                                                                              \
  OP(neg) OP(abs) OP(sign) OP(square) OP(reciprocal) OP(sqrt) OP(rsqrt)                                           \
  OP(exp) OP(expm1) OP(log) OP(log1p) OP(log2) OP(log10)                                                          \
  OP(sin) OP(cos) OP(tan) OP(asin) OP(acos) OP(atan) OP(sinh) OP(cosh) OP(tanh) OP(asinh) OP(acosh) OP(atanh)     \
  OP(sigmoid) OP(log_sigmoid) OP(relu) OP(silu) OP(erf) OP(erfc) OP(erfinv) OP(lgamma) OP(digamma)                \
  OP(mish) OP(selu) OP(relu6) OP(logit)                                                                           \
  OP(floor) OP(ceil) OP(round) OP(trunc) OP(isnan) OP(isinf) OP(isfinite) OP(logical_not)                          \
  OP(zeros_like) OP(ones_like) OP(clone) OP(detach) OP(nonzero) OP(squeeze)                                       \
  OP(trace) OP(linalg_cholesky) OP(linalg_inv) OP(linalg_det) OP(linalg_pinv) OP(linalg_eigvalsh)                 \
  OP(linalg_matrix_exp)
#define CT_DECLARE_UNARY(name) CT_RESULT ct_##name(ct_tensor x);
CT_UNARY(CT_DECLARE_UNARY)

// x, y -> f(x, y), broadcasting
#define CT_BINARY(OP)                                                                                             \
  OP(add) OP(sub) OP(mul) OP(div) OP(pow) OP(fmod) OP(remainder) OP(floor_divide) OP(minimum) OP(maximum)         \
  OP(atan2) OP(eq) OP(ne) OP(lt) OP(le) OP(gt) OP(ge)                                                             \
  OP(logical_and) OP(logical_or) OP(logical_xor) OP(xlogy) OP(logaddexp) OP(isin)                                 \
  OP(matmul) OP(bmm) OP(mv) OP(dot) OP(outer) OP(linalg_solve) OP(linalg_cross) OP(masked_select)
#define CT_DECLARE_BINARY(name) CT_RESULT ct_##name(ct_tensor x, ct_tensor y);
CT_BINARY(CT_DECLARE_BINARY)

// x, s -> f(x, s) for a number s
#define CT_SCALAR(OP)                                                                                             \
  OP(add) OP(sub) OP(mul) OP(div) OP(pow) OP(fmod) OP(remainder) OP(floor_divide) OP(rsub)                        \
  OP(eq) OP(ne) OP(lt) OP(le) OP(gt) OP(ge) OP(elu) OP(leaky_relu)
#define CT_DECLARE_SCALAR(name) CT_RESULT ct_##name##_scalar(ct_tensor x, ct_scalar s);
CT_SCALAR(CT_DECLARE_SCALAR)

CT_RESULT ct_scalar_pow(ct_scalar base, ct_tensor exponent);
CT_RESULT ct_clamp(ct_tensor x, const ct_scalar *CT_OPTIONAL min, const ct_scalar *CT_OPTIONAL max);
CT_RESULT ct_gelu(ct_tensor x, const char *approximate);
CT_RESULT ct_softplus(ct_tensor x, double beta, double threshold);
CT_RESULT ct_nan_to_num(ct_tensor x, double nan, const double *CT_OPTIONAL positive,
                        const double *CT_OPTIONAL negative);
CT_RESULT ct_where(ct_tensor condition, ct_tensor x, ct_tensor y);
CT_RESULT ct_where_else_scalar(ct_tensor condition, ct_tensor x, ct_scalar y);
CT_RESULT ct_where_then_scalar(ct_tensor condition, ct_scalar x, ct_tensor y);
CT_RESULT ct_masked_fill(ct_tensor x, ct_tensor mask, ct_scalar value);
CT_RESULT ct_lerp(ct_tensor x, ct_tensor end, double weight);
CT_RESULT ct_polygamma(int64_t order, ct_tensor x);

// x, dim -> f(x, dim)
#define CT_ALONG(OP) OP(unsqueeze) OP(cumsum) OP(cumprod) OP(logcumsumexp) OP(softmax) OP(log_softmax) OP(glu)
#define CT_DECLARE_ALONG(name) CT_RESULT ct_##name(ct_tensor x, int64_t dim);
CT_ALONG(CT_DECLARE_ALONG)

// Reductions over `dims`; a count of -1 means all of them.
#define CT_REDUCTION(OP) OP(sum) OP(mean) OP(logsumexp) OP(amin) OP(amax) OP(any) OP(all)
#define CT_DECLARE_REDUCTION(name) CT_RESULT ct_##name(ct_tensor x, const int64_t *dims, int64_t count, bool keepdim);
CT_REDUCTION(CT_DECLARE_REDUCTION)
CT_RESULT ct_var(ct_tensor x, const int64_t *dims, int64_t count, double correction, bool keepdim);
CT_RESULT ct_std(ct_tensor x, const int64_t *dims, int64_t count, double correction, bool keepdim);
CT_RESULT ct_vector_norm(ct_tensor x, double order, const int64_t *dims, int64_t count, bool keepdim);
CT_RESULT ct_prod(ct_tensor x, const int64_t *CT_OPTIONAL dim, bool keepdim);
CT_RESULT ct_argmax(ct_tensor x, const int64_t *CT_OPTIONAL dim, bool keepdim);
CT_RESULT ct_argmin(ct_tensor x, const int64_t *CT_OPTIONAL dim, bool keepdim);
CT_RESULT ct_max(ct_tensor x);
CT_RESULT ct_min(ct_tensor x);
// `out` receives values and indices.
int ct_max_dim(ct_tensor x, int64_t dim, bool keepdim, CT_OUT out);
int ct_min_dim(ct_tensor x, int64_t dim, bool keepdim, CT_OUT out);
int ct_sort(ct_tensor x, int64_t dim, bool descending, CT_OUT out);
int ct_topk(ct_tensor x, int64_t k, int64_t dim, bool largest, CT_OUT out);
int ct_cummax(ct_tensor x, int64_t dim, CT_OUT out);
int ct_cummin(ct_tensor x, int64_t dim, CT_OUT out);
int ct_median(ct_tensor x, int64_t dim, bool keepdim, CT_OUT out);
CT_RESULT ct_quantile(ct_tensor x, double q, const int64_t *CT_OPTIONAL dim, bool keepdim);
/// `out` receives the sorted values, where each element went, and how often each value came; over whole slices of
/// `dim`, or over the flattened elements.
int ct_unique(ct_tensor x, const int64_t *CT_OPTIONAL dim, CT_OUT out);
CT_RESULT ct_bincount(ct_tensor x, ct_tensor CT_OPTIONAL weights, int64_t minimum_length);
CT_RESULT ct_searchsorted(ct_tensor sorted, ct_tensor values, bool right);

// x, sizes (or dims) -> f(x, sizes)
#define CT_SHAPED(OP) OP(reshape) OP(view) OP(expand) OP(permute) OP(repeat) OP(flip)
#define CT_DECLARE_SHAPED(name) CT_RESULT ct_##name(ct_tensor x, const int64_t *sizes, int64_t count);
CT_SHAPED(CT_DECLARE_SHAPED)
CT_RESULT ct_squeeze_dim(ct_tensor x, int64_t dim);
CT_RESULT ct_transpose(ct_tensor x, int64_t first, int64_t second);
CT_RESULT ct_flatten(ct_tensor x, int64_t start, int64_t end);
CT_RESULT ct_contiguous(ct_tensor x);
CT_RESULT ct_select(ct_tensor x, int64_t dim, int64_t index);
CT_RESULT ct_narrow(ct_tensor x, int64_t dim, int64_t start, int64_t length);
CT_RESULT ct_diagonal(ct_tensor x, int64_t offset, int64_t first, int64_t second);
CT_RESULT ct_diag_embed(ct_tensor x, int64_t offset);
CT_RESULT ct_tril(ct_tensor x, int64_t diagonal);
CT_RESULT ct_triu(ct_tensor x, int64_t diagonal);
CT_RESULT ct_cat(CT_LIST tensors, int64_t count, int64_t dim);
CT_RESULT ct_stack(CT_LIST tensors, int64_t count, int64_t dim);
CT_RESULT ct_one_hot(ct_tensor x, int64_t classes);
CT_RESULT ct_movedim(ct_tensor x, int64_t source, int64_t destination);
CT_RESULT ct_roll(ct_tensor x, const int64_t *shifts, const int64_t *dims, int64_t count);
CT_RESULT ct_repeat_interleave(ct_tensor x, int64_t times, int64_t dim);
CT_RESULT ct_diff(ct_tensor x, int64_t order, int64_t dim);
/// A view of all windows of `size` along `dim`, which become a last dimension.
CT_RESULT ct_windows(ct_tensor x, int64_t dim, int64_t size, int64_t step);
/// `mode` is PyTorch's: constant, reflect, replicate or circular. Pairs of widths, the last dimension's first.
CT_RESULT ct_pad(ct_tensor x, const int64_t *widths, int64_t count, const char *mode, double value);

// Indexing.
typedef enum { CT_AT, CT_SLICE, CT_ELLIPSIS, CT_NEW_AXIS, CT_BY_TENSOR } ct_index_kind;
typedef struct {
  ct_index_kind kind;
  int64_t start;  // the index, for CT_AT
  int64_t stop;   // INT64_MAX for "to the end"
  int64_t step;
  ct_tensor CT_OPTIONAL tensor;  // integers or a mask, for CT_BY_TENSOR
} ct_index;
CT_RESULT ct_index_get(ct_tensor x, const ct_index *indices, int64_t count);
int ct_index_put(ct_tensor x, const ct_index *indices, int64_t count, ct_tensor value);
CT_RESULT ct_gather(ct_tensor x, int64_t dim, ct_tensor index);
CT_RESULT ct_index_select(ct_tensor x, int64_t dim, ct_tensor index);
CT_RESULT ct_scatter(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source);
CT_RESULT ct_scatter_add(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source);
CT_RESULT ct_index_add(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source);
CT_RESULT ct_index_copy(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source);
CT_RESULT ct_index_fill(ct_tensor x, int64_t dim, ct_tensor index, ct_scalar value);
/// `reduce` is sum, prod, mean, amax or amin.
CT_RESULT ct_scatter_reduce(ct_tensor x, int64_t dim, ct_tensor index, ct_tensor source, const char *reduce,
                            bool include_self);
CT_RESULT ct_masked_scatter(ct_tensor x, ct_tensor mask, ct_tensor source);

// Linear algebra.
CT_RESULT ct_einsum(const char *equation, CT_LIST operands, int64_t count);
CT_RESULT ct_solve_triangular(ct_tensor a, ct_tensor b, bool upper, bool left, bool unitriangular);
int ct_qr(ct_tensor x, const char *mode, CT_OUT out);
int ct_svd(ct_tensor x, bool full_matrices, CT_OUT out);
int ct_eigh(ct_tensor x, CT_OUT out);
int ct_slogdet(ct_tensor x, CT_OUT out);
/// `out` receives solution, residuals, rank and singular values; `driver` is LAPACK's name or NULL.
int ct_lstsq(ct_tensor a, ct_tensor b, const char *CT_OPTIONAL driver, CT_OUT out);
CT_RESULT ct_cholesky_solve(ct_tensor b, ct_tensor factor, bool upper);
CT_RESULT ct_cdist(ct_tensor x, ct_tensor y, double order);
CT_RESULT ct_tensordot(ct_tensor x, ct_tensor y, const int64_t *x_dims, const int64_t *y_dims, int64_t count);

// Layers. The pairs hold the numbers for one or two spatial dimensions, as `dims` says.
typedef struct {
  int64_t dims;
  int64_t stride[2], padding[2], dilation[2], output_padding[2];
  int64_t groups;
  bool transposed;
} ct_convolution_options;
typedef struct {
  int64_t dims;
  int64_t kernel[2], stride[2], padding[2], dilation[2];
  bool ceil_mode, count_include_pad;
} ct_pooling_options;
typedef struct {
  int64_t layers;
  bool biases, bidirectional, batch_first;
} ct_recurrent_options;

CT_RESULT ct_linear(ct_tensor x, ct_tensor weight, ct_tensor CT_OPTIONAL bias);
CT_RESULT ct_embedding(ct_tensor weight, ct_tensor indices, int64_t padding_index);
CT_RESULT ct_convolution(ct_tensor x, ct_tensor weight, ct_tensor CT_OPTIONAL bias, ct_convolution_options options);
CT_RESULT ct_max_pool(ct_tensor x, ct_pooling_options options);
CT_RESULT ct_avg_pool(ct_tensor x, ct_pooling_options options);
CT_RESULT ct_adaptive_max_pool(ct_tensor x, const int64_t *sizes, int64_t dims);
CT_RESULT ct_adaptive_avg_pool(ct_tensor x, const int64_t *sizes, int64_t dims);
/// The patches under a sliding kernel as columns, and their sum back in place.
CT_RESULT ct_im2col(ct_tensor x, ct_pooling_options options);
CT_RESULT ct_col2im(ct_tensor x, const int64_t *sizes, ct_pooling_options options);
/// Resizes one or two spatial dimensions to `sizes`, or by `factors`: exactly one of them is given.
CT_RESULT ct_interpolate_nearest(ct_tensor x, const int64_t *CT_OPTIONAL sizes, const double *CT_OPTIONAL factors,
                                 int64_t dims);
CT_RESULT ct_interpolate_linear(ct_tensor x, const int64_t *CT_OPTIONAL sizes, const double *CT_OPTIONAL factors,
                                int64_t dims, bool align_corners);
CT_RESULT ct_layer_norm(ct_tensor x, const int64_t *shape, int64_t dims, ct_tensor CT_OPTIONAL weight,
                        ct_tensor CT_OPTIONAL bias, double epsilon);
CT_RESULT ct_rms_norm(ct_tensor x, const int64_t *shape, int64_t dims, ct_tensor CT_OPTIONAL weight,
                      const double *CT_OPTIONAL epsilon);
CT_RESULT ct_group_norm(ct_tensor x, int64_t groups, ct_tensor CT_OPTIONAL weight, ct_tensor CT_OPTIONAL bias,
                        double epsilon);
/// While training it moves the running statistics, if any, by `momentum`; otherwise it uses them.
CT_RESULT ct_batch_norm(ct_tensor x, ct_tensor CT_OPTIONAL weight, ct_tensor CT_OPTIONAL bias,
                        ct_tensor CT_OPTIONAL running_mean, ct_tensor CT_OPTIONAL running_var, bool training,
                        double momentum, double epsilon);
/// `fused` lets LibTorch choose its kernels, which cannot be differentiated twice.
CT_RESULT ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor CT_OPTIONAL mask, bool causal,
                       const double *CT_OPTIONAL scale, bool grouped, bool fused);
/// `out` receives the outputs and the last h and c.
int ct_lstm(ct_tensor x, ct_tensor h, ct_tensor c, CT_LIST parameters, int64_t count, ct_recurrent_options options,
            CT_OUT out);
/// `out` receives the outputs and the last h.
int ct_gru(ct_tensor x, ct_tensor h, CT_LIST parameters, int64_t count, ct_recurrent_options options, CT_OUT out);

// Losses. Reduction: 0 none, 1 mean, 2 sum.
CT_RESULT ct_mse_loss(ct_tensor x, ct_tensor target, int64_t reduction);
CT_RESULT ct_l1_loss(ct_tensor x, ct_tensor target, int64_t reduction);
CT_RESULT ct_smooth_l1_loss(ct_tensor x, ct_tensor target, int64_t reduction, double beta);
CT_RESULT ct_huber_loss(ct_tensor x, ct_tensor target, int64_t reduction, double delta);
CT_RESULT ct_cross_entropy(ct_tensor x, ct_tensor target, ct_tensor CT_OPTIONAL weight, int64_t reduction,
                           int64_t ignored, double smoothing);
CT_RESULT ct_nll_loss(ct_tensor x, ct_tensor target, int64_t reduction, int64_t ignored);
CT_RESULT ct_kl_div(ct_tensor x, ct_tensor target, int64_t reduction, bool log_target);
CT_RESULT ct_bce(ct_tensor x, ct_tensor target, int64_t reduction);
CT_RESULT ct_bce_with_logits(ct_tensor x, ct_tensor target, ct_tensor CT_OPTIONAL positive_weight, int64_t reduction);
CT_RESULT ct_cosine_similarity(ct_tensor x, ct_tensor y, int64_t dim, double epsilon);

// In place: `x` itself changes.
int ct_copy_(ct_tensor x, ct_tensor source);
int ct_fill_(ct_tensor x, ct_scalar value);
int ct_add_(ct_tensor x, ct_tensor y, double alpha);
int ct_mul_scalar_(ct_tensor x, double factor);
int ct_lerp_(ct_tensor x, ct_tensor end, double weight);
/// Gives `x` the storage of `data`: how a module moves to another device or dtype without losing its identity.
int ct_set_data(ct_tensor x, ct_tensor data);
/// Another handle of the same tensor.
CT_RESULT ct_alias(ct_tensor x);
/// Exchanges what two handles stand for.
void ct_swap(ct_tensor x, ct_tensor y);

// Optimisers: one fused step over parameters that all have a gradient.
typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  bool decoupled;  // AdamW's weight decay
  bool amsgrad, maximize;
} ct_adam_options;
typedef struct {
  double learning_rate, momentum, dampening, weight_decay;
  bool nesterov, maximize, first_step;
} ct_sgd_options;
typedef struct {
  double learning_rate, alpha, epsilon, weight_decay, momentum;
  bool centered;
} ct_rmsprop_options;
/// Adds one to every step count first. `largest` is read only with amsgrad.
int ct_adam_step(CT_LIST parameters, CT_LIST averages,
                 CT_LIST squares, CT_LIST largest,
                 CT_LIST steps, int64_t count, ct_adam_options options);
/// `momenta` is read only with momentum.
int ct_sgd_step(CT_LIST parameters, CT_LIST momenta, int64_t count,
                ct_sgd_options options);
/// `averages` is read only when centered, `momenta` only with momentum.
int ct_rmsprop_step(CT_LIST parameters, CT_LIST squares, CT_LIST averages, CT_LIST momenta, int64_t count,
                    ct_rmsprop_options options);
/// Forgets (or zeroes) the gradients.
int ct_zero_grad(CT_LIST parameters, int64_t count, bool set_to_none);
/// Scales all gradients so that their joint `order`-norm is at most `limit`; returns the norm before.
CT_RESULT ct_clip_grad_norm(CT_LIST parameters, int64_t count, double limit, double order);
int ct_clip_grad_value(CT_LIST parameters, int64_t count, double limit);

#pragma clang assume_nonnull end
#ifdef __cplusplus
}
#endif
