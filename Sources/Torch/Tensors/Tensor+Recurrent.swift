internal import CTorch

extension Tensor {
  /// All layers of an LSTM over sequences; `Modules/Recurrent.swift` says what goes where.
  func lstm(
    _ h: Tensor, _ c: Tensor, _ parameters: [Tensor], _ options: ct_recurrent_options, _ file: StaticString,
    _ line: UInt
  ) -> (output: Tensor, h: Tensor, c: Tensor) {
    let out = several(3, file, line) { x, out in
      h.withPointers(c) { h, c in
        Torch.withPointers(parameters) { ct_lstm(x, h, c, $0, $1, options, out) }
      }
    }
    return (out[0], out[1], out[2])
  }

  /// All layers of a GRU over sequences.
  func gru(
    _ h: Tensor, _ parameters: [Tensor], _ options: ct_recurrent_options, _ file: StaticString, _ line: UInt
  ) -> (output: Tensor, h: Tensor) {
    pair(file, line) { x, out in
      h.withPointer { h in Torch.withPointers(parameters) { ct_gru(x, h, $0, $1, options, out) } }
    }
  }
}
