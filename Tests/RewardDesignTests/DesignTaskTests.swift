import Basics
import Foundation
import RewardDesign
import Testing

@Suite struct DesignTaskTests {
  static let good = """
    name: test
    environment: Pendulum-v1
    goal: stay up
    max_episode_steps: 150
    fitness: |
      import numpy as np

      def fitness(tip_height):
          return np.mean(tip_height)
    human_reward: environment
    budget:
      generations: 2
      steps: 2_000
    """

  @Test func readsATask() throws {
    let task = try DesignTask(text: Self.good, file: "test.yaml")
    #expect(task.name == "test" && task.environment.id == "Pendulum-v1" && task.maxEpisodeSteps == 150)
    #expect(task.budget.generations == 2 && task.budget.steps == 2_000 && task.budget.candidates == 8)
    #expect(task.fitness.inputs.map(\.name) == ["tip_height"])
  }

  @Test func everyTaskThatComesWithGuerdonLoads() throws {
    let bundled = DesignTask.bundled
    #expect(bundled.count >= 12)
    for url in bundled {
      // Meta-World is only there where it was set up.
      if try Files.readText(url).contains("gym:metaworld:") && Dependencies.worlds == nil { continue }
      let task = try DesignTask.load(url.path)
      #expect(task.name == url.deletingPathExtension().lastPathComponent)
      #expect(task.human != nil && task.success != nil)
    }
  }

  /// Each mistake, and what the message must say about it.
  @Test(arguments: [
    ("environment: Pendulum-v1", "environment: Pendlum-v1", ["line 2", "Pendlum-v1", "Did you mean \"Pendulum-v1\""]),
    ("goal: stay up", "gaol: stay up", ["line 3", "unknown key \"gaol\"", "Did you mean \"goal\""]),
    ("goal: stay up", "goal: [a, b]", ["line 3", "text"]),
    ("goal: stay up\n", "", ["needs \"goal\""]),
    ("max_episode_steps: 150", "max_episode_steps: 900", ["line 4", "1 to 200"]),
    ("max_episode_steps: 150", "max_episode_steps: many", ["line 4", "whole number"]),
    ("generations: 2", "generations: 0", ["line 12", "1 to 1000"]),
    ("generations: 2", "genrations: 2", ["line 12", "Did you mean \"generations\""]),
    ("tip_height", "tip_heihgt", ["fitness", "tip_heihgt", "tip_height"]),
    ("np.mean(tip_height)", "np.mean(tip_height", ["fitness"]),
    ("name: test", "name: test\nname: again", ["name"]),
    ("goal: stay up", "goal: \"stay", ["not well-formed YAML", "line"]),
    ("human_reward: environment", "human_reward: |\n  def compute_reward(nothing):\n      return nothing", ["human_reward", "nothing"]),
    ("budget:", "fitness_only: [speed]\nbudget:", ["no field \"speed\""]),
  ])
  func explainsAMistake(right: String, wrong: String, says: [String]) {
    let text = Self.good.replacingOccurrences(of: right, with: wrong)
    #expect(text != Self.good)
    do {
      _ = try DesignTask(text: text, file: "test.yaml")
      Issue.record("\(wrong) was accepted")
    } catch let error as GuerdonError {
      #expect(error.kind == .usage)
      for phrase in ["test.yaml"] + says { #expect(error.message.contains(phrase), "\(error.message)") }
    } catch {
      Issue.record("not a GuerdonError: \(error)")
    }
  }

  @Test(arguments: ["", "- a\n- b", "just words", "\u{0}\u{1}binary", "a: &x [*x, *x]"])
  func survivesNonsense(text: String) {
    #expect(throws: GuerdonError.self) { try DesignTask(text: text, file: "nonsense.yaml") }
  }

  @Test func namesTheTasksWhenOneIsUnknown() {
    do {
      _ = try DesignTask.load("cheetah-bakc")
      Issue.record("it was found")
    } catch {
      #expect("\(error)".contains("Did you mean \"cheetah-back\""))
    }
  }
}
