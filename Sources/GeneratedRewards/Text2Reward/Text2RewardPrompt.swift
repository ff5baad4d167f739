import Endpoints

extension Text2Reward {
  /// What stands before the instruction, and by which whoever reads the prompt finds it.
  static let instructionMark = "Instruction: "
  /// The same before an example's.
  static let exampleMark = "Example instruction: "

  /// The prompt's five blocks: who and where; what rewards are made of; the abstraction; what is known to help; the
  /// instruction with its rules. Examples come before the last block.
  static func prompt(_ task: WritingTask, examples: [InstructionPool.Pair]) -> [ChatMessage] {
    let role = """
      You write dense reward functions for reinforcement learning, as Python with numpy. \(task.abstraction.setting)
      """
    let parts = """
      A reward is usually a weighted sum of some of these parts:
      - the distance between the gripper (or the fingertip) and the object that is to be moved;
      - the difference between the object's state and the goal state;
      - a small cost on the action, so that motions stay calm;
      - where the task needs it, a constraint on the object's state (its orientation, its speed);
      - where the task needs it, a constraint on the robot's state (the gripper's opening, its height).
      """
    let locomotion = """
      Do not let costs outweigh what the task asks for: an agent that earns most by standing still will stand still. \
      Choose each weight by the term's unit and by how much it matters.
      """
    let abstraction = """
      This is all that is known of the environment; `self` is an object of the class \(task.abstraction.classes.first?.name ?? "BaseEnv").

      \(task.abstraction.text)
      """
    let knowledge = """
      What has helped before: stages, by nested conditions, of which a later one pays more than the one before, make \
      training steadier; poses combine by multiplication, and the pose of a in the frame of b is inverse(b) * a; the \
      distance to a part with a surface is that to the nearest of its points.
      """
    let shown = examples.map { "\(exampleMark)\($0.instruction)\n```python\n\($0.code)```" }
    let rules = """
      \(instructionMark)\(task.instruction)

      Think step by step: what has to happen first, what then, and what would be rewarded by mistake. Then give one \
      Python function `def compute_dense_reward(self, action)` in one fenced block and nothing after it. Use only the \
      attributes declared above and `action`. Return the reward, or the reward and a dictionary of its terms. Say in a \
      comment why each weight is what it is.
      """
    let blocks = [parts] + (task.abstraction.isLocomotion ? [locomotion] : []) + [abstraction, knowledge] + shown + [rules]
    return [ChatMessage(.system, role), ChatMessage(.user, blocks.joined(separator: "\n\n"))]
  }

  /// A round of the dialogue with a person: the code as it was, and what came of it.
  static func messages(of round: Round) -> [ChatMessage] {
    let tag = round.feedback.tag.map { "\n[\($0)]" } ?? ""
    return [
      ChatMessage(.assistant, "```python\n\(round.code)```"),
      ChatMessage(
        .user,
        """
        A policy was trained on this function. What it does: \(round.feedback.description)
        What should be otherwise: \(round.feedback.request)\(tag)

        Say first what in the function is missing or wrong, then give the improved function, whole, in one fenced block.
        """),
    ]
  }

  /// What is said after an answer that cannot be used.
  static func messages(of attempt: Attempt, error: String) -> [ChatMessage] {
    [
      ChatMessage(.assistant, attempt.answer),
      ChatMessage(
        .user,
        """
        This cannot be used:
        \(error)

        Mend it, and give the whole function again in one fenced block.
        """),
    ]
  }
}
