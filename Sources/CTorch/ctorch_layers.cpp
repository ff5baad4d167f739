// Layers and losses.
#include "support.h"

#include <ATen/Functions.h>

using namespace ct;

namespace {

at::OptionalIntArrayRef ints_if_any(const int64_t *values, int64_t count) {
  if (!values) return std::nullopt;
  return ints(values, count);
}
std::optional<at::ArrayRef<double>> doubles_if_any(const double *values, int64_t count) {
  if (!values) return std::nullopt;
  return at::ArrayRef<double>(values, static_cast<size_t>(count));
}
std::optional<double> double_if_any(const double *value) {
  return value ? std::optional<double>(*value) : std::nullopt;
}

}  // namespace

extern "C" {

ct_tensor ct_linear(ct_tensor x, ct_tensor weight, ct_tensor bias) {
  return tensor_from([&] { return at::linear(ref(x), ref(weight), ref_if_any(bias)); });
}
ct_tensor ct_embedding(ct_tensor weight, ct_tensor indices, int64_t padding_index) {
  return tensor_from([&] { return at::embedding(ref(weight), ref(indices), padding_index); });
}

ct_tensor ct_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_convolution_options o) {
  return tensor_from([&] {
    auto of = [&](const int64_t *pair) { return ints(pair, o.dims); };
    auto stride = of(o.stride), padding = of(o.padding), dilation = of(o.dilation), extra = of(o.output_padding);
    const at::Tensor &input = ref(x), &kernel = ref(weight);
    auto b = ref_if_any(bias);
    if (o.transposed) {
      return o.dims == 1 ? at::conv_transpose1d(input, kernel, b, stride, padding, extra, o.groups, dilation)
                         : at::conv_transpose2d(input, kernel, b, stride, padding, extra, o.groups, dilation);
    }
    return o.dims == 1 ? at::conv1d(input, kernel, b, stride, padding, dilation, o.groups)
                       : at::conv2d(input, kernel, b, stride, padding, dilation, o.groups);
  });
}
ct_tensor ct_max_pool(ct_tensor x, ct_pooling_options o) {
  return tensor_from([&] {
    auto of = [&](const int64_t *pair) { return ints(pair, o.dims); };
    return o.dims == 1
        ? at::max_pool1d(ref(x), of(o.kernel), of(o.stride), of(o.padding), of(o.dilation), o.ceil_mode)
        : at::max_pool2d(ref(x), of(o.kernel), of(o.stride), of(o.padding), of(o.dilation), o.ceil_mode);
  });
}
ct_tensor ct_avg_pool(ct_tensor x, ct_pooling_options o) {
  return tensor_from([&] {
    auto of = [&](const int64_t *pair) { return ints(pair, o.dims); };
    return o.dims == 1
        ? at::avg_pool1d(ref(x), of(o.kernel), of(o.stride), of(o.padding), o.ceil_mode, o.count_include_pad)
        : at::avg_pool2d(ref(x), of(o.kernel), of(o.stride), of(o.padding), o.ceil_mode, o.count_include_pad);
  });
}
ct_tensor ct_adaptive_max_pool(ct_tensor x, const int64_t *sizes, int64_t dims) {
  return tensor_from([&] {
    return std::get<0>(dims == 1 ? at::adaptive_max_pool1d(ref(x), ints(sizes, dims))
                                 : at::adaptive_max_pool2d(ref(x), ints(sizes, dims)));
  });
}
ct_tensor ct_adaptive_avg_pool(ct_tensor x, const int64_t *sizes, int64_t dims) {
  return tensor_from([&] {
    return dims == 1 ? at::adaptive_avg_pool1d(ref(x), ints(sizes, dims))
                     : at::adaptive_avg_pool2d(ref(x), ints(sizes, dims));
  });
}
ct_tensor ct_im2col(ct_tensor x, ct_pooling_options o) {
  return tensor_from([&] {
    return at::im2col(ref(x), ints(o.kernel, 2), ints(o.dilation, 2), ints(o.padding, 2), ints(o.stride, 2));
  });
}
ct_tensor ct_col2im(ct_tensor x, const int64_t *sizes, ct_pooling_options o) {
  return tensor_from([&] {
    return at::col2im(ref(x), ints(sizes, 2), ints(o.kernel, 2), ints(o.dilation, 2), ints(o.padding, 2),
                      ints(o.stride, 2));
  });
}
ct_tensor ct_interpolate_nearest(ct_tensor x, const int64_t *sizes, const double *factors, int64_t dims) {
  return tensor_from([&] {
    auto to = ints_if_any(sizes, dims);
    auto by = doubles_if_any(factors, dims);
    return dims == 1 ? at::upsample_nearest1d(ref(x), to, by) : at::upsample_nearest2d(ref(x), to, by);
  });
}
ct_tensor ct_interpolate_linear(ct_tensor x, const int64_t *sizes, const double *factors, int64_t dims,
                                bool align_corners) {
  return tensor_from([&] {
    auto to = ints_if_any(sizes, dims);
    auto by = doubles_if_any(factors, dims);
    return dims == 1 ? at::upsample_linear1d(ref(x), to, align_corners, by)
                     : at::upsample_bilinear2d(ref(x), to, align_corners, by);
  });
}

