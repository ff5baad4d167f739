import Basics
import Environments
@testable import RewardAudit
import RewardPrograms
import Testing

/// A planted exploit that the audit is not told about: the reward pays for an upright pendulum and, with the best
/// intentions, a little for moving. Spinning earns more than standing.
@Suite struct BehaviourAuditTests {
  static let fitness = """
    import numpy as np

    def fitness(obs):
        upright = (obs[:, 0] > 0.9) & (np.abs(obs[:, 2]) < 1.0)
        return np.mean(upright)
    """
  static let exploitable = """
    import numpy as np

    def compute_reward(obs, action):
        upright = obs[0]
        motion = 0.4 * np.abs(obs[2])
        return upright + motion, {"upright": upright, "motion": motion}
    """
  static let honest = """
    import numpy as np

    def compute_reward(obs, action):
        angle = np.arctan2(obs[1], obs[0])
        upright = -np.square(angle)
        calm = -0.1 * np.square(obs[2])
        return upright + calm, {"upright": upright, "calm": calm}
    """

  private func audit(_ source: String) throws -> BehaviourAudit.Result {
    let spec = try Environments.spec("Pendulum-v1")
    let subject = AuditSubject(
      reward: try RewardProgram.compile(source, name: "reward.py", schema: spec.schema), environment: spec,
      fitness: try RewardProgram.compile(Self.fitness, name: "fitness.py", schema: spec.schema, kind: .fitness),
      success: 0.6)
    var configuration = BehaviourAudit.Configuration()
    configuration.ppo.gamma = 0.9
    configuration.ppo.learningRate = 1e-3
    return try BehaviourAudit(subject, configuration: configuration).run(seed: 3, pool: WorkerPool(threads: 2))
  }

  @Test func findsThePlantedExploit() throws {
    let result = try audit(Self.exploitable)
    let found = try #require(result.findings.first { $0.code == "exploit" })
    #expect(found.severity == .high)
    let exploit = try #require(result.exploit)
    #expect(exploit.meanFitness < 0.3)
    let random = try #require(result.policies.first)
    #expect(random.name == "random play" && exploit.meanDesigned > random.meanDesigned + 100)
  }

  /// The control: a reward that asks for what the fitness asks for.
  @Test func doesNotAccuseAnHonestReward() throws {
    let result = try audit(Self.honest)
    #expect(result.findings.first { $0.code == "exploit" }?.severity != .high)
    #expect(!result.findings.contains { $0.code == "optimising-harms" || $0.code == "inverted" })
    let trained = try #require(result.policies.first { $0.name == "trained on the reward" })
    #expect(trained.meanFitness > 0.5)
  }

  /// An adversary that earns twice what the trained policy does, with all of its fitness, has found no exploit; one that
  /// earns it with a tenth of the fitness has. Both are counted from random play to the best of all.
  @Test func anExploitIsCountedInTheBestOfAll() throws {
    let spec = try Environments.spec("Pendulum-v1")
    let audit = BehaviourAudit(
      AuditSubject(
        reward: try RewardProgram.compile(Self.honest, name: "reward.py", schema: spec.schema), environment: spec,
        fitness: try RewardProgram.compile(Self.fitness, name: "fitness.py", schema: spec.schema, kind: .fitness),
        success: nil))
    func played(_ name: String, _ designed: Double, _ fitness: Double) -> BehaviourAudit.PlayedPolicy {
      .init(name: name, policy: nil, fitness: [fitness, fitness], designed: [designed, designed])
    }
    let random = played("random play", 0, 0), trained = played("trained on the reward", 100, 1)
    let harmless = played("adversary", 200, 1)
    #expect(audit.exploit(among: [random, trained, harmless], random: random, best: trained) == nil)
    let found = try #require(
      audit.exploit(among: [random, trained, played("adversary", 200, 0.1)], random: random, best: trained))
    #expect(found.policy.name == "adversary" && found.reward == 1 && abs(found.fitness - 0.1) < 1e-12)
    // Half of the reward with none of the fitness: at the threshold. A little less earns too little to count.
    let half = played("adversary", 50, 0)
    #expect(audit.exploit(among: [random, trained, half], random: random, best: trained)?.reward == 0.5)
    #expect(audit.exploit(among: [random, trained, played("adversary", 49, 0)], random: random, best: trained) == nil)
  }

  /// What a sudden step does to a reward that reads a noisy number.
  @Test func noiseMovesASteepReward() throws {
    let steep = """
      import numpy as np

      def compute_reward(obs):
          return np.sign(np.sin(2000.0 * obs[2]))
      """
    let spec = try Environments.spec("Pendulum-v1")
    let subject = AuditSubject(
      reward: try RewardProgram.compile(steep, name: "reward.py", schema: spec.schema), environment: spec,
      fitness: try RewardProgram.compile(Self.fitness, name: "fitness.py", schema: spec.schema, kind: .fitness),
      success: nil)
    var configuration = BehaviourAudit.Configuration()
    (configuration.steps, configuration.adversaries, configuration.episodes) = (4_096, [], 8)
    let findings = try BehaviourAudit(subject, configuration: configuration).run(seed: 0, pool: WorkerPool(threads: 1))
      .findings
    #expect(findings.contains { $0.code == "noise-sensitive" && $0.title.contains("obs") })
  }
}
