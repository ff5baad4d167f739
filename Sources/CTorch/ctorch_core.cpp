// The library itself, handles, data in and out, autograd, randomness.
#include "support.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/Formatting.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <cstring>
#include <sstream>

using namespace ct;

namespace {
thread_local std::string last_error;

at::Generator &ref(ct_generator g) { return *reinterpret_cast<at::Generator *>(g); }

/// A draw with the gradient that LibTorch has apart from it, as torch.distributions joins them. It cannot be
/// differentiated twice, and says so.
struct Dirichlet : torch::autograd::Function<Dirichlet> {
  using Context = torch::autograd::AutogradContext;

  static at::Tensor forward(Context *context, const at::Tensor &concentration, const at::Generator &generator) {
    at::Tensor x = at::_sample_dirichlet(concentration, generator);
    context->save_for_backward({x, concentration});
    return x;
  }
  static torch::autograd::variable_list backward(Context *context, torch::autograd::variable_list gradients) {
    auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &concentration = saved[1], &slope = gradients[0];
    at::Tensor total = concentration.sum(-1, true).expand_as(concentration);
    at::Tensor each = at::_dirichlet_grad(x, concentration, total);
    at::Tensor mean = at::mul(x, slope).sum(-1, true);
    return {at::mul(each, at::sub(slope, mean)), at::Tensor()};
  }
};
}  // namespace

void ct::record_error(const char *message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    last_error.clear();
  }
}

