import Environments
import Schemas

/// What was collected between two updates: `steps` steps of `count` environments; row `t * count + i` is environment i's
/// step t.
final class Rollout: @unchecked Sendable {
  let steps: Int
  let count: Int
  var rows: Int { steps * count }

  /// Normalised observations, rows of `observationRow` floats.
  let observations: FloatBuffer
  let observationRow: Int
  /// Unclipped actions, [rows, actionWidth]; a discrete action is its number.
  let actions: FloatBuffer
  let logProbabilities: FloatBuffer
  let values: FloatBuffer
  let advantages: FloatBuffer
  let returns: FloatBuffer
  /// Reward a step; the environment's own until another is written over it.
  var rewards: [Double]
  var terminated: [Bool]
  var truncated: [Bool]
  /// V(final observation) where an episode was truncated, 0 elsewhere.
  var finalValues: [Float]
  /// V of the observations after the last step, [count].
  var lastValues: [Float]
  let transitions: TransitionBatch

  init(steps: Int, count: Int, observationWidth: Int, actionWidth: Int, schema: Schema) {
    self.steps = steps
    self.count = count
    let rows = steps * count
    observationRow = padded(observationWidth)
    observations = FloatBuffer(rows * observationRow)
    actions = FloatBuffer(rows * actionWidth)
    logProbabilities = FloatBuffer(rows)
    values = FloatBuffer(rows)
    advantages = FloatBuffer(rows)
    returns = FloatBuffer(rows)
    rewards = Array(repeating: 0, count: rows)
    terminated = Array(repeating: false, count: rows)
    truncated = Array(repeating: false, count: rows)
    finalValues = Array(repeating: 0, count: rows)
    lastValues = Array(repeating: 0, count: count)
    transitions = TransitionBatch(schema: schema, capacity: rows)
  }

  /// Generalised advantage estimation (Schulman et al., arXiv 1506.02438, equation 16), and the returns A + V.
  ///
  /// δ_t = r_t + γ V(s_{t+1}) − V(s_t), A_t = δ_t + γ λ A_{t+1}. A terminated episode has no next value; a truncated one
  /// goes on in the value of its final observation, but its advantage does not reach into the next episode.
  func estimateAdvantages(gamma: Float, lambda: Float) {
    for i in 0..<count {
      var advantage: Float = 0
      for t in stride(from: steps - 1, through: 0, by: -1) {
        let row = t * count + i
        let ended = terminated[row] || truncated[row]
        let following = t == steps - 1 ? lastValues[i] : values.base[row + count]
        let next = terminated[row] ? 0 : truncated[row] ? finalValues[row] : following
        let delta = Float(rewards[row]) + gamma * next - values.base[row]
        advantage = delta + (ended ? 0 : gamma * lambda * advantage)
        advantages.base[row] = advantage
        returns.base[row] = advantage + values.base[row]
      }
    }
  }
}
