import Basics

/// The latest transitions of `count` environments, in f32, from which minibatches are drawn uniformly.
///
/// Slot t holds one step of every environment, and slots are reused in a ring, so that the steps that follow a
/// transition can be found again for n-step returns. The next observation is stored with its transition: after an end it
/// is the episode's last one, not the first of the next episode.
final class ReplayBuffer {
  /// What a step did to its episode.
  enum End: UInt8 {
    case none, terminated, truncated
  }

  let count: Int
  /// Steps of every environment that fit.
  let slots: Int
  let observationWidth: Int
  let actionWidth: Int
  /// [slots, count, observationWidth]
  let observations: FloatBuffer
  let nextObservations: FloatBuffer
  /// [slots, count, actionWidth]
  let actions: FloatBuffer
  /// [slots, count]
  let rewards: FloatBuffer
  private(set) var ends: [UInt8]
  /// The slot that is written next.
  private(set) var position = 0
  /// Slots that hold something.
  private(set) var filled = 0

  /// Transitions that can be drawn.
  var size: Int { filled * count }

  /// - Parameter capacity: transitions; at least one slot is kept.
  init(capacity: Int, count: Int, observationWidth: Int, actionWidth: Int) {
    self.count = count
    self.observationWidth = observationWidth
    self.actionWidth = actionWidth
    slots = max(1, capacity / count)
    let rows = slots * count
    observations = FloatBuffer(rows * observationWidth)
    nextObservations = FloatBuffer(rows * observationWidth)
    actions = FloatBuffer(rows * actionWidth)
    rewards = FloatBuffer(rows)
    ends = Array(repeating: 0, count: rows)
  }

  /// Writes one step of every environment over the oldest one.
  /// - Parameters:
  ///   - observations, nextObservations: [count, observationWidth].
  ///   - actions: [count, actionWidth].
  func append(
    observations: UnsafePointer<Float>, actions: UnsafePointer<Float>, rewards: [Double],
    nextObservations: UnsafePointer<Float>, ends: [End]
  ) {
    let first = position * count
    let width = count * observationWidth
    (self.observations.base + position * width).update(from: observations, count: width)
    (self.nextObservations.base + position * width).update(from: nextObservations, count: width)
    (self.actions.base + first * actionWidth).update(from: actions, count: count * actionWidth)
    for i in 0..<count {
      self.rewards.base[first + i] = Float(rewards[i])
      self.ends[first + i] = ends[i].rawValue
    }
    position = (position + 1) % slots
    filled = min(filled + 1, slots)
  }

  /// Draws `batch.capacity` transitions with replacement.
  ///
  /// With `steps` > 1 a transition's reward is Σ_k γ^k r_{t+k} and its next observation the one after the last of these
  /// steps, where an end of the episode, or of what was collected, stops the sum. The discount of the next observation's
  /// value is γ to the number of steps summed, or 0 after a termination; a truncated episode goes on in its value.
  func sample(into batch: ReplayBatch, steps: Int, gamma: Float, random: inout RandomGenerator) {
    for row in 0..<batch.capacity {
      let drawn = random.integer(below: size)
      gather(slot: drawn / count, environment: drawn % count, into: batch, row: row, steps: steps, gamma: gamma)
    }
  }

  func gather(slot: Int, environment i: Int, into batch: ReplayBatch, row: Int, steps: Int, gamma: Float) {
    let newest = (position + slots - 1) % slots
    var slot = slot
    let first = slot * count + i
    var last = first
    var reward = rewards.base[first], discount = gamma
    var summed = 1
    while summed < steps, ends[last] == 0, slot != newest {
      slot = (slot + 1) % slots
      last = slot * count + i
      reward += discount * rewards.base[last]
      discount *= gamma
      summed += 1
    }
    let current = batch.current.base + row * batch.row, following = batch.following.base + row * batch.row
    current.update(from: observations.base + first * observationWidth, count: observationWidth)
    (current + observationWidth).update(from: actions.base + first * actionWidth, count: actionWidth)
    following.update(from: nextObservations.base + last * observationWidth, count: observationWidth)
    batch.rewards.base[row] = reward
    batch.discounts.base[row] = ends[last] == End.terminated.rawValue ? 0 : discount
  }

  // MARK: Checkpoints

  /// Takes over what another buffer of the same shape held.
  func restore(
    observations: [Float], actions: [Float], rewards: [Float], nextObservations: [Float], ends: [UInt8], position: Int,
    filled: Int
  ) {
    func put(_ values: [Float], _ buffer: FloatBuffer) {
      values.withUnsafeBufferPointer { if let start = $0.baseAddress { buffer.base.update(from: start, count: $0.count) } }
    }
    put(observations, self.observations)
    put(actions, self.actions)
    put(rewards, self.rewards)
    put(nextObservations, self.nextObservations)
    self.ends.replaceSubrange(ends.indices, with: ends)
    (self.position, self.filled) = (position, filled)
  }
}

/// A minibatch of transitions as networks read them: rows [observation | action | 0 …], so that a network of observations
/// alone reads the same rows.
final class ReplayBatch: @unchecked Sendable {
  let capacity: Int
  /// Distance between rows.
  let row: Int
  /// (s, a)
  let current: FloatBuffer
  /// (s', ·): whoever chooses the next action writes it there.
  let following: FloatBuffer
  let rewards: FloatBuffer
  /// Factor of the value of s'.
  let discounts: FloatBuffer

  init(capacity: Int, observationWidth: Int, actionWidth: Int) {
    self.capacity = capacity
    row = padded(observationWidth + actionWidth)
    current = FloatBuffer(capacity * row)
    following = FloatBuffer(capacity * row)
    rewards = FloatBuffer(capacity)
    discounts = FloatBuffer(capacity)
  }
}
