import Basics
import Experiments
import Foundation
import TestSupport
import Testing

@Suite struct MetricsTests {
  static let hostile = "# <script>alert(1)</script> \"quoted\" — Ω\nsecond line \u{0}"

  /// What is written below.
  private func write(to directory: URL) throws {
    let writer = MetricsWriter(directory: directory)
    for step in 0..<50 {
      try writer.write(
        step: step * 1_000, ["train/loss": 1 / Double(step + 1), "rollout/return": Double(step) - 25],
        texts: step % 10 == 0 ? ["note": "step \(step) \(Self.hostile)"] : [:],
        histograms: step == 3 ? ["weights": Histogram((0..<1_000).map { Double($0 * $0) / 1_000 })] : [:])
    }
    try writer.write(step: -1, ["odd": .nan])
    try writer.write(step: 1 << 40, ["odd": -.infinity])
  }

  struct Seen: Decodable {
    struct Point: Decodable { var step: Int, value: Double }
    struct Words: Decodable { var step: Int, text, plugin: String }
    struct Buckets: Decodable { var step: Int, min, max, num, sum, sumSquares: Double, limits, counts: [Double] }
    var version: String
    var scalars: [String: [Point]]
    var texts: [Words]
    var histograms: [Buckets]
    var times: [Double]
    var counts: [Double]
  }

  /// TensorBoard's own reader, which also checks every checksum.
  private func tensorBoard(_ directory: URL) throws -> Seen {
    try Python.run(
      """
      import glob, json, os, sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
      from tensorboard.compat.proto import event_pb2
      import numpy as np
      folder, = json.load(sys.stdin)
      files = sorted(glob.glob(os.path.join(folder, "events.out.tfevents.*")))
      raw = [event_pb2.Event.FromString(data) for data in RawEventFileLoader(files[0]).Load()]
      events = EventAccumulator(folder, size_guidance=dict(scalars=0, tensors=0, histograms=0)).Reload()
      number = lambda v: v if np.isfinite(v) else {np.inf: "Infinity", -np.inf: "-Infinity"}.get(v, "NaN")
      tags = events.Tags()
      plugin = lambda tag: events.SummaryMetadata(tag).plugin_data.plugin_name
      print(json.dumps(dict(
          version=raw[0].file_version, times=[e.wall_time for e in raw],
          scalars={t: [dict(step=e.step, value=number(e.value)) for e in events.Scalars(t)] for t in tags["scalars"]},
          texts=[dict(step=e.step, text=e.tensor_proto.string_val[0].decode(), plugin=plugin(t))
                 for t in tags["tensors"] for e in events.Tensors(t)],
          histograms=[dict(step=e.step, min=e.histogram_value.min, max=e.histogram_value.max, num=e.histogram_value.num,
                           sum=e.histogram_value.sum, sumSquares=e.histogram_value.sum_squares,
                           limits=list(e.histogram_value.bucket_limit), counts=list(e.histogram_value.bucket))
                      for t in tags["histograms"] for e in events.Histograms(t)],
          counts=np.histogram(np.arange(1000) ** 2 / 1000, bins=30)[0].astype(float).tolist())))
      """, input: [directory.path])
  }

  @Test func tensorBoardReadsTheEventFile() throws {
    let folder = try TemporaryFolder()
    let before = Date().timeIntervalSince1970
    try write(to: folder.url)
    let seen = try tensorBoard(folder.url)
    #expect(seen.version == "brain.Event:2")
    #expect(Set(seen.scalars.keys) == ["train/loss", "rollout/return", "odd"])
    let losses: [Seen.Point] = try #require(seen.scalars["train/loss"])
    let returns: [Seen.Point] = try #require(seen.scalars["rollout/return"])
    #expect(losses.count == 50 && returns.count == 50)
    for index in 0..<50 {
      let loss: Float = Float(1 / Double(index + 1))
      #expect(losses[index].step == index * 1_000 && losses[index].value == Double(loss))
      #expect(returns[index].value == Double(index - 25))
    }
    let odd = try #require(seen.scalars["odd"])
    #expect(odd.map(\.step) == [-1, 1 << 40] && odd[0].value.isNaN && odd[1].value == -.infinity)
    #expect(seen.texts.count == 5 && seen.texts.allSatisfy { $0.plugin == "text" })
    for (index, words) in seen.texts.enumerated() {
      #expect(words.step == index * 10_000 && words.text == "step \(index * 10) \(Self.hostile)")
    }
    let histogram = try #require(seen.histograms.first)
    #expect(seen.histograms.count == 1 && histogram.step == 3_000 && histogram.num == 1_000)
    #expect(histogram.counts == seen.counts && histogram.min == 0 && histogram.max == 998.001)
    #expect(abs(histogram.sum - 332_833.5) < 1e-6 && histogram.limits.count == 30)
    let after = Date().timeIntervalSince1970
    #expect(seen.times == seen.times.sorted() && before - 1 < seen.times[0] && seen.times.allSatisfy { $0 < after + 1 })
  }

