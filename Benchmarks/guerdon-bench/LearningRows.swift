import Agents
import Basics
import Environments

/// PPO end to end, equal hyperparameters: 8 environments, 2,048 steps an update, minibatches of 64, 10 epochs, 64-64 tanh.
let learningRows = [
  Row(
    name: "PPO HalfCheetah-v5 vs stable-baselines3", unit: "steps/s", atLeast: 10, repetitions: 3,
    ours: { try learningRate("HalfCheetah-v5", steps: 131_072) },
    peer: { try Peer.rate("sb3_ppo.py", ["HalfCheetah-v5", "16384"]) }),
  Row(
    name: "PPO CartPole-v1 vs stable-baselines3", unit: "steps/s", atLeast: 15, repetitions: 3,
    ours: { try learningRate("CartPole-v1", steps: 262_144) },
    peer: { try Peer.rate("sb3_ppo.py", ["CartPole-v1", "16384"]) }),
]

/// Environment steps per second of our PPO, the updates included, on two threads.
private func learningRate(_ id: String, steps: Int) throws -> Double {
  let pool = WorkerPool(threads: 2)
  var configuration = PPO.Configuration()
  configuration.rolloutSteps = 256
  let ppo = try PPO(
    environment: Environments.make(id, count: 8, pool: pool), configuration: configuration, seed: 0, pool: pool)
  _ = try ppo.iterate()
  let begun = ppo.steps
  let start = ContinuousClock.now
  try ppo.train(totalSteps: begun + steps)
  return Double(ppo.steps - begun) / ((ContinuousClock.now - start) / .seconds(1))
}
