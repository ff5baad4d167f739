/// A number for the height and one for the width; a literal stands for both.
public struct IntPair: ExpressibleByIntegerLiteral, Sendable, Hashable {
  public let height: Int
  public let width: Int

  public init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }
  public init(_ both: Int) { self.init(both, both) }
  public init(integerLiteral both: Int) { self.init(both) }

  var c: (Int64, Int64) { (Int64(height), Int64(width)) }
  var array: [Int] { [height, width] }
}

/// The C layer's pair for one spatial dimension, which reads only the first.
func single(_ value: Int) -> (Int64, Int64) { (Int64(value), 0) }
