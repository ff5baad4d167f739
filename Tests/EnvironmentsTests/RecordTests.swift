import Basics
import Environments
import Schemas
import Testing

/// Transition records hold what their schema says.
@Suite struct RecordTests {
  @Test(arguments: Environments.ids) func recordsFollowTheSteps(id: String) throws {
    let count = 3, steps = 120
    let environment = try Environments.make(id, count: count, autoreset: .sameStep, seed: 5)
    let spec = environment.spec, width = spec.observationSpace.width
    let batch = TransitionBatch(schema: spec.schema, capacity: count * steps + 1)
    var random = RandomGenerator(seed: 1)
    var elapsed = [Double](repeating: 0, count: count)
    for t in 0..<steps {
      let before = Array(environment.observations)
      let action = (0..<count).flatMap { _ in spec.actionSpace.sample(&random) }
      environment.step(action, recording: batch, at: t * count + 1)
      for i in 0..<count {
        let row = t * count + i + 1
        let ended = environment.terminated[i] || environment.truncated[i]
        let after = ended ? environment.finalObservations : environment.observations
        elapsed[i] += 1
        #expect(batch.values(of: "obs", row) == Array(before[i * width..<(i + 1) * width]))
        #expect(batch.values(of: "next_obs", row) == Array(after[i * width..<(i + 1) * width]))
        let actionWidth = spec.actionSpace.width
        #expect(batch.values(of: "action", row) == Array(action[i * actionWidth..<(i + 1) * actionWidth]))
        #expect(batch.values(of: "step", row) == [elapsed[i]])
        #expect(batch.values(of: "terminated", row) == [environment.terminated[i] ? 1 : 0])
        if ended { elapsed[i] = 0 }
      }
    }
    #expect(batch.record(0).allSatisfy { $0 == 0 })
  }

  @Test func theResettingStepIsNoTransition() throws {
    let environment = try Environments.make("CartPole-v1", count: 1, autoreset: .nextStep)
    let batch = TransitionBatch(schema: environment.spec.schema, capacity: 1)
    while !environment.terminated[0] { environment.step([1]) }
    let last = Array(environment.observations)
    environment.step([1], recording: batch)
    #expect(batch.values(of: "obs", 0) == last)
    #expect(batch.values(of: "next_obs", 0) == Array(environment.observations))
    #expect(batch.values(of: "step", 0) == [0])
    #expect(environment.rewards[0] == 0)
  }

  /// Under gentle, wild and persistent actions, every field stays a number within its range.
  @Test(arguments: Environments.ids) func fieldsKeepTheirRanges(id: String) throws {
    let seeds = 20, steps = 200
    let environment = try Environments.make(id, count: seeds, pool: WorkerPool(threads: 2), seed: 100)
    let spec = environment.spec
    let batch = TransitionBatch(schema: spec.schema, capacity: seeds)
    var random = RandomGenerator(seed: 2)
    var actions = (0..<seeds).flatMap { _ in spec.actionSpace.sample(&random) }
    let width = spec.actionSpace.width
    var extremes = [(low: Double, high: Double)](repeating: (.infinity, -.infinity), count: spec.schema.fields.count)
    var isFinite = true
    for t in 0..<steps {
      for i in 0..<seeds where i % 2 == 0 || (t + i) % 12 == 0 {
        actions.replaceSubrange(
          i * width..<(i + 1) * width,
          with: i % 2 == 0 ? spec.actionSpace.sample(&random) : spec.actionSpace.sampleExtreme(&random))
      }
      environment.step(actions, recording: batch)
      for (k, field) in spec.schema.fields.enumerated() {
        for cell in 0..<seeds * field.width {
          let value = batch.base[spec.schema.offsets[k] * seeds + cell]
          isFinite = isFinite && value.isFinite
          extremes[k] = (min(extremes[k].low, value), max(extremes[k].high, value))
        }
      }
      isFinite = isFinite && environment.rewards.allSatisfy { $0.isFinite }
      isFinite = isFinite && environment.observations.allSatisfy { $0.isFinite }
    }
    #expect(isFinite)
    for (field, extreme) in zip(spec.schema.fields, extremes) {
      #expect(extreme.low >= field.low && extreme.high <= field.high, "\(field.name) reached \(extreme)")
    }
  }
}

extension TransitionBatch {
  func values(of field: String, _ row: Int) -> [Double] {
    (schema.columns(of: field) ?? 0..<0).map { base[$0 * capacity + row] }
  }
}

extension Space {
  /// A uniform sample.
  func sample(_ random: inout RandomGenerator) -> [Double] {
    switch self {
    case .box(let low, let high): zip(low, high).map { random.uniform($0, $1) }
    case .discrete(let count): [Double(random.integer(below: count))]
    }
  }

  /// A corner of the space.
  func sampleExtreme(_ random: inout RandomGenerator) -> [Double] {
    switch self {
    case .box(let low, let high): zip(low, high).map { random.uniform() < 0.5 ? $0 : $1 }
    case .discrete: sample(&random)
    }
  }
}
