// Linear algebra, changes in place, optimisers.
#include "support.h"

#include <ATen/Functions.h>
#include <ATen/core/grad_mode.h>

using namespace ct;

namespace {

std::vector<at::Tensor> gradients(const std::vector<at::Tensor> &parameters) {
  std::vector<at::Tensor> result;
  result.reserve(parameters.size());
  for (const at::Tensor &parameter : parameters) {
    if (parameter.grad().defined()) result.push_back(parameter.grad());
  }
  return result;
}

}  // namespace

extern "C" {

ct_tensor ct_einsum(const char *equation, const ct_tensor *operands, int64_t count) {
  return tensor_from([&] { return at::einsum(equation, list(operands, count)); });
}
ct_tensor ct_solve_triangular(ct_tensor a, ct_tensor b, bool upper, bool left, bool unitriangular) {
  return tensor_from([&] { return at::linalg_solve_triangular(ref(a), ref(b), upper, left, unitriangular); });
}
int ct_qr(ct_tensor x, const char *mode, ct_tensor *out) {
  return status_of([&] { hand_out(at::linalg_qr(ref(x), mode), out); });
}
int ct_svd(ct_tensor x, bool full_matrices, ct_tensor *out) {
  return status_of([&] { hand_out(at::linalg_svd(ref(x), full_matrices), out); });
}
int ct_eigh(ct_tensor x, ct_tensor *out) {
  return status_of([&] { hand_out(at::linalg_eigh(ref(x)), out); });
}
int ct_slogdet(ct_tensor x, ct_tensor *out) {
  return status_of([&] { hand_out(at::linalg_slogdet(ref(x)), out); });
}
int ct_lstsq(ct_tensor a, ct_tensor b, const char *driver, ct_tensor *out) {
  return status_of([&] {
    std::optional<std::string_view> name;
    if (driver) name = driver;
    hand_out(at::linalg_lstsq(ref(a), ref(b), std::nullopt, name), out);
  });
}
ct_tensor ct_cholesky_solve(ct_tensor b, ct_tensor factor, bool upper) {
  return tensor_from([&] { return at::cholesky_solve(ref(b), ref(factor), upper); });
}
ct_tensor ct_cdist(ct_tensor x, ct_tensor y, double order) {
  return tensor_from([&] { return at::cdist(ref(x), ref(y), order); });
}
ct_tensor ct_tensordot(ct_tensor x, ct_tensor y, const int64_t *x_dims, const int64_t *y_dims, int64_t count) {
  return tensor_from([&] { return at::tensordot(ref(x), ref(y), ints(x_dims, count), ints(y_dims, count)); });
}

int ct_copy_(ct_tensor x, ct_tensor source) {
  return status_of([&] { ref(x).copy_(ref(source)); });
}
int ct_fill_(ct_tensor x, ct_scalar value) {
  return status_of([&] { ref(x).fill_(scalar(value)); });
}
int ct_add_(ct_tensor x, ct_tensor y, double alpha) {
  // Integers take no fractional factor, not even a whole one.
  return status_of([&] { alpha == 1 ? ref(x).add_(ref(y)) : ref(x).add_(ref(y), alpha); });
}
int ct_mul_scalar_(ct_tensor x, double factor) {
  return status_of([&] { ref(x).mul_(factor); });
}
int ct_lerp_(ct_tensor x, ct_tensor end, double weight) {
  return status_of([&] { ref(x).lerp_(ref(end), weight); });
}
int ct_set_data(ct_tensor x, ct_tensor data) {
  return status_of([&] { ref(x).set_data(ref(data)); });
}
ct_tensor ct_alias(ct_tensor x) {
  return tensor_from([&] { return ref(x); });
}
void ct_swap(ct_tensor x, ct_tensor y) { std::swap(ref(x), ref(y)); }

int ct_adam_step(const ct_tensor *parameters, const ct_tensor *averages, const ct_tensor *squares,
                 const ct_tensor *largest, const ct_tensor *steps, int64_t count, ct_adam_options o) {
  return status_of([&] {
    at::NoGradGuard guard;
    auto p = list(parameters, count), m = list(averages, count), v = list(squares, count), t = list(steps, count);
    auto g = gradients(p), vmax = list(largest, o.amsgrad ? count : 0);
    at::_foreach_add_(t, 1);
    if (o.decoupled) {
      at::_fused_adamw_(p, g, m, v, vmax, t, o.learning_rate, o.beta1, o.beta2, o.weight_decay, o.epsilon, o.amsgrad,
                        o.maximize);
    } else {
      at::_fused_adam_(p, g, m, v, vmax, t, o.learning_rate, o.beta1, o.beta2, o.weight_decay, o.epsilon, o.amsgrad,
                       o.maximize);
    }
  });
}
int ct_sgd_step(const ct_tensor *parameters, const ct_tensor *momenta, int64_t count, ct_sgd_options o) {
  return status_of([&] {
    at::NoGradGuard guard;
    auto p = list(parameters, count), m = list(momenta, o.momentum != 0 ? count : 0);
    at::_fused_sgd_(p, gradients(p), m, o.weight_decay, o.momentum, o.learning_rate, o.dampening, o.nesterov,
                    o.maximize, o.first_step);
  });
}
int ct_rmsprop_step(const ct_tensor *parameters, const ct_tensor *squares, const ct_tensor *averages,
                    const ct_tensor *momenta, int64_t count, ct_rmsprop_options o) {
  return status_of([&] {
    at::NoGradGuard guard;
    auto p = list(parameters, count), v = list(squares, count);
    auto g = gradients(p);
    if (o.weight_decay != 0) g = at::_foreach_add(g, p, o.weight_decay);
    at::_foreach_mul_(v, o.alpha);
    at::_foreach_addcmul_(v, g, g, 1 - o.alpha);
    std::vector<at::Tensor> scale;
    if (o.centered) {
      auto m = list(averages, count);
      at::_foreach_lerp_(m, g, 1 - o.alpha);
      scale = at::_foreach_addcmul(v, m, m, -1);
      at::_foreach_sqrt_(scale);
    } else {
      scale = at::_foreach_sqrt(v);
    }
    at::_foreach_add_(scale, o.epsilon);
    if (o.momentum != 0) {
      auto b = list(momenta, count);
      at::_foreach_mul_(b, o.momentum);
      at::_foreach_addcdiv_(b, g, scale);
      at::_foreach_add_(p, b, -o.learning_rate);
    } else {
      at::_foreach_addcdiv_(p, g, scale, -o.learning_rate);
    }
  });
}
int ct_zero_grad(const ct_tensor *parameters, int64_t count, bool set_to_none) {
  return status_of([&] {
    for (int64_t i = 0; i < count; ++i) {
      at::Tensor &grad = ref(parameters[i]).mutable_grad();
      if (!grad.defined()) continue;
      if (set_to_none) {
        grad.reset();
      } else {
        grad = at::zeros_like(grad.detach());
      }
    }
  });
}
ct_tensor ct_clip_grad_norm(const ct_tensor *parameters, int64_t count, double limit, double order) {
  return tensor_from([&] {
    at::NoGradGuard guard;
    auto g = gradients(list(parameters, count));
    if (g.empty()) return at::zeros({});
    at::Tensor total = at::linalg_vector_norm(at::stack(at::_foreach_norm(g, order)), order);
    // PyTorch's clip_grad_norm_: multiply always, by a factor of at most one, so that no value need be read back.
    at::Tensor factor = at::clamp_max(at::mul(at::reciprocal(at::add(total, 1e-6)), limit), 1);
    at::_foreach_mul_(g, factor);
    return total;
  });
}
int ct_clip_grad_value(const ct_tensor *parameters, int64_t count, double limit) {
  return status_of([&] {
    at::NoGradGuard guard;
    auto g = gradients(list(parameters, count));
    if (g.empty()) return;
    at::_foreach_clamp_min_(g, -limit);
    at::_foreach_clamp_max_(g, limit);
  });
}

}  // extern "C"