extern "C" {

const char *ct_last_error(void) { return last_error.c_str(); }
const char *ct_version(void) { return TORCH_VERSION; }
void ct_set_threads(int32_t count) { guarded([&] { at::set_num_threads(count); }); }
int32_t ct_get_threads(void) { return at::get_num_threads(); }

bool ct_device_available(ct_device d) {
  return guarded([&] { at::empty({0}, at::TensorOptions().device(device(d))); });
}

bool ct_grad_enabled(void) { return at::GradMode::is_enabled(); }
void ct_set_grad_enabled(bool enabled) { at::GradMode::set_enabled(enabled); }

void ct_free(ct_tensor x) { delete &ref(x); }
int64_t ct_dim(ct_tensor x) { return ref(x).dim(); }
void ct_shape(ct_tensor x, int64_t *sizes) {
  at::IntArrayRef shape = ref(x).sizes();
  std::copy(shape.begin(), shape.end(), sizes);
}
int64_t ct_numel(ct_tensor x) { return ref(x).numel(); }
int32_t ct_dtype(ct_tensor x) { return static_cast<int32_t>(ref(x).scalar_type()); }
ct_device ct_device_of(ct_tensor x) {
  at::Device d = ref(x).device();
  return {static_cast<int32_t>(d.type()), static_cast<int32_t>(d.index())};
}
bool ct_is_contiguous(ct_tensor x) { return ref(x).is_contiguous(); }
void *ct_data(ct_tensor x) {
  return ref(x).is_cpu() && ref(x).is_contiguous() ? ref(x).data_ptr() : nullptr;
}
int ct_item_double(ct_tensor x, double *out) {
  return status_of([&] { *out = ref(x).item().toDouble(); });
}
int ct_item_int(ct_tensor x, int64_t *out) {
  return status_of([&] { *out = ref(x).item().toLong(); });
}
int ct_equal(ct_tensor x, ct_tensor y, bool *out) {
  return status_of([&] { *out = at::equal(ref(x), ref(y)); });
}
int ct_allclose(ct_tensor x, ct_tensor y, double rtol, double atol, bool equal_nan, bool *out) {
  return status_of([&] { *out = at::allclose(ref(x), ref(y), rtol, atol, equal_nan); });
}
int ct_copy_out(ct_tensor x, void *out, size_t bytes) {
  return status_of([&] {
    at::Tensor plain = ref(x).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(plain.nbytes() == bytes, "The tensor has ", plain.nbytes(), " bytes, not ", bytes, ".");
    // A gradient that is known to be zero has no storage.
    if (bytes > 0 && plain.const_data_ptr()) std::memcpy(out, plain.const_data_ptr(), bytes);
    else std::memset(out, 0, bytes);
  });
}
int64_t ct_print(ct_tensor x, char *out, size_t capacity) {
  std::string text;
  if (!guarded([&] {
        std::ostringstream stream;
        at::print(stream, ref(x), 120);
        text = stream.str();
      })) {
    text = last_error;
  }
  if (capacity > 0) {
    size_t length = std::min(text.size(), capacity - 1);
    std::memcpy(out, text.data(), length);
    out[length] = 0;
  }
  return static_cast<int64_t>(text.size());
}

bool ct_requires_grad(ct_tensor x) { return ref(x).requires_grad(); }
bool ct_is_leaf(ct_tensor x) { return ref(x).is_leaf(); }
int ct_set_requires_grad(ct_tensor x, bool requires_grad) {
  return status_of([&] { ref(x).set_requires_grad(requires_grad); });
}
ct_tensor ct_grad(ct_tensor x) {
  const at::Tensor &grad = ref(x).grad();
  return grad.defined() ? tensor_from([&] { return grad; }) : nullptr;
}
int ct_set_grad(ct_tensor x, ct_tensor grad) {
  return status_of([&] { ref(x).mutable_grad() = ref_or_undefined(grad); });
}
int ct_backward(ct_tensor x, ct_tensor gradient, bool retain_graph, bool create_graph) {
  return status_of([&] {
    torch::autograd::backward({ref(x)}, {ref_or_undefined(gradient)}, retain_graph, create_graph);
  });
}
int ct_gradients(const ct_tensor *outputs, int64_t output_count, const ct_tensor *inputs, int64_t input_count,
                 const ct_tensor *grad_outputs, bool retain_graph, bool create_graph, bool allow_unused,
                 ct_tensor *out) {
  return status_of([&] {
    std::vector<at::Tensor> seeds;
    if (grad_outputs) seeds = list(grad_outputs, output_count);
    auto gradients = torch::autograd::grad(list(outputs, output_count), list(inputs, input_count), seeds, retain_graph,
                                           create_graph, allow_unused);
    for (auto &gradient : gradients) *out++ = gradient.defined() ? wrap(std::move(gradient)) : nullptr;
  });
}

ct_tensor ct_empty(const int64_t *sizes, int64_t dims, ct_options o) {
  return tensor_from([&] { return at::empty(ints(sizes, dims), options(o)); });
}
ct_tensor ct_full(const int64_t *sizes, int64_t dims, ct_scalar value, ct_options o) {
  return tensor_from([&] { return at::full(ints(sizes, dims), scalar(value), options(o)); });
}
ct_tensor ct_arange(ct_scalar start, ct_scalar end, ct_scalar step, ct_options o) {
  return tensor_from([&] { return at::arange(scalar(start), scalar(end), scalar(step), options(o)); });
}
ct_tensor ct_linspace(double start, double end, int64_t steps, ct_options o) {
  return tensor_from([&] { return at::linspace(start, end, steps, options(o)); });
}
ct_tensor ct_eye(int64_t rows, int64_t columns, ct_options o) {
  return tensor_from([&] { return at::eye(rows, columns, options(o)); });
}
ct_tensor ct_from_data(const void *data, size_t bytes, const int64_t *sizes, int64_t dims, ct_options o) {
  return tensor_from([&] {
    ct_options on_cpu = {o.dtype, {static_cast<int32_t>(at::kCPU), -1}};
    at::Tensor result = at::empty(ints(sizes, dims), options(on_cpu));
    TORCH_CHECK(result.nbytes() == bytes, "A tensor of shape ", result.sizes(), " needs ", result.nbytes(),
                " bytes, and ", bytes, " were given.");
    if (bytes > 0) std::memcpy(result.mutable_data_ptr(), data, bytes);
    return result.to(device(o.device));
  });
}
ct_tensor ct_to(ct_tensor x, ct_options o) {
  return tensor_from([&] { return ref(x).to(options(o)); });
}

ct_generator ct_generator_new(uint64_t seed, ct_device d) {
  ct_generator result = nullptr;
  guarded([&] {
    at::Generator generator = device(d).is_cpu()
        ? at::detail::createCPUGenerator(seed)
        : at::globalContext().getAcceleratorHooksInterface(device(d).type()).getNewGenerator(device(d).index());
    generator.set_current_seed(seed);
    result = reinterpret_cast<ct_generator>(new at::Generator(std::move(generator)));
  });
  return result;
}
void ct_generator_free(ct_generator g) { delete &ref(g); }
ct_tensor ct_generator_state(ct_generator g) {
  return tensor_from([&] { return ref(g).get_state(); });
}
int ct_generator_set_state(ct_generator g, ct_tensor state) {
  return status_of([&] { ref(g).set_state(ref(state)); });
}
ct_tensor ct_rand(const int64_t *sizes, int64_t dims, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::rand(ints(sizes, dims), ref(g), options(o)); });
}
ct_tensor ct_randn(const int64_t *sizes, int64_t dims, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::randn(ints(sizes, dims), ref(g), options(o)); });
}
ct_tensor ct_randint(int64_t low, int64_t high, const int64_t *sizes, int64_t dims, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::randint(low, high, ints(sizes, dims), ref(g), options(o)); });
}
ct_tensor ct_randperm(int64_t count, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::randperm(count, ref(g), options(o)); });
}
ct_tensor ct_uniform(const int64_t *sizes, int64_t dims, double low, double high, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::empty(ints(sizes, dims), options(o)).uniform_(low, high, ref(g)); });
}
ct_tensor ct_bernoulli(ct_tensor probabilities, ct_generator g) {
  return tensor_from([&] { return at::bernoulli(ref(probabilities), ref(g)); });
}
ct_tensor ct_exponential(const int64_t *sizes, int64_t dims, ct_generator g, ct_options o) {
  return tensor_from([&] { return at::empty(ints(sizes, dims), options(o)).exponential_(1, ref(g)); });
}
ct_tensor ct_gamma(ct_tensor concentration, ct_generator g) {
  return tensor_from([&] { return at::_standard_gamma(ref(concentration), ref(g)); });
}
ct_tensor ct_dirichlet(ct_tensor concentration, ct_generator g) {
  return tensor_from([&] { return Dirichlet::apply(ref(concentration), ref(g)); });
}
ct_tensor ct_multinomial(ct_tensor probabilities, int64_t count, bool replacement, ct_generator g) {
  return tensor_from([&] { return at::multinomial(ref(probabilities), count, replacement, ref(g)); });
}

}  // extern "C"
