import Basics
import Foundation
import TestSupport
import Testing

@testable import Episodes

/// Files that are damaged, or made to do harm, are refused with an explanation.
@Suite struct DamagedFileTests {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent("guerdon-damaged-\(UUID().uuidString)")

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
  struct Harm: Sendable, CustomStringConvertible { var description, script, part: String }

  private static let harms = [
    Harm(description: "soft link", script: "del e['rewards']; e['rewards'] = h5py.SoftLink('/episode_1/rewards')", part: "links are not followed"),
    Harm(description: "external link", script: "del e['rewards']; e['rewards'] = h5py.ExternalLink('/etc/passwd', '/x')", part: "links are not followed"),
    Harm(description: "bytes of another file", script: "del e['rewards']; e.create_dataset('rewards', (10,), 'f8', external=[('/etc/passwd', 0, 80)])", part: "another file"),
    Harm(description: "virtual dataset", script: """
      del e['rewards']
      l = h5py.VirtualLayout((10,), 'f8'); l[:] = h5py.VirtualSource('/etc/passwd', 'x', (10,)); e.create_virtual_dataset('rewards', l)
      """, part: "another file"),
    Harm(description: "foreign filter", script: "del e['rewards']; e.create_dataset('rewards', data=np.ones(10), compression='lzf')", part: "foreign filter"),
    Harm(description: "endless size", script: "del e['rewards']; e.create_dataset('rewards', (1 << 50,), 'f8', chunks=(1024,))", part: "more than its file can hold"),
    Harm(description: "overflowing size", script: "del e['rewards']; e.create_dataset('rewards', (1 << 40, 1 << 40), 'f8', chunks=(8, 8))", part: "more than its file can hold"),
    Harm(description: "compound", script: "del e['rewards']; e['rewards'] = np.zeros(10, dtype=[('a', 'f8')])", part: "neither numbers nor text"),
    Harm(description: "circle", script: "e['infos']['loop'] = e['infos']", part: "nested too deeply"),
    Harm(description: "wrong length", script: "del e['rewards']; e['rewards'] = np.ones(9)", part: "9 rewards"),
    Harm(description: "wrong shape", script: "del e['actions']; e['actions'] = np.ones((10, 2))", part: "shape [2]"),
    Harm(description: "rows of rewards", script: "del e['rewards']; e['rewards'] = np.ones((10, 2))", part: "not one number a step"),
    Harm(description: "no actions", script: "del e['actions']", part: "has no actions"),
    Harm(description: "no episode", script: "del f['episode_0']", part: "2 episodes"),
    Harm(description: "renamed episode", script: "f.move('episode_0', 'other')", part: "no group episode_0"),
    Harm(description: "group for a dataset", script: "del e['rewards']; e.create_group('rewards')", part: "has no rewards"),
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
        \(script)
      print(0)
      """, input: folder.appendingPathComponent("data/main_data.hdf5").path)
    let dataset = try MinariDataset("x-v0", root: root)
    let error = #expect(throws: GuerdonError.self) { try dataset.episodes() }
    #expect(error?.message.contains(harm.part) == true, "\(error?.message ?? "nothing was thrown")")
  }

  @Test(arguments: [
    "", "[]", "{\"total_episodes\": 1", "{\"total_episodes\": -1, \"total_steps\": 0, \"data_format\": \"hdf5\"}",
    "{\"total_episodes\": 1, \"total_steps\": 0, \"data_format\": \"arrow\"}",
    "{\"total_episodes\": 1, \"total_steps\": 0, \"data_format\": \"hdf5\"}",
    "{\"total_episodes\": 1, \"total_steps\": 0, \"data_format\": \"hdf5\", \"observation_space\": \"{}\", \"action_space\": \"{}\"}",
    "{\"total_episodes\": 1, \"total_steps\": 0, \"data_format\": \"hdf5\", \"action_space\": \"{\\\"type\\\": \\\"Discrete\\\", "
      + "\\\"n\\\": 2}\", \"observation_space\": \"{\\\"type\\\": \\\"Box\\\", \\\"dtype\\\": \\\"float64\\\", \\\"shape\\\": "
      + "[9000000000, 9000000000], \\\"low\\\": [0], \\\"high\\\": [1]}\"}",
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
      for _ in 0...random.integer(below: 4) { spoilt[random.integer(below: whole.count)] = UInt8(random.integer(below: 256)) }
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
