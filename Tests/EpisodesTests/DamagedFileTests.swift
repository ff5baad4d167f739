import Basics
import Foundation
import TestSupport
import Testing

@testable import Episodes

/// Files that are damaged, or made to do harm, are refused with an explanation.
@Suite struct DamagedFileTests {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-\(UUID().uuidString)")

  private func makeDataset(_ name: String = "x-v0") throws -> URL {
    var random = RandomGenerator(seed: 1)
    let box = MinariSpace.box(dtype: "float64", shape: [2], low: [-9, -9], high: [9, 9])
    let metadata = MinariMetadata(
      id: name, observationSpace: .dictionary(["a": box, "t": .text(minLength: 0, maxLength: 9, characters: "ab")]),
      actionSpace: .discrete(2, start: 0))
    let episodes = try (0..<3).map { _ in
      Episode(
        observations: .dictionary([
          "a": .column(try EpisodeColumn(.float64((0..<22).map { _ in random.normal() }), shape: [2])),
          "t": .column(try EpisodeColumn(.text(Array(repeating: "ab", count: 11)))),
        ]),
        actions: .column(try EpisodeColumn(.int64(Array(repeating: 1, count: 10)))),
        rewards: Array(repeating: 1, count: 10), terminations: Array(repeating: false, count: 10),
        truncations: Array(repeating: true, count: 10))
    }
    return try MinariWriter.write(episodes, metadata, root: root)
  }

  /// One way to spoil a file, in Python, and a part of what is said about it.
  struct Harm: Sendable, CustomStringConvertible {
    var description, part, script: String

    init(_ description: String, _ part: String, _ script: String) {
      (self.description, self.part, self.script) = (description, part, script)
    }
  }

  /// `e` is the first episode of the file `f`; its rewards are deleted, and kept in `old`.
  private static let harms = [
    Harm("soft link", "links are not followed", "e['rewards'] = h5py.SoftLink('/episode_1/rewards')"),
    Harm("external link", "links are not followed", "e['rewards'] = h5py.ExternalLink('/etc/passwd', '/x')"),
    Harm("foreign bytes", "another file", "new('rewards', (10,), 'f8', external=[('/etc/passwd', 0, 80)])"),
    Harm("virtual dataset", "another file", """
      layout = h5py.VirtualLayout((10,), 'f8')
      layout[:] = h5py.VirtualSource('/etc/passwd', 'x', (10,))
      e.create_virtual_dataset('rewards', layout)
      """),
    Harm("foreign filter", "foreign filter", "new('rewards', data=old, compression='lzf')"),
    Harm("endless size", "more than its file can hold", "new('rewards', (1 << 50,), 'f8', chunks=(1024,))"),
    Harm("overflow", "more than its file can hold", "new('rewards', (1 << 40, 1 << 40), 'f8', chunks=(8, 8))"),
    Harm("compound", "neither numbers nor text", "e['rewards'] = np.zeros(10, dtype=[('a', 'f8')])"),
    Harm("circle", "nested too deeply", "e['rewards'] = old; e['infos']['loop'] = e['infos']"),
    Harm("wrong length", "9 rewards", "e['rewards'] = old[1:]"),
    Harm("wrong shape", "shape [2]", "e['rewards'] = old; del e['actions']; e['actions'] = np.ones((10, 2))"),
    Harm("rows of rewards", "not one number a step", "e['rewards'] = np.ones((10, 2))"),
    Harm("no actions", "has no actions", "e['rewards'] = old; del e['actions']"),
    Harm("no episode", "2 episodes", "del f['episode_0']"),
    Harm("renamed episode", "no group episode_0", "f.move('episode_0', 'other')"),
    Harm("group for a dataset", "has no rewards", "e.create_group('rewards')"),
  ]

