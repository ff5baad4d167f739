import Basics
import Foundation
import Schemas

/// The embedded proposer: evolution over a grammar of reward terms, guided by what Eureka tells a language model.
///
/// A program is a weighted sum of shaped features (`Genome`). The first generation is sampled from the grammar, leaning
/// towards features that go with fitness in random behaviour, or whose names the goal mentions. Later generations mutate and cross the fittest programs
/// by the advice of Eureka's reflection prompt (arXiv 2310.12931, appendix A): rewrite what never scores, change what
/// stays constant, rescale what drowns the rest. Of the task's words it knows no more than which fields they mention.
public final class EvolutionProposer: Proposer {
  public struct Configuration: Sendable {
    /// Largest number of terms in a program.
    public var maxTerms = 5
    /// Share of each later generation sampled afresh, so that the search never closes.
    public var newcomers = 0.2
    /// Share of the children with two parents.
    public var crossover = 0.25
    /// Candidates drawn for each choice of a parent; the fittest of them becomes it.
    public var tournament = 3
    /// Probability that a new term counts only in a half-space of another feature.
    public var gating = 0.1

    public init() {}
  }

  public let name = "evolution"
  private let configuration: Configuration
  private let features: [Feature]
  private var random: RandomGenerator
  private var genomes: [String: Genome] = [:]
  /// Texts proposed so far, without their comments.
  private var tried: Set<String> = []

  public init(schema: Schema, seed: UInt64, configuration: Configuration = Configuration()) throws {
    features = Feature.all(of: schema)
    guard !features.isEmpty else {
      throw GuerdonError.failure("The schema of \(schema.environment) has no field that a reward may use.")
    }
    self.configuration = configuration
    random = RandomGenerator(seed: seed, spawnKey: [0x65_76_6f])
  }

