import Basics
import Foundation
import Schemas

/// The embedded proposer: evolution over a grammar of reward terms, guided by what Eureka tells a language model.
///
/// A program is a weighted sum of shaped features (`Genome`). The first generation is sampled from the grammar, leaning
/// towards features that go with fitness in random behaviour, or of which the goal speaks (`FeaturePrior`), each of
/// those in its share of the programs. Later generations mutate and cross the fittest programs by the advice of
/// Eureka's reflection prompt (arXiv 2310.12931, appendix A): rewrite what never scores, change what stays constant,
/// rescale what drowns the rest. A program whose policies behave like those of a fitter one does not breed: variety is
/// kept by behaviour, not by text. Where a person has ranked a generation, the ranking takes the fitness's place. Of
/// the task's words, and of the person's, it knows which fields they mention, which of them after a negation, and what
/// numbers and directions they name (`GoalReading`).
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
    /// Share of the gates that are stages: being there pays, too.
    public var stages = 0.3
    /// Chances that a sampled program holds what a person would put into it: a term for the event that tells of
    /// success, for each event that the goal wants avoided, for each other feature whose value the goal names, and for
    /// staying alive where episodes end early.
    public var success = 0.5, avoided = 0.7, wanted = 0.4, alive = 0.5
    /// Chance that a term on a feature whose value the goal names aims at that value.
    public var named = 0.9
    /// Weights beside a success that pays once: small enough that an episode of them does not outweigh it.
    public var guides = 0.01...0.3
    /// Behaviours whose mean features differ by less than this, in standard deviations (root mean square over the
    /// features), are one and the same.
    public var niche = 0.1

    public init() {}
  }

  public let name = "evolution"
  private let configuration: Configuration
  private let features: [Feature]
  private var random: RandomGenerator
  private var genomes: [String: Genome] = [:]
  /// Texts proposed so far, without their comments.
  private var tried: Set<String> = []
  /// What the last call of `propose` added to both.
  private var latest: [(source: String, genome: Genome)] = []

  public init(schema: Schema, seed: UInt64, configuration: Configuration = Configuration()) throws {
    features = Feature.all(of: schema)
    guard !features.isEmpty else {
      throw GuerdonError.failure("The schema of \(schema.environment) has no field that a reward may use.")
    }
    self.configuration = configuration
    random = RandomGenerator(seed: seed, spawnKey: [0x65_76_6f])
  }

  /// What one call of `propose` adds to what is beside the history: its programs' genomes, and where chance then
  /// stands.
  private struct Increment: Codable {
    var random: RandomGenerator
    var programs: [KeptProgram]
  }

  /// A program's text, and its genome with the features by their number in `features`.
  private struct KeptProgram: Codable {
    struct Gate: Codable {
      var feature: Int
      var threshold: Double
      var above, isStage: Bool
    }
    struct Term: Codable {
      var feature: Int
      var shape: Genome.Term.Shape
      var weight, temperature, center: Double
      var gate: Gate?
    }
    var source: String
    var terms: [Term]
  }

  public func state() throws -> String? {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    encoder.outputFormatting = .sortedKeys
    let increment = Increment(random: random, programs: latest.map { keep($0.source, $0.genome) })
    return String(decoding: try encoder.encode(increment), as: UTF8.self)
  }

  public func restore(_ state: String) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard let increment = try? decoder.decode(Increment.self, from: Data(state.utf8)) else { throw unreadable }
    let programs = try increment.programs.map { (source: $0.source, genome: try genome($0)) }
    for (source, genome) in programs {
      let text = genome.text
      tried.insert(text.head + text.body)
      genomes[source] = genome
    }
    (random, latest) = (increment.random, programs)
  }

  private var unreadable: GuerdonError {
    .failure("The run was not made by the proposer \"\(name)\", or by another version of it, so it cannot go on.")
  }

  private func keep(_ source: String, _ genome: Genome) -> KeptProgram {
    KeptProgram(
      source: source,
      terms: genome.terms.map { term in
        KeptProgram.Term(
          feature: number(of: term.feature), shape: term.shape, weight: term.weight, temperature: term.temperature,
          center: term.center,
          gate: term.gate.map {
            KeptProgram.Gate(
              feature: number(of: $0.feature), threshold: $0.threshold, above: $0.above, isStage: $0.isStage)
          })
      })
  }

  private func number(of feature: Feature) -> Int { features.firstIndex(of: feature) ?? -1 }

  /// - Throws: `GuerdonError` when it speaks of a feature that the schema does not have.
  private func genome(_ kept: KeptProgram) throws -> Genome {
    func feature(_ number: Int) throws -> Feature {
      guard features.indices.contains(number) else { throw unreadable }
      return features[number]
    }
    return Genome(
      terms: try kept.terms.map { term in
        Genome.Term(
          feature: try feature(term.feature), shape: term.shape, weight: term.weight, temperature: term.temperature,
          center: term.center,
          gate: try term.gate.map {
            Genome.Term.Gate(
              feature: try feature($0.feature), threshold: $0.threshold, above: $0.above, isStage: $0.isStage)
          })
      })
  }

  public func propose(_ count: Int, after history: DesignHistory) async throws -> [Proposal] {
    let episodes = history.probe + history.candidates.flatMap { $0.digest?.episodes ?? [] }
    let words = ([history.goal] + history.feedback.map(\.words)).joined(separator: " ")
    let statistics = FeatureStatistics.all(features, over: episodes, goal: words, schema: history.schema)
    let breeders = breeders(history, statistics)
    let generation = history.generation + 1
    // Nothing is known of the first generation's programs: each feature is the main one of its share of them.
    var mains = breeders.isEmpty ? portions(count, of: statistics) : []
    var proposals: [Proposal] = []
    latest = []
    // A text is tried once; a grammar too small for that many different programs repeats itself in the end.
    for _ in 0..<20 * count where proposals.count < count {
      let id = history.candidates.count + proposals.count
      let newcomer = breeders.isEmpty || random.uniform() < configuration.newcomers
      let child: (genome: Genome, parents: [Candidate], origin: String) =
        newcomer
        ? (sample(statistics, main: mains.popLast()), [], "sampled from the grammar")
        : breed(breeders, of: history, statistics)
      guard !child.genome.terms.isEmpty else { continue }
      let lineage = child.parents.isEmpty ? "" : " (from \(child.parents.map { "\($0.id)" }.joined(separator: " and ")))"
      let text = child.genome.text
      guard tried.insert(text.head + text.body).inserted else { continue }
      let source = text.commented("Candidate \(id), generation \(generation): \(child.origin)\(lineage).")
      genomes[source] = child.genome
      latest.append((source, child.genome))
      proposals.append(Proposal(source: source, parents: child.parents.map(\.id), origin: child.origin))
    }
    return proposals
  }

  // MARK: Sampling

  /// A program: its main term, what a person would put beside it, and others by chance.
  /// - Parameter main: the main term's feature; one by chance if nil.
  private func sample(_ statistics: [FeatureStatistics], main: FeatureStatistics? = nil) -> Genome {
    var terms = [randomTerm(main ?? randomFeature(statistics), statistics, main: true)]
    func add(_ one: FeatureStatistics) {
      guard terms.count < configuration.maxTerms, !terms.contains(where: { $0.feature == one.feature }) else { return }
      terms.append(randomTerm(one, statistics, main: false))
    }
    let tellsOfSuccess = statistics.contains(where: \.isSuccess)
    for one in statistics {
      let chance = one.isSuccess ? configuration.success
        : one.isEvent ? (one.prior.isAvoided ? configuration.avoided : 0)
        : one.feature.kind == .alive ? (one.isConstant || tellsOfSuccess ? 0 : configuration.alive)
        : one.prior.isWanted && one.prior.mentions > 0 ? configuration.wanted : 0
      if chance > 0, random.uniform() < chance { add(one) }
    }
    for _ in 0..<random.integer(below: configuration.maxTerms - 1) { add(randomFeature(statistics)) }
    let successes = Set(statistics.filter(\.isSuccess).map(\.feature))
    let events = Set(statistics.filter(\.isEvent).map(\.feature))
    if terms.contains(where: { successes.contains($0.feature) }) {
      for index in terms.indices where !events.contains(terms[index].feature) {
        terms[index].weight *= logUniform(configuration.guides.lowerBound, configuration.guides.upperBound)
      }
    }
    return Genome(terms: terms)
  }

  /// How much a feature is worth a try: the more it goes with fitness and the more the goal speaks of it; features that
  /// never vary are hopeless, but for events of which the goal speaks and what it names a value for.
  private func promise(_ one: FeatureStatistics) -> Double {
    if one.feature.kind == .alive { return one.isConstant ? 0.001 : 0.4 }
    let prior = one.prior
    let words = 0.25 * Double(min(prior.mentions, 2)) + (prior.isWanted ? (prior.mentions > 0 ? 0.4 : 0.1) : 0)
      + (one.isSuccess ? 0.6 : 0)
    if one.isConstant && !(one.isEvent && words > 0) && !prior.isWanted { return 0.001 }
    return 0.05 + 1.5 * one.correlation * one.correlation + words
  }

  private func randomFeature(_ statistics: [FeatureStatistics]) -> FeatureStatistics {
    let weights = statistics.map(promise)
    var remaining = random.uniform() * weights.reduce(0, +)
    for (one, weight) in zip(statistics, weights) {
      remaining -= weight
      if remaining <= 0 { return one }
    }
    return statistics[statistics.count - 1]
  }

  /// `count` features, each as often as its promise asks for, rounded up or down by chance (systematic sampling),
  /// shuffled.
  private func portions(_ count: Int, of statistics: [FeatureStatistics]) -> [FeatureStatistics] {
    let weights = statistics.map(promise)
    let pace = weights.reduce(0, +) / Double(count)
    var next = random.uniform() * pace, sum = 0.0
    var chosen: [FeatureStatistics] = []
    for (one, weight) in zip(statistics, weights) {
      sum += weight
      while next < sum && chosen.count < count {
        chosen.append(one)
        next += pace
      }
    }
    for index in chosen.indices.reversed() { chosen.swapAt(index, random.integer(below: index + 1)) }
    return chosen
  }

  private func randomTerm(_ one: FeatureStatistics, _ statistics: [FeatureStatistics], main: Bool) -> Genome.Term {
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
    let isUpward = random.uniform() < one.upward
    if one.isEvent {
      // What happens once must outweigh what is earned at every step.
      if one.mean < 0.1 { term.weight = one.prior.isAvoided ? logUniform(0.3, 3) : logUniform(1, 10) }
      term.temperature = 1
      if !isUpward { term.weight = -term.weight }
      return term
    }
    let prior = one.prior
    let isAimed = prior.isWanted && random.uniform() < configuration.named
    term.shape = pick(
      isAimed ? [.target, .closeness, .closeness] : [.linear, .saturating, .target, .target, .closeness])
    switch term.shape {
    case .linear, .saturating:
      if let value = prior.magnitudes.first(where: { $0 != 0 }) { term.temperature = abs(value) * logUniform(0.3, 2) }
      if !isUpward { term.weight = -term.weight }
    case .target, .closeness:
      term.center = isAimed ? named(one) : center(one)
      // The pull must reach from where the policies are.
      if isAimed { term.temperature = max(abs(term.center - one.mean), spread) * logUniform(0.2, 1) }
      if let tolerance = prior.tolerances.first, isAimed || term.center == one.feature.low, random.uniform() < 0.5 {
        term.temperature = tolerance * logUniform(1, 4)
      }
    }
    if !main && random.uniform() < configuration.gating { term.gate = randomGate(statistics) }
    return term
  }

  private func randomGate(_ statistics: [FeatureStatistics]) -> Genome.Term.Gate? {
    let other = randomFeature(statistics)
    if other.feature.kind == .alive { return nil }
    return Genome.Term.Gate(
      feature: other.feature, threshold: other.mean + other.spread * random.normal(), above: random.uniform() < 0.5,
      isStage: random.uniform() < configuration.stages)
  }

  /// A value that the goal names for the feature, on the likelier side of zero.
  private func named(_ one: FeatureStatistics) -> Double {
    let prior = one.prior
    let index = random.integer(below: max(1, prior.places.count + prior.magnitudes.count))
    if prior.places.indices.contains(index) { return prior.places[index] }
    guard prior.magnitudes.indices.contains(index - prior.places.count) else { return center(one) }
    let value = prior.magnitudes[index - prior.places.count]
    let positive = prior.upward == 0.5 ? 0.75 : prior.upward
    let signed = random.uniform() < positive || value < 0 ? value : -value
    return (one.feature.low...one.feature.high).contains(signed) ? signed : -signed
  }

  /// A target: where the fittest episodes are, or somewhere within reach, or the end of the range.
  private func center(_ one: FeatureStatistics) -> Double {
    let draw = random.uniform()
    var center = one.eliteMean + 0.3 * one.spread * random.normal()
    if draw < 0.35 { center = one.mean + 2 * one.spread * random.normal() }
    // A length or a distance is most often wanted at nothing.
    let zero = one.prior.isDistance && one.prior.mentions > 0 ? 0.85 : one.feature.low == 0 ? 0.5 : 0.1
    if draw < zero, one.feature.low > -.infinity { center = one.feature.low }
    return min(max(center, one.feature.low), one.feature.high)
  }

  // MARK: Breeding

  /// A program that may have children, by its place in the history, and how good it is: the higher, the better.
  private struct Breeder {
    var index: Int
    var worth: Double
  }

  /// The best of every behaviour, the best first. A person's last ranking decides alone where there is one.
  private func breeders(_ history: DesignHistory, _ statistics: [FeatureStatistics]) -> [Breeder] {
    let known = history.candidates.indices.filter { index in
      history.candidates[index].score != nil && genomes[history.candidates[index].proposal.source] != nil
    }
    if let ranking = history.feedback.last(where: { !$0.ranking.isEmpty })?.ranking {
      let ranked = ranking.enumerated().compactMap { place, id in
        known.first { history.candidates[$0].id == id }.map { Breeder(index: $0, worth: -Double(place)) }
      }
      if !ranked.isEmpty { return ranked }
    }
    let ordered = known.map { Breeder(index: $0, worth: history.candidates[$0].score ?? -.infinity) }
      .sorted { ($0.worth, -$0.index) > ($1.worth, -$1.index) }
    var kept: [Breeder] = []
    var behaviours: [[Double]] = []
    for breeder in ordered {
      let behaviour = behaviour(of: history.candidates[breeder.index], statistics)
      if behaviours.contains(where: { distance($0, behaviour) < configuration.niche }) { continue }
      kept.append(breeder)
      behaviours.append(behaviour)
    }
    return kept
  }

  /// What a candidate's policies do at the end of training: the mean of every feature, in standard deviations.
  private func behaviour(of candidate: Candidate, _ statistics: [FeatureStatistics]) -> [Double] {
    guard let digest = candidate.digest, !digest.steps.isEmpty else { return [] }
    let last = digest.episodes.suffix(max(1, digest.episodes.count / digest.steps.count))
      .filter { $0.means.count == statistics.count }
    guard !last.isEmpty else { return [] }
    return statistics.enumerated().map { index, one in
      guard one.spread > 1e-9 else { return 0 }
      return last.reduce(0) { $0 + $1.means[index] } / Double(last.count) / one.spread
    }
  }

  private func distance(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    return (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(a.count)).squareRoot()
  }

  private func breed(
    _ breeders: [Breeder], of history: DesignHistory, _ statistics: [FeatureStatistics]
  ) -> (genome: Genome, parents: [Candidate], origin: String) {
    let chosen = choose(breeders)
    let parent = history.candidates[chosen.index]
    guard let genome = genomes[parent.proposal.source], let digest = parent.digest else {
      return (sample(statistics), [], "sampled from the grammar")
    }
    if breeders.count > 1 && random.uniform() < configuration.crossover {
      let other = history.candidates[choose(breeders.filter { $0.index != chosen.index }).index]
      if let otherGenome = genomes[other.proposal.source] {
        var child = cross(genome, otherGenome)
        jitter(&child)
        return (child, [parent, other], "crossing")
      }
    }
    // Rule 1: a program that never scored is rewritten.
    let worths = (breeders.map(\.worth).min() ?? 0, breeders.map(\.worth).max() ?? 0)
    if worths.1 > worths.0, chosen.worth <= worths.0 + 0.02 * (worths.1 - worths.0) {
      return (sample(statistics), [parent], "rewritten, for its parent never scored")
    }
    var child = genome
    let origin = mend(&child, digest, statistics) ?? vary(&child, statistics)
    return (child, [parent], origin)
  }

  private func choose(_ breeders: [Breeder]) -> Breeder {
    var best = breeders[random.integer(below: breeders.count)]
    for _ in 1..<configuration.tournament {
      let rival = breeders[random.integer(below: breeders.count)]
      if rival.worth > best.worth { best = rival }
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
      let feature = genome.terms[index].feature
      // An event may only not have happened yet.
      let isEvent = statistics.contains { $0.isEvent && $0.feature == feature }
      return feature.kind != .alive && !isEvent && ranges[index] < 0.02 * max(sizes[index], 1e-9)
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
    switch random.integer(below: 7) {
    case 0 where genome.terms.count < configuration.maxTerms:
      let term = randomTerm(randomFeature(statistics), statistics, main: false)
      genome.terms.append(term)
      return "added \(genome.termNames[genome.terms.count - 1])"
    case 1 where genome.terms.count > 1:
      genome.terms.remove(at: index)
      return "dropped \(name)"
    case 2 where genome.terms[index].shape == .target || genome.terms[index].shape == .closeness:
      if let one = statistics.first(where: { $0.feature == genome.terms[index].feature }) {
        genome.terms[index].center = one.prior.isWanted && random.uniform() < 0.5 ? named(one) : center(one)
      }
      return "new target for \(name)"
    case 3 where genome.terms[index].feature.kind != .alive:
      let replacement = randomTerm(randomFeature(statistics), statistics, main: false)
      genome.terms[index] = replacement
      return "replaced \(name)"
    case 4:
      genome.terms[index].weight *= logUniform(0.25, 4)
      return "new weight for \(name)"
    case 5 where genome.terms.count > 1:
      if genome.terms[index].gate != nil && random.uniform() < 0.5 {
        genome.terms[index].gate = nil
        return "\(name) counts everywhere"
      }
      genome.terms[index].gate = randomGate(statistics)
      return "new gate for \(name)"
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
