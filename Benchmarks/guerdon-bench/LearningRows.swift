import Agents
import Basics
import Environments
import Torch

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
  Row(
    name: "SAC HalfCheetah-v5, one update a step, 256-256, vs stable-baselines3", unit: "steps/s", atLeast: 3,
    repetitions: 3, ours: { try sacRate("HalfCheetah-v5", steps: 1_500) },
    peer: { try Peer.rate("sb3_sac.py", ["HalfCheetah-v5", "600"]) }),
  Row(
    name: "Native 64-64 MLP, batch 64, forward + backward + Adam, vs LibTorch", unit: "updates/s", atLeast: 4,
    ours: nativeUpdateRate, peer: torchUpdateRate),
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

/// Environment steps per second of our SAC with one update a step, on two threads.
private func sacRate(_ id: String, steps: Int) throws -> Double {
  let pool = WorkerPool(threads: 2)
  let sac = try SAC(environment: Environments.make(id, count: 1), seed: 0, pool: pool)
  try sac.train(totalSteps: 300)
  let start = ContinuousClock.now
  try sac.train(totalSteps: 300 + steps)
  return Double(steps) / ((ContinuousClock.now - start) / .seconds(1))
}

// One update: 17 inputs, two hidden tanh layers of 64, 6 outputs, batch 64, mean squared error, Adam.
private let (inputs, outputs, batch, updates) = (17, 6, 64, 2_000)

/// Updates per second of the native path, on one thread.
@Sendable private func nativeUpdateRate() -> Double {
  var random = RandomGenerator(seed: 0)
  let network = MLP(widths: [inputs, 64, 64, outputs])
  network.initialize(outputGain: 1, random: &random)
  let workspace = MLP.Workspace(network, capacity: batch)
  let adam = Agents.Adam(count: network.parameters.count)
  let row = padded(inputs), outputRow = padded(outputs)
  let x = FloatBuffer(batch * row), y = FloatBuffer(batch * outputRow)
  for i in 0..<batch {
    for j in 0..<inputs { x.base[i * row + j] = Float(random.normal()) }
    for j in 0..<outputs { y.base[i * outputRow + j] = Float(random.normal()) }
  }
  return rate(of: updates) {
    network.forward(x.base, stride: row, count: batch, workspace)
    for i in 0..<batch * outputRow {
      workspace.outputDeltas[i] = 2 * (workspace.outputs[i] - y.base[i]) / Float(batch * outputs)
    }
    network.backward(x.base, stride: row, count: batch, workspace)
    adam.step(network.parameters.base, gradients: workspace.gradients.base, scale: 1, learningRate: 3e-4)
    network.refresh()
  }
}

/// Updates per second of LibTorch through our own `Torch`, on one thread too: for so small a network its faster choice.
@Sendable private func torchUpdateRate() -> Double {
  setThreads(1)
  let generator = Generator(seed: 0)
  let network = Sequential(
    Linear(inputs, 64, generator: generator), Tanh(), Linear(64, 64, generator: generator), Tanh(),
    Linear(64, outputs, generator: generator))
  let adam = Torch.Adam(network.parameters(), learningRate: 3e-4)
  let x = Tensor.randn([batch, inputs], generator: generator), y = Tensor.randn([batch, outputs], generator: generator)
  return rate(of: updates) {
    adam.zeroGrad()
    network(x).mseLoss(y).backward()
    adam.step()
  }
}

/// How often a second `body` runs, after a tenth as much of warming up.
private func rate(of count: Int, _ body: () -> Void) -> Double {
  for _ in 0..<count / 10 { body() }
  let start = ContinuousClock.now
  for _ in 0..<count { body() }
  return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
}