  public func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
    let episodes = history.probe + history.candidates.flatMap { $0.digest?.episodes ?? [] }
    let statistics = FeatureStatistics.all(
      features, over: episodes, goal: history.goal, schema: history.schema)
    let breeders = history.candidates.filter { $0.score != nil && genomes[$0.proposal.source] != nil }
    var proposals: [Proposal] = []
    // A text is tried once; a grammar too small for that many different programs repeats itself in the end.
    for _ in 0..<20 * count where proposals.count < count {
      let id = history.candidates.count + proposals.count
      let newcomer = breeders.isEmpty || random.uniform() < configuration.newcomers
      let child: (genome: Genome, parents: [Candidate], origin: String) =
        newcomer ? (sample(statistics), [], "sampled from the grammar") : breed(breeders, statistics)
      guard !child.genome.terms.isEmpty else { continue }
      let lineage = child.parents.isEmpty ? "" : " of " + child.parents.map { "\($0.id)" }.joined(separator: " and ")
      let source = child.genome.source(
        comment: "Candidate \(id), generation \(history.generation + 1): \(child.origin)\(lineage).")
      guard tried.insert(child.genome.source(comment: "")).inserted else { continue }
      genomes[source] = child.genome
      proposals.append(Proposal(source: source, parents: child.parents.map(\.id), origin: child.origin))
    }
    return proposals
  }

  // MARK: Sampling

  private func sample(_ statistics: [FeatureStatistics]) -> Genome {
    var terms = [randomTerm(statistics, main: true)]
    for _ in 0..<random.integer(below: configuration.maxTerms - 1) {
      let term = randomTerm(statistics, main: false)
      if !terms.contains(where: { $0.feature == term.feature }) { terms.append(term) }
    }
    return Genome(terms: terms)
  }

  /// A feature, the likelier the more it goes with fitness and the more the goal speaks of it; features that never vary
  /// are hopeless.
  private func randomFeature(_ statistics: [FeatureStatistics]) -> FeatureStatistics {
    let weights = statistics.map { one -> Double in
      if one.feature.kind == .alive { return 0.4 }
      return one.spread < 1e-9
        ? 0.001 : 0.05 + 1.5 * one.correlation * one.correlation + 0.25 * Double(min(one.mentions, 2))
    }
    var remaining = random.uniform() * weights.reduce(0, +)
    for (one, weight) in zip(statistics, weights) {
      remaining -= weight
      if remaining <= 0 { return one }
    }
    return statistics[statistics.count - 1]
  }

  private func randomTerm(_ statistics: [FeatureStatistics], main: Bool) -> Genome.Term {
    let one = randomFeature(statistics)
    let spread = max(one.spread, 1e-3)
    var term = Genome.Term(
      feature: one.feature, shape: .linear, weight: main ? 1 : logUniform(0.1, 2), temperature: spread * logUniform(0.3, 3),
      center: 0, gate: nil)
    if one.feature.kind == .alive { return term }
    if one.feature.kind == .squares && one.feature.field == "action" {
      // Effort is a cost, and a small one.
      term.weight = -logUniform(0.01, 0.3)
      term.temperature = 1
      return term
    }
    term.shape = pick([.linear, .saturating, .target, .target, .closeness])
    switch term.shape {
    case .linear, .saturating:
      let trusted = random.uniform() < 0.5 + min(0.45, abs(one.correlation))
      let upward = trusted ? one.correlation >= 0 : random.uniform() < 0.5
      if !upward { term.weight = -term.weight }
    case .target, .closeness:
      term.center = center(one)
    }
    if !main && random.uniform() < configuration.gating {
      let other = randomFeature(statistics)
      if other.feature.kind != .alive {
        term.gate = Genome.Term.Gate(
          feature: other.feature, threshold: other.mean + other.spread * random.normal(), above: random.uniform() < 0.5)
      }
    }
    return term
  }

  /// A target: where the fittest episodes are, or somewhere within reach, or the end of the range.
  private func center(_ one: FeatureStatistics) -> Double {
    let draw = random.uniform()
    var center = one.eliteMean + 0.3 * one.spread * random.normal()
    if draw < 0.35 { center = one.mean + 2 * one.spread * random.normal() }
    // A length or a distance is most often wanted at nothing.
    if draw < (one.feature.low == 0 ? 0.5 : 0.1), one.feature.low > -.infinity { center = one.feature.low }
    return min(max(center, one.feature.low), one.feature.high)
  }

  // MARK: Breeding

  private func breed(
    _ breeders: [Candidate], _ statistics: [FeatureStatistics]
  ) -> (genome: Genome, parents: [Candidate], origin: String) {
    let parent = choose(breeders)
    guard let genome = genomes[parent.proposal.source], let digest = parent.digest else {
      return (sample(statistics), [], "sampled from the grammar")
    }
    if breeders.count > 1 && random.uniform() < configuration.crossover {
      let other = choose(breeders.filter { $0.id != parent.id })
      if let otherGenome = genomes[other.proposal.source] {
        var child = cross(genome, otherGenome)
        jitter(&child)
        return (child, [parent, other], "crossing")
      }
    }
    // Rule 1: a program that never scored is rewritten.
    let scores = (breeders.compactMap(\.score).min() ?? 0, breeders.compactMap(\.score).max() ?? 0)
    if let score = parent.score, scores.1 > scores.0, score <= scores.0 + 0.02 * (scores.1 - scores.0) {
      return (sample(statistics), [parent], "rewritten, for its parent never scored")
    }
    var child = genome
    let origin = mend(&child, digest, statistics) ?? vary(&child, statistics)
    return (child, [parent], origin)
  }

  private func choose(_ breeders: [Candidate]) -> Candidate {
    var best = breeders[random.integer(below: breeders.count)]
    for _ in 1..<configuration.tournament {
      let rival = breeders[random.integer(below: breeders.count)]
      if (rival.score ?? -.infinity) > (best.score ?? -.infinity) { best = rival }
    }
    return best
  }

  private func cross(_ a: Genome, _ b: Genome) -> Genome {
    var terms = a.terms.filter { _ in random.uniform() < 0.7 }
    for term in b.terms where random.uniform() < 0.7 && terms.count < configuration.maxTerms {
      if !terms.contains(where: { $0.feature == term.feature && $0.shape == term.shape }) { terms.append(term) }
    }
    return Genome(terms: terms.isEmpty ? a.terms : terms)
  }

  /// Rules 2 and 3 of the reflection advice; nil when they find nothing to mend, or leave it to variation.
  private func mend(_ genome: inout Genome, _ digest: TrainingDigest, _ statistics: [FeatureStatistics]) -> String? {
    guard random.uniform() < 0.5, digest.terms.count == genome.terms.count else { return nil }
    let sizes = digest.terms.map { series in series.values.map { abs($0) }.max() ?? 0 }
    let ranges = digest.terms.map { series in (series.values.max() ?? 0) - (series.values.min() ?? 0) }
    let constant = genome.terms.indices.filter { index in
      genome.terms[index].feature.kind != .alive && ranges[index] < 0.02 * max(sizes[index], 1e-9)
    }
    if !constant.isEmpty {
      let index = constant[random.integer(below: constant.count)]
      let name = digest.terms[index].name
      if genome.terms.count > 1 && random.uniform() < 0.4 {
        genome.terms.remove(at: index)
        return "dropped \(name), which stayed constant"
      }
      genome.terms[index].temperature *= random.uniform() < 0.5 ? logUniform(2, 8) : logUniform(0.125, 0.5)
      return "new temperature for \(name), which stayed constant"
    }
    let ordered = sizes.sorted()
    if ordered.count > 1, let largest = ordered.last, largest > 8 * max(ordered[ordered.count - 2], 1e-6),
      let index = sizes.firstIndex(of: largest)
    {
      genome.terms[index].weight /= logUniform(2, 8)
      return "rescaled \(digest.terms[index].name), which drowned the rest"
    }
    return nil
  }

  private func vary(_ genome: inout Genome, _ statistics: [FeatureStatistics]) -> String {
    let index = random.integer(below: genome.terms.count)
    let name = genome.termNames[index]
    switch random.integer(below: 6) {
    case 0 where genome.terms.count < configuration.maxTerms:
      let term = randomTerm(statistics, main: false)
      genome.terms.append(term)
      return "added \(genome.termNames[genome.terms.count - 1])"
    case 1 where genome.terms.count > 1:
      genome.terms.remove(at: index)
      return "dropped \(name)"
    case 2 where genome.terms[index].shape == .target || genome.terms[index].shape == .closeness:
      if let one = statistics.first(where: { $0.feature == genome.terms[index].feature }) {
        genome.terms[index].center = center(one)
      }
      return "new target for \(name)"
    case 3 where genome.terms[index].feature.kind != .alive:
      let replacement = randomTerm(statistics, main: false)
      genome.terms[index] = replacement
      return "replaced \(name)"
    case 4:
      genome.terms[index].weight *= logUniform(0.25, 4)
      return "new weight for \(name)"
    default:
      jitter(&genome)
      return "all weights and temperatures varied"
    }
  }

  private func jitter(_ genome: inout Genome) {
    for index in genome.terms.indices {
      genome.terms[index].weight *= exp(0.3 * random.normal())
      if genome.terms[index].feature.kind != .alive { genome.terms[index].temperature *= exp(0.3 * random.normal()) }
    }
  }

  // MARK: Chance

  private func logUniform(_ low: Double, _ high: Double) -> Double { exp(random.uniform(log(low), log(high))) }
  private func pick<Value>(_ values: [Value]) -> Value { values[random.integer(below: values.count)] }
}