  @Test(arguments: harms) func harmIsRefused(harm: Harm) throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let folder = try makeDataset()
    let script = harm.script.replacingOccurrences(of: "\n", with: "\n  ")
    let _: Int = try Python.run(
      """
      import json, sys, h5py, numpy as np
      with h5py.File(json.load(sys.stdin), "a") as f:
        e = f["episode_0"]
        new, old = e.create_dataset, e["rewards"][:]
        del e["rewards"]
        \(script)
      print(0)
      """, input: folder.appendingPathComponent("data/main_data.hdf5").path)
    let dataset = try MinariDataset("x-v0", root: root)
    let error = #expect(throws: GuerdonError.self) { try dataset.episodes() }
    #expect(error?.message.contains(harm.part) == true, "\(error?.message ?? "nothing was thrown")")
  }

  private static func metadata(observations: String) -> String {
    #"{"total_episodes": 1, "total_steps": 0, "data_format": "hdf5", "observation_space": ""# + observations
      + #"", "action_space": "{\"type\": \"Discrete\", \"start\": 0, \"n\": 2}"}"#
  }

  @Test(arguments: [
    "", "[]", "{", #"{"total_episodes": 1"#, #"{"total_episodes": -1, "total_steps": 0, "data_format": "hdf5"}"#,
    #"{"total_episodes": 1, "total_steps": 0, "data_format": "arrow"}"#,
    #"{"total_episodes": 1, "total_steps": 0, "data_format": "hdf5"}"#,
    metadata(observations: "{}"), metadata(observations: #"{\"type\": \"Box\"}"#),
    metadata(
      observations: #"{\"type\": \"Box\", \"dtype\": \"float64\", \"shape\": [9000000000, 9000000000], "#
        + #"\"low\": [0], \"high\": [1]}"#),
    String(repeating: "[", count: 100_000),
  ])
  func damagedMetadataIsRefused(text: String) throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let folder = try makeDataset()
    try Files.write(text, to: folder.appendingPathComponent("data/metadata.json"))
    #expect(throws: GuerdonError.self) { try MinariDataset("x-v0", root: root) }
  }

  @Test func damagedBytesAreRefusedOrRead() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let folder = try makeDataset()
    let file = folder.appendingPathComponent("data/main_data.hdf5")
    let whole = try Data(contentsOf: file)
    let dataset = try MinariDataset("x-v0", root: root)
    let episodes = try dataset.episodes()
    // Cut anywhere it is refused.
    for length in [0, 1, 8, 100, 1000, whole.count / 2, whole.count - 1] {
      try Files.write(whole.prefix(length), to: file)
      #expect(throws: GuerdonError.self) { try dataset.episodes() }
    }
    // Spoilt bytes give an error or other numbers, and never end the process.
    var random = RandomGenerator(seed: 2)
    var refused = 0
    for _ in 0..<damages {
      var spoilt = whole
      for _ in 0...random.integer(below: 4) {
        spoilt[random.integer(below: whole.count)] = UInt8(random.integer(below: 256))
      }
      try Files.write(spoilt, to: file)
      do { _ = try dataset.episodes() } catch is GuerdonError { refused += 1 }
    }
    #expect(refused > 0)
    try Files.write(whole, to: file)
    #expect(try dataset.episodes() == episodes)
  }

  /// `GUERDON_DAMAGES` asks for more of them.
  private var damages: Int { Int(ProcessInfo.processInfo.environment["GUERDON_DAMAGES"] ?? "") ?? 60 }

  @Test func missingFilesAreNamed() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    let folder = try makeDataset()
    let missing = #expect(throws: GuerdonError.self) { try MinariDataset("y-v0", root: root) }
    #expect(missing?.message.contains("y-v0/data/metadata.json") == true)
    let dataset = try MinariDataset("x-v0", root: root)
    let file = folder.appendingPathComponent("data/main_data.hdf5")
    try FileManager.default.removeItem(at: file)
    let gone = #expect(throws: GuerdonError.self) { try dataset.episode(0) }
    #expect(gone?.message.contains("main_data.hdf5") == true)
    // A pipe would be waited for for ever.
    #expect(mkfifo(file.path, 0o600) == 0)
    #expect(throws: GuerdonError.self) { try dataset.episode(0) }
  }
}
