/// Modules one after the other. State: that of module `i` under `i.`.
public final class Sequential: UnaryModule {
  public let layers: [any UnaryModule]

  public init(_ layers: [any UnaryModule]) { self.layers = layers }
  public convenience init(_ layers: any UnaryModule...) { self.init(layers) }

  public var members: [(name: String, member: ModuleMember)] {
    layers.enumerated().map { ("\($0.offset)", .module($0.element)) }
  }

  public func callAsFunction(_ input: Tensor) -> Tensor { layers.reduce(input) { $1($0) } }
}