ct_tensor ct_layer_norm(ct_tensor x, const int64_t *shape, int64_t dims, ct_tensor weight, ct_tensor bias,
                        double epsilon) {
  return tensor_from(
      [&] { return at::layer_norm(ref(x), ints(shape, dims), ref_if_any(weight), ref_if_any(bias), epsilon); });
}
ct_tensor ct_rms_norm(ct_tensor x, const int64_t *shape, int64_t dims, ct_tensor weight, const double *epsilon) {
  return tensor_from(
      [&] { return at::rms_norm(ref(x), ints(shape, dims), ref_if_any(weight), double_if_any(epsilon)); });
}
ct_tensor ct_group_norm(ct_tensor x, int64_t groups, ct_tensor weight, ct_tensor bias, double epsilon) {
  return tensor_from([&] { return at::group_norm(ref(x), groups, ref_if_any(weight), ref_if_any(bias), epsilon); });
}
ct_tensor ct_batch_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_tensor running_mean, ct_tensor running_var,
                        bool training, double momentum, double epsilon) {
  return tensor_from([&] {
    return at::batch_norm(ref(x), ref_if_any(weight), ref_if_any(bias), ref_if_any(running_mean),
                          ref_if_any(running_var), training, momentum, epsilon, /*cudnn_enabled=*/true);
  });
}

ct_tensor ct_attention(ct_tensor query, ct_tensor key, ct_tensor value, ct_tensor mask, bool causal,
                       const double *scale, bool grouped, bool fused) {
  return tensor_from([&] {
    auto m = ref_if_any(mask);
    auto s = double_if_any(scale);
    if (fused) {
      return at::scaled_dot_product_attention(ref(query), ref(key), ref(value), m, 0.0, causal, s, grouped);
    }
    return std::get<0>(at::_scaled_dot_product_attention_math(ref(query), ref(key), ref(value), m, 0.0, causal,
                                                              std::nullopt, s, grouped));
  });
}

int ct_lstm(ct_tensor x, ct_tensor h, ct_tensor c, const ct_tensor *parameters, int64_t count, ct_recurrent_options o,
            ct_tensor *out) {
  return status_of([&] {
    hand_out(at::lstm(ref(x), {ref(h), ref(c)}, list(parameters, count), o.biases, o.layers, /*dropout=*/0.0,
                      /*train=*/true, o.bidirectional, o.batch_first),
             out);
  });
}
int ct_gru(ct_tensor x, ct_tensor h, const ct_tensor *parameters, int64_t count, ct_recurrent_options o,
           ct_tensor *out) {
  return status_of([&] {
    hand_out(at::gru(ref(x), ref(h), list(parameters, count), o.biases, o.layers, /*dropout=*/0.0, /*train=*/true,
                     o.bidirectional, o.batch_first),
             out);
  });
}

ct_tensor ct_mse_loss(ct_tensor x, ct_tensor target, int64_t reduction) {
  return tensor_from([&] { return at::mse_loss(ref(x), ref(target), reduction); });
}
ct_tensor ct_l1_loss(ct_tensor x, ct_tensor target, int64_t reduction) {
  return tensor_from([&] { return at::l1_loss(ref(x), ref(target), reduction); });
}
ct_tensor ct_smooth_l1_loss(ct_tensor x, ct_tensor target, int64_t reduction, double beta) {
  return tensor_from([&] { return at::smooth_l1_loss(ref(x), ref(target), reduction, beta); });
}
ct_tensor ct_huber_loss(ct_tensor x, ct_tensor target, int64_t reduction, double delta) {
  return tensor_from([&] { return at::huber_loss(ref(x), ref(target), reduction, delta); });
}
ct_tensor ct_cross_entropy(ct_tensor x, ct_tensor target, ct_tensor weight, int64_t reduction, int64_t ignored,
                           double smoothing) {
  return tensor_from([&] {
    return at::cross_entropy_loss(ref(x), ref(target), ref_if_any(weight), reduction, ignored, smoothing);
  });
}
ct_tensor ct_nll_loss(ct_tensor x, ct_tensor target, int64_t reduction, int64_t ignored) {
  return tensor_from([&] { return at::nll_loss_nd(ref(x), ref(target), {}, reduction, ignored); });
}
ct_tensor ct_kl_div(ct_tensor x, ct_tensor target, int64_t reduction, bool log_target) {
  return tensor_from([&] { return at::kl_div(ref(x), ref(target), reduction, log_target); });
}
ct_tensor ct_bce(ct_tensor x, ct_tensor target, int64_t reduction) {
  return tensor_from([&] { return at::binary_cross_entropy(ref(x), ref(target), {}, reduction); });
}
ct_tensor ct_bce_with_logits(ct_tensor x, ct_tensor target, ct_tensor positive_weight, int64_t reduction) {
  return tensor_from([&] {
    return at::binary_cross_entropy_with_logits(ref(x), ref(target), {}, ref_if_any(positive_weight), reduction);
  });
}
ct_tensor ct_cosine_similarity(ct_tensor x, ct_tensor y, int64_t dim, double epsilon) {
  return tensor_from([&] { return at::cosine_similarity(ref(x), ref(y), dim, epsilon); });
}

}  // extern "C"
