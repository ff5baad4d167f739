import ArgumentParser
import RewardDesign

/// Where candidates are trained, if not here.
struct ClusterOptions: ParsableArguments {
  @Option(
    name: .customLong("cluster"),
    help: """
      Train the candidates on the Ray cluster at this address: ray://HOST:PORT, HOST:PORT, auto, or none (docs/cluster.md). \
      They are trained to the end, without halving.
      """)
  var address: String?
  @Option(
    name: .customLong("cluster-retries"), help: "How often a candidate is begun again when its node is lost.")
  var retries = 3
  @Option(
    name: .customLong("cluster-timeout"), help: "Seconds in which the cluster must answer and offer a CPU.")
  var timeout = 60

  func validate() throws {
    if !(0...1_000).contains(retries) { throw ValidationError("--cluster-retries must be between 0 and 1000.") }
    if !(1...86_400).contains(timeout) { throw ValidationError("--cluster-timeout must be between 1 and 86400.") }
  }

  /// The cluster's trainer; nil when no cluster is named.
  /// - Throws: `GuerdonError` when the address is none, or Ray was not set up.
  func trainer() throws -> ClusterTrainer? {
    guard let address, address != "none" else { return nil }
    var trainer = try ClusterTrainer(address: address)
    trainer.retries = retries
    trainer.connectionTimeout = .seconds(timeout)
    return trainer
  }
}
