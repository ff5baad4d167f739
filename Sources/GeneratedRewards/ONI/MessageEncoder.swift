import Torch

/// The character network of the classification and the ranking model: 256 byte numbers to 512 features.
///
/// Embedding of 32 → convolution of 64, kernel 7, ReLU, pooling by 3 → the same again → four convolutions of 64, kernel 3,
/// each with ReLU → pooling by 3 → 128, 512 and 512 units with ReLU. The lengths are
/// 256 → 250 → 83 → 77 → 25 → 23 → 21 → 19 → 17 → 5.
public final class MessageEncoder: Module {
  public static let features = 512

  public let embedding: Embedding
  public let wide: [Conv1d]
  public let narrow: [Conv1d]
  public let dense: [Linear]

  public init(generator: Generator) {
    // Byte 0 is padding: a row of zeros that learns nothing.
    embedding = Embedding(256, 32, paddingIndex: 0, generator: generator)
    wide = [32, 64].map { Conv1d($0, 64, kernel: 7, generator: generator) }
    narrow = (0..<4).map { _ in Conv1d(64, 64, kernel: 3, generator: generator) }
    dense = [(5 * 64, 128), (128, 512), (512, 512)].map { Linear($0, $1, generator: generator) }
  }

  /// Captions → features [captions, 512].
  public func callAsFunction(_ captions: [Caption]) -> Tensor {
    var map = MapOfPrefix(embedding(Self.numbers(captions)).transpose(1, 2), length: Caption.capacity)
    for layer in wide { map = map.convolved(layer).pooled(3) }
    for layer in narrow { map = map.convolved(layer) }
    map = map.pooled(3)
    return dense.reduce(map.whole.flatten(1)) { $1($0).relu() }
  }

  /// Lengths of the maps after each convolution and pooling.
  static let lengths: [Int] = {
    let steps: [(Int) -> Int] = [
      { $0 - 6 }, { $0 / 3 }, { $0 - 6 }, { $0 / 3 }, { $0 - 2 }, { $0 - 2 }, { $0 - 2 }, { $0 - 2 }, { $0 / 3 },
    ]
    return steps.reduce(into: [Caption.capacity]) { lengths, step in lengths.append(step(lengths[lengths.count - 1])) }
  }()

  /// Byte numbers, [captions, length]: as long as the longest caption and one padding, at most 256.
  static func numbers(_ captions: [Caption]) -> Tensor {
    let longest = captions.reduce(0) { max($0, $1.bytes.count) }
    let length = min(longest + 1, Caption.capacity)
    var numbers = [Int64](repeating: 0, count: captions.count * length)
    for (row, caption) in captions.enumerated() {
      for (column, byte) in caption.bytes.enumerated() { numbers[row * length + column] = Int64(byte) }
    }
    return Tensor(numbers, shape: [captions.count, length])
  }
}

/// The map [batch, channels, length] of captions padded to 256 bytes, of which only the first columns are computed: from
/// the last of these on, all columns are alike, because they see nothing but padding.
///
/// A caption of 40 bytes costs a sixth of what 256 cost, and its features and gradients are the same.
struct MapOfPrefix {
  let columns: Tensor
  /// Columns of the whole map.
  let length: Int

  init(_ columns: Tensor, length: Int) { (self.columns, self.length) = (columns, length) }

  private var known: Int { columns.size(2) }

  /// The first `count` columns.
  private func first(_ count: Int) -> Tensor {
    if count <= known { return columns.narrow(2, 0, count) }
    return columns.pad([0, count - known], .replicate)
  }

  /// After a convolution without padding, and ReLU.
  func convolved(_ layer: Conv1d) -> MapOfPrefix {
    let kernel = layer.weight.size(2)
    let after = length - kernel + 1
    // The last column computed sees only what is alike, or the map is whole.
    let computed = min(known, after)
    return MapOfPrefix(layer(first(computed + kernel - 1)).relu(), length: after)
  }

  /// After max-pooling without overlap.
  func pooled(_ width: Int) -> MapOfPrefix {
    let after = length / width
    let computed = min((known - 1 + width - 1) / width + 1, after)
    return MapOfPrefix(first(computed * width).maxPool1d(width), length: after)
  }

  var whole: Tensor { first(length) }
}

/// p_φ(helpful | m): the encoder, dropout 0.1, and two logits.
public final class CaptionClassifier: Module {
  public let encoder: MessageEncoder
  public let dropout: Dropout
  public let head: Linear

  public init(dropout: Double = 0.1, generator: Generator) {
    encoder = MessageEncoder(generator: generator)
    self.dropout = Dropout(dropout, generator: generator)
    head = Linear(MessageEncoder.features, 2, generator: generator)
  }

  /// Logits [captions, 2] of unhelpful and helpful.
  public func callAsFunction(_ captions: [Caption]) -> Tensor { head(dropout(encoder(captions))) }
}

/// ĝ(m): the encoder, dropout 0.1, and one number.
public final class CaptionRanker: Module {
  public let encoder: MessageEncoder
  public let dropout: Dropout
  public let head: Linear

  public init(dropout: Double = 0.1, generator: Generator) {
    encoder = MessageEncoder(generator: generator)
    self.dropout = Dropout(dropout, generator: generator)
    head = Linear(MessageEncoder.features, 1, generator: generator)
  }

  /// ĝ of each caption, [captions].
  public func callAsFunction(_ captions: [Caption]) -> Tensor { head(dropout(encoder(captions))).squeeze(-1) }

  /// −Σ_j y_j log softmax(ĝ(m₁), ĝ(m₂))_j, the mean over pairs.
  /// - Parameters:
  ///   - scores: ĝ of both captions, [pairs, 2].
  ///   - labels: y, [pairs, 2]: (1, 0), (0, 1), or (½, ½) for a tie.
  public static func loss(scores: Tensor, labels: Tensor) -> Tensor {
    -(labels * scores.logSoftmax(dim: 1)).sum(dim: 1).mean()
  }
}
