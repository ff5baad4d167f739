import Agents
import Basics
import Environments
import Experiments
import Foundation
import Schemas

/// An episode of a policy to be watched: pictures where the environment can be drawn, and what its fields did.
public struct Clip: Sendable {
  /// One named quantity over the episode.
  public struct Trace: Sendable, Codable {
    public var name: String
    public var unit: String
    /// One value a step.
    public var values: [Double]
  }

  /// PNG files, evenly spaced in time; empty where the environment cannot be drawn.
  public var frames: [Data]
  public var framesPerSecond: Double
  /// Steps from one frame to the next.
  public var stepsPerFrame: Int
  public var traces: [Trace]
  public var length: Int

  /// Plays one episode with the policy's likeliest actions.
  /// - Parameters:
  ///   - environment: where, and for how many steps at most.
  ///   - watched: fields whose traces come first.
  ///   - width: of the pictures, in pixels; they are three quarters as high.
  ///   - maxFrames: pictures are taken farther apart when there would be more.
  /// - Throws: `GuerdonError` when the environment fails. One that merely cannot be drawn gives a clip without frames.
  public static func film(
    _ policy: Policy, in environment: EnvironmentSpec, watched: Set<String>, seed: UInt64, width: Int = 400,
    maxFrames: Int = 150
  ) throws -> Clip {
    let world = try Environments.make(
      environment.id, count: 1, pool: WorkerPool(threads: 1), autoreset: .sameStep,
      maxEpisodeSteps: environment.maxEpisodeSteps)
    // Drawing needs OpenGL, which a machine may lack: then there are only the traces.
    let renderer = try? MuJoCoRenderer(environment.id, width: width, height: width * 3 / 4, shadows: false)
    let duration = renderer?.stepDuration ?? 0.05
    let stepsPerFrame = max(1, Int((0.04 / duration).rounded(.up)), environment.maxEpisodeSteps / max(1, maxFrames))
    var frames: [Data] = []
    var step = 0
    let actor = policy.makeActor(capacity: 1)
    let episodes = try playEpisodes(world, episodes: 1, seed: seed) { observations, actions in
      if let renderer, step % stepsPerFrame == 0, let picture = try? renderer.frame(of: world.saveState()[0]).png() {
        frames.append(picture)
      }
      actor.act(observations, count: 1, into: actions)
      step += 1
    }
    guard let episode = episodes.first else {
      return Clip(frames: [], framesPerSecond: 1, stepsPerFrame: 1, traces: [], length: 0)
    }
    return Clip(
      frames: frames, framesPerSecond: 1 / (duration * Double(stepsPerFrame)), stepsPerFrame: stepsPerFrame,
      traces: traces(episode, environment.schema, watched), length: episode.length)
  }

  /// The named scalars that are watched first, then others, at most six.
  private static func traces(_ episode: Episode, _ schema: Schema, _ watched: Set<String>) -> [Trace] {
    let fields = schema.fields.filter {
      $0.width == 1 && !["obs", "next_obs", "action", "step", "terminated"].contains($0.name)
    }
    let ordered = fields.filter { watched.contains($0.name) } + fields.filter { !watched.contains($0.name) }
    return ordered.prefix(6).compactMap { field in
      guard let column = schema.columns(of: field.name)?.lowerBound else { return nil }
      let batch = episode.transitions
      return Trace(
        name: field.name, unit: field.unit,
        values: (0..<episode.length).map { batch.base[column * batch.capacity + $0] })
    }
  }
}

extension Report {
  /// The clip's pictures, to be played, and its traces under them.
  public mutating func clip(_ clip: Clip, caption: String) {
    film(clip.frames, framesPerSecond: clip.framesPerSecond, caption: caption)
    guard !clip.traces.isEmpty else { return }
    chart(
      Chart(
        .lines, caption: clip.frames.isEmpty ? "The episode in numbers." : "The same episode in numbers.", xLabel: "step", yLabel: "",
        series: clip.traces.map { trace in
          let unit = trace.unit == "1" ? "" : " (\(trace.unit))"
          return Chart.Series(
            trace.name + unit, trace.values.enumerated().map { Chart.Point(x: Double($0.offset + 1), y: $0.element) })
        }, height: 260))
  }
}
