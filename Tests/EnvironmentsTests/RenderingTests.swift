import Basics
import Foundation
import TestSupport
import Testing

@testable import Environments

@Suite struct RenderingTests {
  /// Pictures as Python reads them: shape, and all numbers.
  struct Read: Decodable { var shape: [Int], values: Numbers }

  private static let decode = """
    import base64, io, json, sys, numpy as np
    from PIL import Image, ImageSequence
    encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
    image = Image.open(io.BytesIO(base64.b64decode(json.load(sys.stdin))))
    frames = np.stack([np.array(f.convert("RGB")) for f in ImageSequence.Iterator(image)])

    """

  private func noise(_ seed: UInt64, width: Int, height: Int) throws -> RGBImage {
    var random = RandomGenerator(seed: seed)
    // Half noise, half a slope, for both ways of writing a row.
    let pixels = (0..<3 * width * height).map { k in
      k < width * height ? UInt8(random.integer(below: 256)) : UInt8(truncatingIfNeeded: k / 7)
    }
    return try RGBImage(width: width, height: height, pixels: pixels)
  }

  @Test func aPNGIsReadByPillow() throws {
    let image = try noise(1, width: 37, height: 23)
    let read: Read = try Python.run(
      Self.decode + "print(json.dumps(dict(shape=frames.shape, values=encode(frames))))",
      input: image.png().base64EncodedString())
    #expect(read.shape == [1, 23, 37, 3])
    #expect(read.values.values.map { UInt8($0) } == image.pixels)
  }

  @Test func anAnimationIsPlayedByPillow() throws {
    var film = try AnimatedPNG(framesPerSecond: 20)
    var images = [try noise(1, width: 40, height: 30)]
    // Nothing changes; one pixel; a rectangle; everything.
    images.append(images[0])
    images.append(images[0])
    images[2].pixels[3 * (40 * 11 + 17) + 1] &+= 9
    images.append(images[2])
    for y in 5..<20 { for x in 8..<33 { images[3].pixels[3 * (40 * y + x)] ^= 0x55 } }
    images.append(try noise(2, width: 40, height: 30))
    for image in images { try film.append(image) }
    struct Played: Decodable { var read: Read, durations: [Double] }
    let played: Played = try Python.run(
      Self.decode + """
      durations = []
      for k in range(image.n_frames):
        image.seek(k); durations.append(image.info["duration"])
      print(json.dumps(dict(read=dict(shape=frames.shape, values=encode(frames)), durations=durations)))
      """, input: film.data().base64EncodedString())
    #expect(played.read.shape == [5, 30, 40, 3])
    #expect(played.read.values.values.map { UInt8($0) } == images.flatMap(\.pixels))
    #expect(played.durations == [50, 50, 50, 50, 50])
    #expect(throws: GuerdonError.self) { try film.append(noise(1, width: 30, height: 40)) }
    #expect(throws: GuerdonError.self) { try AnimatedPNG(framesPerSecond: 0) }
    #expect(throws: GuerdonError.self) { try AnimatedPNG(framesPerSecond: 5).data() }
  }

  /// The same state drawn by MuJoCo's Python package with the same library.
  @Test(arguments: [
    ("HalfCheetah-v5", "track", true), ("HalfCheetah-v5", "track", false), ("Humanoid-v5", "track", true),
    ("Reacher-v5", "", true),
  ])
  func aFrameEqualsPythons(id: String, camera: String, shadows: Bool) throws {
    let environment = try Environments.make(id, count: 1, seed: 3)
    let action = [Double](repeating: 0.3, count: environment.spec.actionSpace.width)
    for _ in 0..<12 { action.withUnsafeBufferPointer { environment.step($0) } }
    let state = environment.saveState()[0]
    let renderer = try MuJoCoRenderer(id, width: 320, height: 240, shadows: shadows)
    let ours = try renderer.frame(of: state)
    struct Request: Encodable { var id, camera: String, shadows: Bool, physics: [Double] }
    let theirs: Read = try Python.run(
      """
      import os
      os.environ["MUJOCO_GL"] = os.environ.get("MUJOCO_GL", "osmesa")
      import base64, json, sys, numpy as np, mujoco, gymnasium as gym
      q = json.load(sys.stdin)
      model = gym.make(q["id"]).unwrapped.model
      data, x = mujoco.MjData(model), q["physics"]
      data.qpos[:], data.qvel[:] = x[1:1 + model.nq], x[1 + model.nq:1 + model.nq + model.nv]
      mujoco.mj_forward(model, data)
      renderer = mujoco.Renderer(model, 240, 320)
      renderer.update_scene(data, camera=q["camera"] or -1)
      for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
        renderer.scene.flags[flag] = q["shadows"] and renderer.scene.flags[flag]
      image = renderer.render()
      encode = lambda x: base64.b64encode(np.ascontiguousarray(x, dtype="<f8").tobytes()).decode()
      print(json.dumps(dict(shape=image.shape, values=encode(image))))
      """, input: Request(id: id, camera: camera, shadows: shadows, physics: state.physics))
    #expect(theirs.shape == [240, 320, 3])
    let values = ours.pixels.map(Double.init), count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    #expect(deviation > 10, "the picture is blank")
    let difference = zip(values, theirs.values.values).reduce(0) { $0 + abs($1.0 - $1.1) } / count
    #expect(difference < 1, "the pictures differ by \(difference) of 255 on average")
  }

  @Test func anEpisodeIsFilmed() throws {
    let renderer = try MuJoCoRenderer("Hopper-v5", width: 64, height: 48)
    var asked = 0
    let film = try renderer.episode(seed: 1, steps: 40, interval: 4) { observation in
      #expect(observation.count == 11)
      asked += 1
      return [0, 0, 0]
    }
    // The start, every fourth step, and the end if it falls between.
    #expect(film.frameCount == 1 + (asked + 3) / 4)
    #expect(film.framesPerSecond == 1 / (0.008 * 4))
    #expect(throws: GuerdonError.self) { try renderer.episode(seed: 1) { _ in [0] } }
  }

  @Test func camerasDiffer() throws {
    let state = try Environments.make("HalfCheetah-v5", count: 1).saveState()[0]
    let cameras: [MuJoCoRenderer.Camera] = [.automatic, .free, .following(body: "torso", distance: 2)]
    func picture(_ camera: MuJoCoRenderer.Camera) throws -> RGBImage {
      try MuJoCoRenderer("HalfCheetah-v5", width: 96, height: 64, camera: camera).frame(of: state)
    }
    let images = try cameras.map(picture)
    #expect(Set(images).count == 3)
    #expect(try picture(.named("track")) == images[0])
  }

  @Test func mistakesAreExplained() throws {
    #expect(throws: GuerdonError.self) { try MuJoCoRenderer("CartPole-v1") }
    #expect(throws: GuerdonError.self) { try MuJoCoRenderer("Ant-v5", width: 0) }
    #expect(throws: GuerdonError.self) { try MuJoCoRenderer("Ant-v5", camera: .named("nose")) }
    #expect(throws: GuerdonError.self) { try MuJoCoRenderer("Ant-v5", camera: .following(body: "wheel", distance: 1)) }
    let other = try Environments.make("CartPole-v1", count: 1).saveState()[0]
    #expect(throws: GuerdonError.self) { try MuJoCoRenderer("Ant-v5").frame(of: other) }
    let missing = #expect(throws: GuerdonError.self) {
      try OffscreenContext(width: 16, height: 16, libraries: [.init(name: "libNoSuchMesa.so.1", isEGL: false)])
    }
    #expect(missing?.message.contains("install Debian's libosmesa6") == true)
  }
}