  @Test func theLinesSayTheSame() throws {
    let folder = try TemporaryFolder()
    try write(to: folder.url)
    let file = folder.url.appendingPathComponent("metrics.jsonl")
    let records = try MetricsRecord.read(from: file)
    #expect(records.count == 52 && records[7].step == 7_000 && records[7].scalars["train/loss"] == 1.0 / 8)
    #expect(records[10].texts == ["note": "step 10 \(Self.hostile)"] && records[11].texts.isEmpty)
    #expect(records[3].histograms["weights"]?.counts.reduce(0, +) == 1_000)
    #expect(records[50].scalars["odd"]?.isNaN == true && records[51].scalars["odd"] == -.infinity)
    struct Line: Decodable { var steps: [Int], losses: [Double] }
    let line: Line = try Python.run(
      """
      import json, sys
      path, = json.load(sys.stdin)
      lines = [json.loads(line, parse_constant=lambda name: 1 / 0) for line in open(path)]
      print(json.dumps(dict(steps=[l["step"] for l in lines], losses=[l["scalars"].get("train/loss", -1) for l in lines])))
      """, input: [file.path])
    let losses: [Double] = records.map { record in record.scalars["train/loss"] ?? -1 }
    #expect(line.steps == records.map(\.step) && line.losses == losses)
  }

  /// Both files cut at every length, as a process that was killed would leave them: what was whole before the cut is read.
  @Test func whatWasCutOffIsPassedOver() throws {
    let folder = try TemporaryFolder()
    let writer = MetricsWriter(directory: folder.url)
    for step in 0..<4 { try writer.write(step: step, ["value": Double(step)], texts: ["text": "Ω\(step)"]) }
    let file = folder.url.appendingPathComponent("metrics.jsonl")
    let whole = try Files.read(file)
    for length in 0...whole.count {
      let cut = whole.prefix(length)
      try Files.write(cut, to: file)
      let records = try MetricsRecord.read(from: file)
      let complete: Int = cut.count { $0 == UInt8(ascii: "\n") }
      #expect(records.map(\.step) == Array(0..<complete))
      // Going on after it makes a whole file.
      let next = folder.url.appendingPathComponent("next")
      try Files.createDirectory(next)
      try Files.write(cut, to: next.appendingPathComponent("metrics.jsonl"))
      try MetricsWriter(directory: next).write(step: 99, ["value": 0])
      let gone = try MetricsRecord.read(from: next.appendingPathComponent("metrics.jsonl"))
      #expect(gone.map(\.step) == records.map(\.step) + [99])
      try FileManager.default.removeItem(at: next)
    }
    try Files.write(whole.replacing(Data("\"step\"".utf8), with: Data("\"stop\"".utf8)), to: file)
    #expect(throws: GuerdonError.self) { try MetricsRecord.read(from: file) }

    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    let events = folder.url.appendingPathComponent(try #require(names.first { $0.hasPrefix("events") }))
    let all = try Files.read(events)
    struct Read: Decodable { var steps: [[Int]], ends: [Int] }
    let read: Read = try Python.run(
      """
      import json, struct, sys
      from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
      from tensorboard.compat.proto import event_pb2
      path, = json.load(sys.stdin)
      data, ends, at, steps = open(path, "rb").read(), [], 0, []
      while at < len(data):
          at += 16 + struct.unpack("<Q", data[at:at + 8])[0]
          ends.append(at)
      for length in range(len(data) + 1):
          open(path, "wb").write(data[:length])
          steps.append([event_pb2.Event.FromString(d).step for d in RawEventFileLoader(path).Load()][1:])
      print(json.dumps(dict(steps=steps, ends=ends)))
      """, input: [events.path])
    #expect(read.ends.count == 5 && read.ends.last == all.count)
    for (length, steps) in read.steps.enumerated() {
      let complete: Int = read.ends.count { $0 <= length }
      #expect(steps == Array(0..<max(complete - 1, 0)))
    }
  }

  @Test func severalThreadsWriteWholeRecords() throws {
    let folder = try TemporaryFolder()
    let writer = MetricsWriter(directory: folder.url)
    WorkerPool(threads: 4).forEach(200) { index in
      try? writer.write(step: index, ["value": Double(index)], texts: ["text": String(repeating: "x", count: 3_000)])
    }
    let records = try MetricsRecord.read(from: folder.url.appendingPathComponent("metrics.jsonl"))
    #expect(Set(records.map(\.step)) == Set(0..<200) && records.count == 200)
    #expect(try tensorBoardSteps(folder.url) == Set(0..<200))
  }

  private func tensorBoardSteps(_ folder: URL) throws -> Set<Int> {
    try Python.run(
      """
      import json, sys
      from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
      folder, = json.load(sys.stdin)
      events = EventAccumulator(folder, size_guidance=dict(scalars=0)).Reload()
      print(json.dumps([e.step for e in events.Scalars("value")]))
      """, input: [folder.path])
  }

  #if os(Linux)
  /// /dev/full takes nothing: the error names the file and the reason.
  @Test func aFullDiskIsSaid() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.url.appendingPathComponent("metrics.jsonl").path, withDestinationPath: "/dev/full")
    let writer = MetricsWriter(directory: folder.url)
    let error = #expect(throws: GuerdonError.self) { try writer.write(step: 0, ["value": 1]) }
    #expect(error?.message == "Cannot write \(folder.url.path)/metrics.jsonl: No space left on device.")
  }
  #endif

  @Test func nothingToWriteMakesNoFile() throws {
    let folder = try TemporaryFolder()
    _ = MetricsWriter(directory: folder.url)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }
}
