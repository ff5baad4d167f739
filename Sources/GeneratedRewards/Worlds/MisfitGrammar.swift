import Proposers

/// What the rule-based writers of the Misfit world choose from: nine components, of which some mislead.
extension ComponentGrammar {
  static let misfit = ComponentGrammar(
    parameters: MisfitWorld.schema.fields.map(\.name),
    components: [
      Component("toward_key", "np.where(has_key > 0.5, 0.0, np.exp(-key_distance / {T}))"),
      Component("toward_door", "np.where(has_key > 0.5, 1.0 + np.exp(-door_distance / {T}), 0.0)"),
      Component("pick_bonus", "picked"), Component("open_bonus", "opened"), Component("death_cost", "-dead"),
      Component("idling", "idle"), Component("going_left", "moved_left"),
      Component("near_corner", "np.exp(-corner_distance / {T})"), Component("near_lava", "beside_lava"),
    ])
}

extension ComponentWriter {
  /// The brief's prior: log₁₀ w ~ U(−2.5, 2.5), log₁₀ T ~ U(−2.5, 1). Standing still scores 0.1.
  static let misfitPrior = Prior(weights: -2.5...2.5, temperatures: -2.5...1, hopeless: 0.25)

  init(misfit seed: UInt64) { self.init(.misfit, prior: Self.misfitPrior, seed: seed) }

  /// A mutation of a Misfit program by what its training showed, or another program; without `terms` by chance alone.
  mutating func mutate(
    _ parent: ComponentGrammar.Program, fitness: [Double], terms: [TrainingDigest.Series]?
  ) -> ComponentGrammar.Program {
    mutate(
      parent, hasTemperature: grammar.components.map(\.hasTemperature), fitness: fitness, terms: terms?.map(\.values))
      ?? sample()
  }
}
